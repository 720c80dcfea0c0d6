"""A study out as a data set and in again."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from annotations.models import (
    Assignment,
    Choice,
    Export,
    Highlight,
    Opinion,
    Participation,
    Preference,
    ProfileReply,
    Ranking,
    Rating,
    Reason,
    Response,
    Study,
    StudyRole,
    Submission,
)
from annotations.ports import Column, ExportOptions, export_parts
from annotations.services import table_files
from annotations.services.bundles import BundleRefused, open_bundle, write_zip
from annotations.services.exports import (
    ExportRefused,
    export_path,
    perform_export,
    request_export,
    write_bundle,
)
from annotations.services.study_import import import_bundle, perform_import, request_import
from juries.models import (
    AuditEntry,
    Candidate,
    CandidateContact,
    CandidateTrait,
    Feature,
    Juror,
    Jury,
    Pool,
    Quota,
    Run,
    Seat,
    User,
)
from juries.services.runs import RunContext, perform_run
from models_runner.domain.benchmark_definition import (
    DistributionalDefinition,
    definition_to_plain,
)
from models_runner.domain.benchmark_report.numbers import Number, Report, Section
from models_runner.models import (
    Benchmark,
    BenchmarkRun,
    Generation,
    LanguageModel,
    ModelSource,
    PredictedRating,
    RewardTraining,
)
from models_runner.selectors.benchmarks.inputs import joint_digest
from overton.models import (
    Answer,
    AnswerMerge,
    EntailmentReading,
    Exclusion,
    ExpressionLabel,
    ExtractedView,
    Judgement,
    LabelResolution,
    PairReading,
    WindowRule,
    WindowSnapshot,
)

WHEN = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
NASTY = (
    '=HYPERLINK("x")',
    "+1",
    "-1",
    "@cmd",
    "\tTab",
    "\r=1",
    "'=quoted already",
    "''=twice",
    "'plain apostrophe",
    " =space before",
    "\xa0=hard space",
    "＝full width",
    'say "hello", twice\nin two lines\r\nand three',
    "naïve 東京 🗳 \u2028 end",
    "",
    "null",
    "NaN",
)


@pytest.fixture
def full_study(jury: Jury, make_study: Callable[..., Study], researcher: User) -> Study:
    """A study in which something stands in every table, with texts that like to break formats."""
    study = make_study(
        jury=jury,
        queries=5,
        steps=("opinion", "choice", "rating", "preference", "judging"),
        licence="cc-by-4.0",
        description="What the town thinks\nof =machines",
        opened_at=WHEN,
    )
    seat = jury.seats.get(number=1)
    CandidateContact.objects.create(
        candidate=seat.juror.candidate, pool=jury.pool, name="Ada Secret", email="ada@example.org"
    )
    woman = jury.pool.features.get(name="gender").values.get(value="woman")
    young = jury.pool.features.get(name="age").values.get(value="under 40")
    quota = Quota.objects.create(jury=jury, key=f"{woman.pk}", minimum=1, maximum=3)
    quota.feature_values.set([woman])
    both = Quota.objects.create(
        jury=jury, key=f"{woman.pk},{young.pk}", minimum=0, maximum=2, flexible_maximum=3
    )
    both.feature_values.set([woman, young])
    question = study.profile_questions.create(
        key="vote", text="Do you vote?", options=["yes", "no"], position=1
    )
    quiz = study.quiz_questions.create(
        key="may-skip", text="May you skip?", options=["yes", "no"], right="yes", explanation="See."
    )
    criterion, other = study.criteria.order_by("position")
    jurors = list(jury.jurors.order_by("id"))
    jurors[3].is_simulated = True
    jurors[3].save()
    queries = list(study.queries.order_by("ordinal"))
    nasty = iter(NASTY * 4)
    for ordinal, juror in enumerate(jurors[:3]):
        way = Participation.objects.create(
            study=study,
            juror=juror,
            ordinal=ordinal,
            state="working",
            consented_at=WHEN,
            consent_version="1",
            next_position=2,
            completed_count=1,
        )
        for attempt, value in enumerate(("no", "yes"), start=1):
            way.quiz_replies.create(
                question=quiz,
                attempt=attempt,
                value=value,
                is_right=value == "yes",
                created_at=WHEN,
            )
        way.profile_replies.create(question=question, value="maybe", is_current=False)
        way.profile_replies.create(question=question, value=("yes", "yes", "no")[ordinal])
        for position, query in enumerate(queries[:2]):
            place = Assignment.objects.create(
                participation=way,
                query=query,
                position=position,
                state=("completed", "claimed")[position],
                claimed_at=WHEN,
                lease_expires_at=WHEN + timedelta(minutes=30),
                active_ms=1200,
                idle_ms=3,
            )
            responses = list(query.responses.order_by("id"))
            page = Submission.objects.create(
                client_id=uuid4(),
                participation=way,
                assignment=place,
                step="rating",
                item=str(responses[0].public_id),
                payload={"secret": "as the browser sent it"},
                is_late=bool(position),
                active_ms=700 + ordinal,
                idle_ms=1,
            )
            told: dict[str, Any] = {"juror": juror, "submission": page, "created_at": WHEN}
            first = {"response": responses[0], "criterion": criterion}
            Rating.objects.create(value=2, is_current=False, **told, **first)
            Rating.objects.create(value=4 - ordinal, **told, **first)
            Rating.objects.create(value=None, response=responses[1], criterion=other, **told)
            Preference.objects.create(
                query=query, left=responses[1], right=responses[0], verdict="both_bad", **told
            )
            Choice.objects.create(query=query, option=query.options.get(key="yes"), **told)
            Opinion.objects.create(query=query, text=next(nasty), is_current=False, **told)
            Opinion.objects.create(query=query, text=next(nasty), **told)
            Reason.objects.create(query=query, text=next(nasty), is_current=False, **told)
            Reason.objects.create(query=query, text=next(nasty), **told)
            for rank, response in enumerate(responses, start=1):
                seen = {"response": response, "shown": 3 - rank, **told}
                Ranking.objects.create(place=3 - rank, is_current=False, **seen)
                Ranking.objects.create(place=rank, **seen)
            marked = {"response": responses[0], **told}
            Highlight.objects.create(kind="for", start=0, end=4, is_current=False, **marked)
            Highlight.objects.create(kind="for", start=0, end=9, **marked)
            Highlight.objects.create(kind="against", start=10, end=12, **marked)
            Highlight.objects.create(kind="nothing", response=responses[1], **told)
            answer = Answer.objects.create(
                query=query,
                external_id=f"a{ordinal}",
                text=next(nasty),
                origin="juror",
                proposed_by=juror,
                decision_reason="fine",
            )
            Judgement.objects.create(answer=answer, verdict="reasonable", holds=None, **told)
            ExpressionLabel.objects.create(
                response=responses[0], answer=answer, label="contradicts", **told
            )
            ExpressionLabel.objects.create(
                response=responses[1],
                answer=answer,
                label="expresses",
                researcher=researcher,
                created_at=WHEN,
            )
            Exclusion.objects.create(answer=answer, reason=next(nasty), excluded_by=researcher)
    Rating.objects.create(
        juror=jurors[3],
        response=queries[4].responses.all()[0],
        criterion=criterion,
        value=5,
        created_at=WHEN + timedelta(days=40),
    )
    first_answer, second_answer = Answer.objects.order_by("id")[:2]
    same = Answer.objects.create(
        query=second_answer.query,
        external_id="m",
        text="the same",
        state="merged",
        merged_into=second_answer,
    )
    assert same.pk > first_answer.pk
    for act, reason in (("merged", "same"), ("split", "it differs"), ("merged", "the same")):
        AnswerMerge.objects.create(
            answer=same,
            into=second_answer,
            act=act,
            reason=reason,
            state_before="accepted" if act == "merged" else "merged",
            forward=0.75,
            backward=0.5,
            judge="judge@1",
            actor=researcher,
            created_at=WHEN,
        )
    LabelResolution.objects.create(
        response=first_answer.query.responses.all()[0],
        answer=first_answer,
        label="contradicts",
        reason=next(nasty),
        researcher=researcher,
        created_at=WHEN,
    )
    for query, text in zip(queries, NASTY, strict=False):
        query.text = text
        query.save()
    told_what = queries[3]
    told_what.check_kind, told_what.expected = "instructed", {"helpful": 2.0, "fair": 5.0}
    told_what.save()
    # Before its original, as far as rows go: reading back must not mind.
    queries[1].check_kind, queries[1].repeats = "repeated", queries[2]
    queries[1].save()
    study.steps.create(kind="ranking", position=9, allows_ties=True)
    Study.objects.filter(pk=study.pk).update(quiz_tries=3, quiz_must_be_right=True)
    ProfileReply.objects.update(created_at=WHEN)
    WindowRule.objects.create(study=study, group_features=["gender"])
    WindowSnapshot.objects.create(
        study=study, rule={"a": 1.5}, result={"é": [1, None]}, input_digest="0" * 64
    )
    read: dict[str, Any]
    for mode, is_current in (("entailment", False), ("entailment", True), ("extraction", True)):
        reading = EntailmentReading.objects.create(
            study=study,
            backend="words",
            weights_digest="f" * 64,
            mode=mode,
            window_sizes=[1, 2],
            threshold=0.25,
            threshold_origin="declared",
            report_card={"pairs": 0, "metrics": {"f1": {"value": None}}},
            input_digest="1" * 64,
            is_current=is_current,
        )
        read = {"response": queries[0].responses.all()[0], "answer": queries[0].answers.all()[0]}
        PairReading.objects.create(
            reading=reading, score=0.5, expressed=True, start=0, end=4, **read
        )
        ExtractedView.objects.create(
            reading=reading, response=read["response"], ordinal=0, start=0, end=4
        )
    run = Run.objects.create(kind="models_runner.train", title="Training", state="succeeded")
    training = RewardTraining.objects.create(
        study=study,
        criterion=criterion,
        run=run,
        method="independent",
        is_usable=True,
        evaluation={"unseen_items": {"r2": 0.25}},
    )
    for juror in jurors:
        PredictedRating.objects.create(
            training=training,
            juror=juror,
            response=queries[4].responses.all()[0],
            mean=5.5,
            standard_deviation=0.5,
            low=4.5,
            high=6.5,
        )
    use_language_models(study)
    Study.objects.filter(pk=study.pk).update(query_count=5)
    study.refresh_from_db()
    return study


def use_language_models(study: Study) -> None:
    """A model that wrote one of the responses, and another that was benchmarked."""
    base = LanguageModel.objects.create(name="base", kind="embedded", location="package")
    writer = LanguageModel.objects.create(
        name="writer",
        kind="openai",
        location="https://host/v1",
        model_id="writer-1",
        key_variable="THE_KEY",
        parameters={"extra_body": {"api_key": "sk-secret", "think": False}},
        input_price="0.15",
        output_price="2.000001",
        base_model=base,
        description=NASTY[0],
        weights_digest="a" * 64,
        identity="b" * 64,
    )
    response = Response.objects.filter(query__study=study).order_by("pk")[0]
    ModelSource.objects.create(model=writer, source=response.source, settings={"seed": "0"})
    asked: dict[str, Any] = {
        "model": writer,
        "run": Run.objects.create(kind="models_runner.generate_responses", title="Responses"),
        "query": response.query,
        "parameters": {"temperature": 1.0, "stop": [], "seed": 2**31 - 1},
        "seed": 2**31 - 1,
    }
    Generation.objects.create(
        **asked,
        prompt=[{"role": "user", "content": NASTY[13]}],
        prompt_digest="c" * 64,
        state="done",
        text=NASTY[12],
        finish_reason="stop",
        prompt_tokens=7,
        completion_tokens=9,
        cost="0.00000123",
        attempts=1,
        model_identity="b" * 64,
        response=response,
        done_at=WHEN,
    )
    Generation.objects.create(**asked, prompt=NASTY[0], prompt_digest="d" * 64, sample=1)
    benchmark = Benchmark.objects.create(
        study=study,
        name=NASTY[0],
        kind="distributional",
        definition=definition_to_plain(DistributionalDefinition(models=(str(base.public_id),))),
    )
    inputs = {"definition": "e" * 64}
    for is_predicted in (False, True):
        report = Report(
            kind="distributional",
            title=benchmark.name,
            version="venire 1.0",
            parameters=benchmark.definition,
            inputs=inputs,
            sections=(Section("distances", "Distances"),),
            numbers=(
                Number("distances", "KL", {"model": "base", "group": "all"}, float("inf")),
                Number("distances", "TV", {"model": "base", "group": "all"}, 0.25, 0.125, 0.5),
            ),
            notes=(NASTY[13],),
            is_predicted=is_predicted,
        )
        BenchmarkRun.objects.create(
            benchmark=benchmark,
            run=Run.objects.create(kind="models_runner.benchmark", title="Benchmark"),
            inputs=inputs,
            input_digest=joint_digest(inputs),
            report=report.to_plain(),
        )


def forget_everything() -> None:
    """An empty database, as far as studies go."""
    Answer.objects.update(merged_into=None, state="accepted")
    for model in (
        PairReading, ExtractedView, EntailmentReading,
        Generation, ModelSource, BenchmarkRun, Benchmark,
        PredictedRating, RewardTraining, Judgement, ExpressionLabel, Exclusion, Answer,
        WindowSnapshot, WindowRule, Rating, Preference, Ranking, Highlight, Choice, Opinion, Reason,
        Submission, Assignment,
        Participation, Response, Study, Seat, Juror, Quota, Jury, CandidateTrait, Pool, Run, User,
    ):  # fmt: skip
        model.objects.all().delete()
    LanguageModel.objects.update(base_model=None)
    LanguageModel.objects.all().delete()
    assert not Candidate.objects.exists()


def digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "data").iterdir())}


def test_every_table_has_rows_in_every_format(full_study: Study, tmp_path: Path) -> None:
    manifest = write_bundle(study=full_study, folder=tmp_path / "out")
    counts = {table["name"]: table["rows"] for table in manifest["tables"]}
    assert set(counts) == {part.name for part in export_parts()}
    assert all(counts.values()), counts
    # 2 of 6 per juror and query are history or can't say; one more juror rated one response.
    assert counts["ratings"] == 3 * 2 * 3 + 1
    # What three jurors said on the query that is put again is no utility.
    assert counts["utilities"] == 3 * (2 - 1) + 1 + 3
    for table in manifest["tables"]:
        frame = pd.read_parquet(tmp_path / "out" / f"data/{table['name']}.parquet")
        assert len(frame) == table["rows"]
        assert list(frame.columns) == [column["name"] for column in table["columns"]]
        with (tmp_path / "out" / f"data/{table['name']}.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        assert len(rows) == table["rows"] + 1
        lines = (tmp_path / "out" / f"data/{table['name']}.jsonl").read_text().split("\n")[:-1]
        assert [list(json.loads(line)) for line in lines[:1]] == [list(frame.columns)]
        assert len(lines) == table["rows"]


def test_ratings_say_what_each_juror_said(full_study: Study, tmp_path: Path) -> None:
    write_bundle(study=full_study, folder=tmp_path / "out")
    frame = pd.read_parquet(tmp_path / "out/data/ratings.parquet")
    juror = full_study.jury.jurors.order_by("id")[1]  # type: ignore[union-attr]
    own = frame[frame.juror == str(juror.public_id)]
    assert list(own.value.fillna(-1)) == [2, 3, 2, 3, -1, -1]
    assert list(own.cant_say) == [False] * 4 + [True] * 2
    assert list(own.is_current) == [False, True, False, True, True, True]
    assert list(own.is_late) == [False, False, True, True, False, True]
    assert list(own.active_ms) == [701] * 6
    assert set(own.created_at) == {pd.Timestamp(WHEN)}
    imported = frame[frame.submission.isna()]
    assert list(imported.is_simulated) == [True]
    assert imported.active_ms.isna().all()
    assert not imported.is_late.any()


def test_round_trip_gives_the_same_bytes(full_study: Study, tmp_path: Path) -> None:
    first = write_bundle(study=full_study, folder=tmp_path / "first")
    write_zip(folder=tmp_path / "first", path=tmp_path / "first.zip")
    forget_everything()
    imported = import_bundle(path=tmp_path / "first.zip")
    second = write_bundle(study=imported.study, folder=tmp_path / "second")
    assert digests(tmp_path / "second") == digests(tmp_path / "first")
    assert second["content_sha256"] == first["content_sha256"] == imported.content_sha256
    # Even the card and the manifest: nothing in them tells when they were written.
    assert second == first
    assert imported.study.query_count == 5
    assert list(
        imported.study.queries.values_list("claimed_count", "completed_count").order_by("ordinal")
    ) == [(3, 3), (3, 0), (0, 0), (0, 0), (0, 0)]
    # What can't come back: what the browser sent word for word.
    assert [one.payload for one in Submission.objects.all()] == [{}] * 6


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_round_trip_from_one_format(full_study: Study, tmp_path: Path, kind: str) -> None:
    first = write_bundle(study=full_study, folder=tmp_path / "first", formats=(kind,))
    forget_everything()
    imported = import_bundle(path=tmp_path / "first")
    second = write_bundle(study=imported.study, folder=tmp_path / "second", formats=(kind,))
    assert digests(tmp_path / "second") == digests(tmp_path / "first")
    assert second["content_sha256"] == first["content_sha256"]


def test_the_same_data_gives_the_same_zip(full_study: Study, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_bundle(study=full_study, folder=tmp_path / name)
        write_zip(folder=tmp_path / name, path=tmp_path / f"{name}.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_no_identity_leaves(full_study: Study, tmp_path: Path) -> None:
    full_study.completion_code = "PAYME123"
    full_study.save()
    write_bundle(study=full_study, folder=tmp_path / "out")
    secrets = ["Ada Secret", "ada@example.org", "PAYME123", "as the browser sent it", "researcher@"]
    secrets += ["sk-secret", "THE_KEY"]
    secrets += [str(one) for one in Candidate.objects.values_list("public_id", flat=True)]
    everything = "\n".join(
        path.read_text()
        for path in (tmp_path / "out").rglob("*")
        if path.suffix in {".csv", ".jsonl", ".json", ".md"}
    )
    for secret in secrets:
        assert secret not in everything
    assert '"p0"' not in everything
    for path in (tmp_path / "out/data").glob("*.parquet"):
        cells = pq.read_table(path).to_pydict()
        assert not any(secret in str(cells) for secret in secrets)


def test_csv_holds_no_formula(full_study: Study, tmp_path: Path) -> None:
    write_bundle(study=full_study, folder=tmp_path / "out", formats=("csv",))
    seen = 0
    for path in (tmp_path / "out/data").glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text())):
            for cell in row:
                seen += cell.startswith("'")
                assert not cell.lstrip(" \xa0").startswith(("=", "+", "@", "＝", "\t", "\r"))
                assert not cell.startswith("-")
    assert seen > len(NASTY) // 2


def test_the_card_is_read_by_the_hub(full_study: Study, tmp_path: Path) -> None:
    write_bundle(study=full_study, folder=tmp_path / "out", options=ExportOptions(language="en"))
    card = (tmp_path / "out/README.md").read_text()
    _, header, body = card.split("---\n", 2)
    head = yaml.safe_load(header)
    assert head["license"] == "cc-by-4.0"
    assert head["language"] == ["en"]
    assert head["size_categories"] == ["n<1K"]
    assert "simulated" in head["tags"]
    assert head["configs"][0] == {
        "config_name": "ratings",
        "data_files": "data/ratings.parquet",
        "default": True,
    }
    for config in head["configs"]:
        assert len(pd.read_parquet(tmp_path / "out" / config["data_files"])) > 0
    assert "SIMULATED" in body
    assert "2026-03-04 to 2026-04-13" in body
    assert "Please agree." in body
    assert "| gender | woman | 2 |" in body
    assert "gender: woman, age: under 40 | 0 | 2 |" in body
    assert "Krippendorff" in body
    assert "| fair | nothing was rated |" in body


def test_small_cells_are_blanked(full_study: Study, tmp_path: Path) -> None:
    manifest = write_bundle(
        study=full_study, folder=tmp_path / "out", options=ExportOptions(suppress_below=2)
    )
    jurors = pd.read_parquet(tmp_path / "out/data/jurors.parquet")
    # Four people, each the only one with that gender and age: ages go, genders are shared by two.
    assert jurors.trait_age.isna().all()
    assert list(jurors.trait_gender) == ["woman", "man"] * 2
    assert manifest["suppression"]["below"] == 2
    assert manifest["suppression"]["cells_blanked"] == 4
    assert manifest["suppression"]["jurors_changed"] == 4
    assert "at least 2 people" in manifest["suppression"]["rule"]
    # One juror alone replied "no"; windows count groups.
    replies = pd.read_parquet(tmp_path / "out/data/profile_replies.parquet")
    assert list(replies.value) == ["yes", "yes"]
    assert len(pd.read_parquet(tmp_path / "out/data/windows.parquet")) == 0
    assert len(pd.read_parquet(tmp_path / "out/data/benchmark_runs.parquet")) == 0
    forget_everything()
    import_bundle(path=tmp_path / "out")
    assert Feature.objects.get(name="age").traits.count() == 0


def test_history_and_predictions_can_be_left_out(full_study: Study, tmp_path: Path) -> None:
    options = ExportOptions(include_history=False, include_predicted=False)
    write_bundle(study=full_study, folder=tmp_path / "out", options=options)
    for name in ("ratings", "opinions"):
        assert pd.read_parquet(tmp_path / f"out/data/{name}.parquet").is_current.all()
    for name in ("predicted_ratings", "readings", "pair_readings", "extracted_views"):
        assert not (tmp_path / f"out/data/{name}.parquet").exists()
    utilities = pd.read_parquet(tmp_path / "out/data/utilities.parquet")
    assert set(utilities.kind) == {"said"}
    reports = pd.read_parquet(tmp_path / "out/data/benchmark_runs.parquet")
    assert list(reports.is_predicted) == [False]


def test_predicted_utilities_are_marked(full_study: Study, tmp_path: Path) -> None:
    write_bundle(study=full_study, folder=tmp_path / "out")
    utilities = pd.read_parquet(tmp_path / "out/data/utilities.parquet")
    guessed = utilities[utilities.kind == "predicted"]
    # Juror 4 rated that response herself, so that only the other three are guessed; 5.5 is clipped.
    assert list(guessed.utility) == [1.0] * 3
    assert guessed.training.notna().all()
    assert utilities[utilities.kind == "said"].training.isna().all()
    assert "**Predicted by a model, said by nobody.**" in (tmp_path / "out/README.md").read_text()


def test_a_guess_stands_where_a_juror_can_not_say(full_study: Study, tmp_path: Path) -> None:
    guess = PredictedRating.objects.exclude(
        juror__in=Rating.objects.filter(response=PredictedRating.objects.all()[0].response).values(
            "juror"
        )
    ).first()
    assert guess is not None
    Rating.objects.create(
        juror=guess.juror,
        response=guess.response,
        criterion=guess.training.criterion,
        value=None,
        created_at=WHEN,
    )
    write_bundle(study=full_study, folder=tmp_path / "out")
    utilities = pd.read_parquet(tmp_path / "out/data/utilities.parquet")
    guessed = utilities[utilities.kind == "predicted"]
    assert str(guess.juror.public_id) in set(guessed.juror)
    assert len(guessed) == 3


@pytest.mark.parametrize(
    ("method", "state"), [("low_rank", "succeeded"), ("hierarchical", "running")]
)
def test_utilities_are_predicted_by_the_model_that_pages_count(
    full_study: Study, tmp_path: Path, method: str, state: str
) -> None:
    counted = RewardTraining.objects.get(method="independent")
    RewardTraining.objects.create(
        study=full_study,
        criterion=counted.criterion,
        run=Run.objects.create(kind="models_runner.train", title="Newer", state=state),
        method=method,
        is_usable=True,
    )
    write_bundle(study=full_study, folder=tmp_path / "out")
    utilities = pd.read_parquet(tmp_path / "out/data/utilities.parquet")
    guessed = utilities[utilities.kind == "predicted"]
    assert list(guessed.training) == [str(counted.public_id)] * 3


def test_erased_jurors_are_not_in_it(full_study: Study, tmp_path: Path) -> None:
    gone = full_study.jury.jurors.order_by("id")[0]  # type: ignore[union-attr]
    gone.erased_at = WHEN
    gone.save()
    write_bundle(study=full_study, folder=tmp_path / "out", formats=("jsonl",))
    everything = "\n".join(path.read_text() for path in (tmp_path / "out/data").iterdir())
    assert str(gone.public_id) not in everything
    forget_everything()
    import_bundle(path=tmp_path / "out")


def test_a_folder_that_holds_something_is_left_alone(full_study: Study, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ExportRefused, match="not empty"):
        write_bundle(study=full_study, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(ExportRefused, match="parquet, jsonl, csv"):
        write_bundle(study=full_study, folder=tmp_path / "out", formats=("xlsx",))


def test_a_study_without_a_jury(make_study: Callable[..., Study], tmp_path: Path) -> None:
    study = make_study(queries=1)
    write_bundle(study=study, folder=tmp_path / "first")
    assert "put before no jury" in (tmp_path / "first/README.md").read_text()
    forget_everything()
    imported = import_bundle(path=tmp_path / "first")
    assert imported.study.jury is None
    write_bundle(study=imported.study, folder=tmp_path / "second")
    assert digests(tmp_path / "second") == digests(tmp_path / "first")


# --- Damaged and forged bundles -------------------------------------------------------------------


@pytest.fixture
def bundle(full_study: Study, tmp_path: Path) -> Path:
    """A bundle in JSON Lines, which are easy to forge, whose study is not here any more."""
    folder = tmp_path / "bundle"
    write_bundle(study=full_study, folder=folder, formats=("jsonl",))
    forget_everything()
    return folder


def forge(folder: Path, table: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the rows of a table and make the manifest agree with them."""
    import hashlib

    path = folder / "data" / f"{table}.jsonl"
    rows = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        if entry["path"] == f"data/{table}.jsonl":
            entry["bytes"] = path.stat().st_size
            entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for entry in manifest["tables"]:
        if entry["name"] == table:
            entry["rows"] = len(rows)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def refused(path: Path, match: str) -> None:
    with pytest.raises(BundleRefused, match=match):
        import_bundle(path=path)
    assert not Study.objects.exists()
    assert not Pool.objects.exists()
    assert not Rating.objects.exists()


def test_the_file_that_differs_is_named(bundle: Path) -> None:
    path = bundle / "data/opinions.jsonl"
    text = path.read_text()
    path.write_text(text.replace("e", "o", 1))
    refused(bundle, r"data/opinions\.jsonl differs")
    path.write_text(text + "\n")
    refused(bundle, r"data/opinions\.jsonl differs")
    path.unlink()
    refused(bundle, r"data/opinions\.jsonl is missing")


def test_not_a_bundle(db: None, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "this is no bundle")
    (tmp_path / "text.zip").write_text("hello")
    refused(tmp_path / "text.zip", "neither a folder nor a zip")
    (tmp_path / "folder/manifest.json").write_text("[1]")
    refused(tmp_path / "folder", "reads version 1")
    (tmp_path / "folder/manifest.json").write_text('{"bundle_version": 1}')
    refused(tmp_path / "folder", "files")


def test_a_bundle_from_before_bounds_could_give_way_can_be_read(bundle: Path) -> None:
    def without(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            assert {"min_flex", "max_flex"} <= row.keys()
            del row["min_flex"], row["max_flex"]

    forge(bundle, "quotas", without)
    manifest = json.loads((bundle / "manifest.json").read_text())
    (table,) = (table for table in manifest["tables"] if table["name"] == "quotas")
    table["columns"] = [c for c in table["columns"] if not c["name"].endswith("_flex")]
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    import_bundle(path=bundle)
    assert [quota.states_flex for quota in Quota.objects.all()] == [False, False]


def first(name: str, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0][name] = value

    return change


@pytest.mark.parametrize(
    ("table", "change", "match"),
    [
        ("ratings", first("value", 9.0), "ratings, row 1: 9 is not on the scale"),
        ("ratings", first("juror", str(uuid4())), "ratings, row 1: juror .* is not in jurors"),
        ("ratings", first("cant_say", True), "contradict"),
        ("ratings", first("value", "four"), "not of type float"),
        ("ratings", first("is_current", None), "row 1: is_current is empty"),
        ("ratings", lambda rows: rows.append(rows[1]), "database refuses"),
        ("opinions", lambda rows: rows[0].pop("text"), "lacks the column 'text'"),
        ("preferences", first("verdict", "maybe"), "verdict is 'maybe'"),
        ("queries", first("query", "7"), "query is '7', which is no UUID"),
        ("queries", lambda rows: rows.append(rows[0]), "annotations_query"),
        ("criteria", first("low", 5.0), "bounds are 5 and 5"),
        ("steps", first("step", "dancing"), "step is 'dancing'"),
        ("jurors", first("trait_gender", "robot"), "'robot', which is not in features"),
        ("study", first("title", "x" * 300), "title has 300 characters"),
        ("study", first("slug", "../up"), "slug"),
        ("study", lambda rows: rows.clear(), "study is empty"),
        ("choices", first("option", "perhaps"), "is not in options"),
        ("answers", first("merged_into", str(uuid4())), "merged_into"),
        ("assignments", first("active_ms", -5), "active_ms is -5"),
        ("quotas", first("min_flex", 2), "quotas, row 1: the minimum of 1 can't give way to 2"),
        ("quotas", first("max_flex", -1), "max_flex is -1"),
    ],
)
def test_forged_rows_are_refused(
    bundle: Path, table: str, change: Callable[[list[dict[str, Any]]], None], match: str
) -> None:
    forge(bundle, table, change)
    refused(bundle, match)


def test_forged_zips_are_refused(bundle: Path, tmp_path: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())

    def zipped(name: str, entries: dict[str, bytes], **changes: Any) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("manifest.json", json.dumps({**manifest, **changes}))
            for entry, data in entries.items():
                archive.writestr(entry, data)
        return path

    def listed(path: str, size: int) -> list[dict[str, Any]]:
        return [{"path": path, "bytes": size, "sha256": "0" * 64}]

    outside = {"tables": [], "files": listed("../../outside.txt", 3)}
    refused(zipped("slip.zip", {"../../outside.txt": b"out"}, **outside), "no file of a bundle")
    assert not (tmp_path.parent / "outside.txt").exists()
    files = listed("data/ratings.csv", 10)
    extra = {"data/ratings.csv": b"0" * 10, "/etc/strange": b"x"}
    refused(zipped("extra.zip", extra, tables=[], files=files), "'/etc/strange'")
    bomb = {"data/ratings.csv": b"0" * 40_000_000}
    refused(zipped("bomb.zip", bomb, tables=[], files=files), "larger than the 10 bytes")
    files = listed("data/ratings.csv", 40_000_000)
    refused(zipped("honest.zip", bomb, tables=[], files=files), "200 times")


def test_rows_longer_than_a_block_of_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "CSV_BLOCK_BYTES", 1 << 10)
    columns = (Column("number", "integer", ""), Column("text", "string", ""))
    texts = ["x" * (100_000 if number % 70 == 69 else number) for number in range(200)]
    with table_files.TableWriter(
        folder=tmp_path, name="long", columns=columns, formats=("csv",)
    ) as writer:
        writer.write({"number": list(range(200)), "text": texts})

    def read(path: Path) -> list[dict[str, Any]]:
        return list(table_files.read_rows(path=path, columns=columns, expected_rows=200))

    rows = read(tmp_path / "long.csv")
    assert [row["text"] for row in rows] == texts
    assert [row["number"] for row in rows] == list(range(200))
    broken = (tmp_path / "long.csv").read_text() + '200,"never closed'
    (tmp_path / "broken.csv").write_text(broken)
    with pytest.raises(table_files.TableFileUnreadable, match=r"broken\.csv"):
        read(tmp_path / "broken.csv")
    (tmp_path / "words.csv").write_text("number,text\none,x\n")
    with pytest.raises(table_files.TableFileUnreadable, match="after row 0"):
        read(tmp_path / "words.csv")


# --- Copies, Runs, commands, pages ----------------------------------------------------------------


def test_a_copy_gets_new_ids(full_study: Study, tmp_path: Path, researcher: User) -> None:
    write_bundle(study=full_study, folder=tmp_path / "first")
    with pytest.raises(BundleRefused, match="Give another slug"):
        import_bundle(path=tmp_path / "first")
    copy = import_bundle(path=tmp_path / "first", slug="copy", actor=researcher).study
    assert copy.public_id != full_study.public_id
    assert copy.jury_id != full_study.jury_id
    assert copy.roles.get().role == StudyRole.Role.OWNER
    assert Rating.objects.filter(criterion__study=copy).count() == 19
    second = write_bundle(study=copy, folder=tmp_path / "second")
    rows = {table["name"]: table["rows"] for table in second["tables"]}
    assert rows["ratings"] == 19
    assert AuditEntry.objects.filter(verb="imported", actor=researcher).count() == 1


def test_export_as_a_run(
    full_study: Study, researcher: User, settings: Any, tmp_path: Path
) -> None:
    settings.EXPORTS_DIR = tmp_path
    export = request_export(study=full_study, actor=researcher, formats=("parquet",))
    Export.objects.update(stale_since=WHEN)
    perform_run(run_id=export.run_id, work=perform_export)
    export.refresh_from_db()
    run = Run.objects.get(pk=export.run_id)
    assert run.state == Run.State.SUCCEEDED, run.error
    assert run.result["rows"]["ratings"] == 19
    assert run.progress_done == run.progress_total > 0
    assert run.input_digest == export.digest == export.manifest["content_sha256"]
    assert export.stale_since is None
    opened = open_bundle(path=export_path(export=export), scratch=tmp_path / "scratch")
    assert opened.manifest == export.manifest
    # Performed again, after a crash, say: the same files.
    again = perform_export(RunContext(run))
    assert again["content_sha256"] == export.digest


def test_import_as_a_run(
    bundle: Path, tmp_path: Path, settings: Any, django_user_model: Any
) -> None:
    settings.UPLOADS_DIR = tmp_path
    owner = django_user_model.objects.create_user("owner")
    write_zip(folder=bundle, path=tmp_path / "up.zip")
    run = request_import(path=tmp_path / "up.zip", slug="", actor=owner)
    perform_run(run_id=run.pk, work=perform_import)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    assert run.progress_done == run.progress_total > 0
    assert Study.objects.get().roles.get().user == owner
    assert not (tmp_path / "up.zip").exists()
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 nonsense")
    run = request_import(path=broken, slug="other", actor=owner)
    perform_run(run_id=run.pk, work=perform_import)
    run.refresh_from_db()
    assert run.state == Run.State.FAILED
    assert "broken.zip" in run.error


def test_commands(full_study: Study, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    call_command("export_study", full_study.slug, out=out, zip=True, format="parquet,csv")
    told = capsys.readouterr()
    assert "SIMULATED" in told.err
    assert "ratings" in told.out
    assert (tmp_path / "out.zip").is_file()
    assert not list((out / "data").glob("*.jsonl"))
    with pytest.raises(CommandError, match="not empty"):
        call_command("export_study", full_study.slug, out=out)
    with pytest.raises(CommandError, match="Studies here"):
        call_command("export_study", "nothing", out=tmp_path / "b")
    with pytest.raises(CommandError, match="Give another slug"):
        call_command("import_study", out)
    call_command("import_study", tmp_path / "out.zip", slug="copy")
    assert Study.objects.filter(slug="copy").exists()
    with pytest.raises(CommandError, match="nothing at"):
        call_command("import_study", tmp_path / "nowhere")


def test_pages(
    full_study: Study, researcher: User, stranger: User, settings: Any, tmp_path: Path
) -> None:
    settings.EXPORTS_DIR = tmp_path
    address = reverse("study-exports", args=[full_study.public_id])
    client = Client()
    assert client.get(address).status_code == 302
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    assert client.post(address, {"formats": ["csv"]}).status_code == 404
    StudyRole.objects.create(study=full_study, user=stranger, role="viewer")
    assert "No export has been made" in client.get(address).content.decode()
    assert client.post(address, {"formats": ["xlsx"], "language": "English"}).status_code == 400
    answer = client.post(address, {"formats": ["csv"], "suppress_below": "3"})
    assert answer.status_code == 302
    export = Export.objects.get()
    assert export.options["suppress_below"] == 3
    assert export.options["include_history"] is False
    link = reverse("study-export-download", args=[full_study.public_id, export.public_id])
    assert client.get(link).status_code == 404
    perform_run(run_id=export.run_id, work=perform_export)
    page = client.get(address).content.decode()
    assert link in page
    answer = client.get(link)
    body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == f'attachment; filename="{full_study.slug}.zip"'
    assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None
    other = Study.objects.create(title="Other", slug="other")
    foreign = reverse("study-export-download", args=[other.public_id, export.public_id])
    StudyRole.objects.create(study=other, user=stranger, role="viewer")
    assert client.get(foreign).status_code == 404
    Export.objects.update(stale_since=WHEN)
    assert "withdrew" in client.get(address).content.decode()
    remove = reverse("study-export-delete", args=[full_study.public_id, export.public_id])
    assert client.post(remove).status_code == 404
    assert remove not in client.get(address).content.decode()
    client.force_login(researcher)
    assert remove in client.get(address).content.decode()
    assert client.get(remove).status_code == 405
    assert client.post(remove).status_code == 302
    assert not Export.objects.exists()


def test_upload_page(bundle: Path, tmp_path: Path, settings: Any, django_user_model: Any) -> None:
    settings.UPLOADS_DIR = tmp_path / "uploads"
    address = reverse("study-import")
    client = Client()
    assert client.get(address).status_code == 302
    client.force_login(django_user_model.objects.create_user("nobody"))
    assert client.get(address).status_code == 403
    client.force_login(django_user_model.objects.create_superuser("root"))
    assert client.get(address).status_code == 200
    text = io.BytesIO(b"hello")
    text.name = "a.zip"
    assert "no zip file" in client.post(address, {"bundle": text}).content.decode()
    write_zip(folder=bundle, path=tmp_path / "up.zip")
    with (tmp_path / "up.zip").open("rb") as file:
        answer = client.post(address, {"bundle": file, "slug": "new-one"})
    assert answer.status_code == 302
    run = Run.objects.get()
    perform_run(run_id=run.pk, work=perform_import)
    assert Study.objects.get().slug == "new-one"


def test_number_of_queries_does_not_grow(
    full_study: Study, researcher: User, django_assert_num_queries: Any
) -> None:
    client = Client()
    client.force_login(researcher)
    address = reverse("study-exports", args=[full_study.public_id])
    counts = []
    for more in (1, 2):
        for _ in range(more):
            request_export(study=full_study, actor=researcher)
        with django_assert_num_queries(5) as seen:
            client.get(address)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.processes
def test_another_process_and_hash_seed_give_the_same_bytes(
    tmp_path: Path, put_migrated: Callable[[Path], None]
) -> None:
    script = """
import os, sys, django
django.setup()
from django.core.management import call_command
from pathlib import Path
bundle, out = Path(sys.argv[1]), Path(sys.argv[2])
call_command("import_study", bundle, stdout=open(os.devnull, "w"))
call_command("export_study", "study", out=out, stdout=open(os.devnull, "w"))
"""
    source = tmp_path / "source"
    made = """
import os, sys, django
django.setup()
from pathlib import Path
from annotations.models import Study
from annotations.services.exports import write_bundle
study = Study.objects.create(title="Study", slug="study", licence="cc0-1.0")
source = study.sources.create(name="alpha")
study.criteria.create(key="fair", name="Fair", question="How fair?")
for n in range(50):
    query = study.queries.create(external_id=f"q{n}", ordinal=n, text=f"Question {n}?")
    query.responses.create(source=source, external_id="r", text="=1")
write_bundle(study=study, folder=Path(sys.argv[1]))
"""

    def python(code: str, seed: str, *arguments: Path) -> None:
        database = tmp_path / f"{uuid4().hex}.sqlite3"
        put_migrated(database)
        subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            check=True,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "venire.settings",
                "DATABASE_URL": f"sqlite:///{database}",
                "PYTHONHASHSEED": seed,
                "TZ": "Asia/Tokyo" if seed == "2" else "UTC",
            },
        )

    python(made, "1", source)
    python(script, "2", source, tmp_path / "again")
    assert digests(source) == digests(tmp_path / "again")
    assert (source / "manifest.json").read_bytes() == (
        tmp_path / "again/manifest.json"
    ).read_bytes()
