"""Reading a study by a judge: the Run, the cache, calibration, coverage, withdrawal."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from fake_entailment import WordJudge

from annotations.models import Response, Study
from juries.models import Juror, Jury, Run, User
from juries.services.runs import perform_run, request_cancel, restart_run
from models_runner.domain.benchmark_definition import DeclaredObjective, ObjectivesDefinition
from models_runner.domain.benchmark_report.numbers import Report, report_from_plain
from models_runner.models import BenchmarkRun
from models_runner.services.benchmarks.declaring import declare_benchmark, request_benchmark_run
from models_runner.services.benchmarks.performing import perform_benchmark
from overton.models import (
    Answer,
    EntailmentReading,
    EntailmentScore,
    ExpressionLabel,
    ExtractedView,
    Judgement,
    LabelResolution,
    PairReading,
)
from overton.ports import EntailmentUnavailable
from overton.sections import CoverageSection
from overton.selectors.coverage import study_coverage
from overton.selectors.labels import label_table
from overton.selectors.readings import card_of, current_reading, readings_fingerprint
from overton.selectors.said import asked_queries
from overton.selectors.traps import written_traps
from overton.services.answers import reword_answer
from overton.services.entailment import (
    ReadingRefused,
    perform_reading,
    request_first_reading,
    request_reading,
    score_pairs,
)
from overton.services.labels import label_expression, resolve_labels
from overton.services.windows import set_window_rule
from overton.services.withdrawal import erase_said

SAYS = {
    "alpha": "Trees cool the street. Cars need parking space. I like soup very much.",
    "beta": "Some claim that trees cool the street. That is false. Buses are loud here.",
}
VIEWS = ("Trees cool the street.", "Cars need parking space.", "Buses are loud here.")


@pytest.fixture(autouse=True)
def judge(settings: LazySettings) -> type[WordJudge]:
    settings.ENTAILMENT_BACKENDS = {"words": "fake_entailment.WordJudge"}
    settings.ENTAILMENT_BACKEND = "words"
    settings.ENTAILMENT_MODEL = ""
    WordJudge.calls.clear()
    return WordJudge


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    """Four queries with the same two responses and three answers each."""
    study = make_study(jury=jury, queries=4, steps=("judging", "labelling"))
    for query in study.queries.all():
        for response in query.responses.select_related("source"):
            response.text = SAYS[response.source.name]
            response.save()
        for number, text in enumerate(VIEWS):
            Answer.objects.create(query=query, external_id=f"a{number}", text=text)
    return study


def read(study: Study, **options: object) -> EntailmentReading:
    run = request_reading(study=study, requested_by=None, **options)  # type: ignore[arg-type]
    perform_run(run_id=run.pk, work=perform_reading)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    return EntailmentReading.objects.get(run=run)


def pair(reading: EntailmentReading, source: str, answer: str) -> PairReading:
    return reading.pairs.get(
        response__external_id=f"q0-{source}", answer__external_id=answer, response__query__ordinal=0
    )


def label(study: Study, source: str, answer: str, word: str, who: User, query: int = 0) -> None:
    asked = study.queries.get(ordinal=query)
    label_expression(
        response=asked.responses.get(source__name=source),
        answer=asked.answers.get(external_id=answer),
        label=word,
        now=timezone.now(),
        researcher=who,
    )


def labels_of(study: Study, *, unknowing: bool) -> dict[tuple[str, str], str | None]:
    """What stands, by source and answer of the first query."""
    asked = asked_queries(study=study)
    table = label_table(study=study, queries=asked, unknowing=unknowing)
    return {
        (
            table.responses[response].source.partition("@")[0],
            table.answers[answer].text,
        ): pooled.label
        for (response, answer), pooled in table.pooled.items()
    }


# --- What people say once they know ---------------------------------------------------------------


def test_a_label_changed_after_the_reading_was_shown_checks_no_model(
    study: Study, researcher: User
) -> None:
    label(study, "alpha", "a0", "does_not", researcher)
    label(study, "alpha", "a0", "expresses", researcher)
    assert not ExpressionLabel.objects.filter(knew_reading=True).exists()
    reading = read(study)
    label(study, "alpha", "a0", "contradicts", researcher)
    label(study, "beta", "a2", "expresses", researcher)  # her first word, said without knowing
    known = ExpressionLabel.objects.get(knew_reading=True)
    assert (known.label, known.is_current) == ("contradicts", True)
    assert labels_of(study, unknowing=False) == {
        ("alpha", VIEWS[0]): "contradicts",
        ("beta", VIEWS[2]): "expresses",
    }
    assert labels_of(study, unknowing=True) == {
        ("alpha", VIEWS[0]): "expresses",
        ("beta", VIEWS[2]): "expresses",
    }
    again = read(study)
    assert card_of(reading=again).pairs == 2
    assert again.input_digest != reading.input_digest


def test_so_does_a_label_given_beside_the_reading_and_a_decision(
    study: Study, researcher: User, client: Client
) -> None:
    read(study)
    asked = study.queries.get(ordinal=0)
    response = asked.responses.get(source__name="alpha")
    answer = asked.answers.get(external_id="a1")
    client.force_login(researcher)
    client.post(
        reverse("study-response", args=[study.public_id, response.public_id]),
        {"answer": answer.public_id, "label": "does_not"},
    )
    assert ExpressionLabel.objects.get().knew_reading
    assert labels_of(study, unknowing=True) == {}
    other = User.objects.create_user("other")
    label_expression(
        response=response, answer=answer, label="expresses", now=timezone.now(), researcher=other
    )
    assert labels_of(study, unknowing=True) == {("alpha", VIEWS[1]): "expresses"}
    resolve_labels(
        response=response, answer=answer, label="does_not", reason="It is a side remark.",
        researcher=researcher, now=timezone.now(),
    )  # fmt: skip
    assert LabelResolution.objects.get().knew_reading
    assert labels_of(study, unknowing=False) == {("alpha", VIEWS[1]): "does_not"}
    assert labels_of(study, unknowing=True) == {("alpha", VIEWS[1]): "expresses"}


# --- The Run --------------------------------------------------------------------------------------


def test_every_pair_is_read_with_the_passage_that_says_it(study: Study) -> None:
    reading = read(study)
    assert reading.pairs.count() == 4 * 2 * 3
    assert (reading.backend, reading.mode, reading.is_current) == ("words", "entailment", True)
    found = pair(reading, "alpha", "a1")
    assert found.expressed
    assert found.passage == "Cars need parking space."
    assert found.score == pytest.approx(0.98)
    assert not pair(reading, "alpha", "a2").expressed
    assert pair(reading, "beta", "a2").expressed


def test_a_mention_refuted_in_the_next_sentence_is_not_expressed(study: Study) -> None:
    found = pair(read(study), "beta", "a0")
    assert not found.expressed
    assert found.refuted
    assert found.passage == "Some claim that trees cool the street."


def test_a_pair_of_texts_is_judged_once_and_then_never_again(
    study: Study, judge: type[WordJudge]
) -> None:
    first = read(study)
    asked = list(judge.calls)
    assert len(asked) == len(set(asked)) == EntailmentScore.objects.count()
    second = read(study)
    assert judge.calls == asked
    assert second.input_digest == first.input_digest
    first.refresh_from_db()
    assert (first.is_current, second.is_current) == (False, True)
    assert current_reading(study=study) == second


def test_another_judge_has_scores_of_its_own(study: Study, judge: type[WordJudge]) -> None:
    read(study)
    before = len(judge.calls)
    assert read(study, backend="words:other").backend == "words:other"
    assert len(judge.calls) == 2 * before


def test_what_was_judged_before_a_cancel_is_kept(
    study: Study, judge: type[WordJudge], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overton.services.entailment.CHUNK", 5)
    monkeypatch.setattr("juries.services.runs.PROGRESS_EVERY_SECONDS", 0)
    run = request_reading(study=study, requested_by=None)
    entails = judge.entails

    def cancelling(
        self: WordJudge, premises: Sequence[str], hypotheses: Sequence[str]
    ) -> np.ndarray:
        if len(judge.calls) >= 10:
            request_cancel(run=run)
        return entails(self, premises, hypotheses)

    monkeypatch.setattr(judge, "entails", cancelling)
    perform_run(run_id=run.pk, work=perform_reading)
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED
    assert not EntailmentReading.objects.exists()
    kept = EntailmentScore.objects.count()
    assert kept == len(judge.calls) == 15
    monkeypatch.setattr(judge, "entails", entails)
    restart_run(run=run)
    perform_run(run_id=run.pk, work=perform_reading)
    assert EntailmentReading.objects.count() == 1
    assert len(judge.calls) == len(set(judge.calls)) == EntailmentScore.objects.count()


def test_the_first_reading_is_asked_for_once(study: Study) -> None:
    run = request_first_reading(study=study)
    assert run is not None
    assert run.parameters == request_reading(study=study, requested_by=None).parameters
    assert request_first_reading(study=study) is None


def test_a_judge_that_cannot_be_loaded_is_said_on_the_run(study: Study) -> None:
    run = request_reading(study=study, requested_by=None, backend="words:missing")
    perform_run(run_id=run.pk, work=perform_reading)
    run.refresh_from_db()
    assert run.state == Run.State.FAILED
    assert run.error == "There is no judge called missing. Name another."


def test_without_answers_there_is_nothing_to_read(study: Study) -> None:
    Answer.objects.all().delete()
    run = request_reading(study=study, requested_by=None)
    perform_run(run_id=run.pk, work=perform_reading)
    run.refresh_from_db()
    assert "Write or import answers" in run.error


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"mode": "guess"}, "entailment or extraction"),
        ({"objective": "recall"}, "f1 or accuracy"),
        ({"sizes": (0,)}, "1 or more"),
        ({"threshold": 1.5}, r"\(0, 1\]"),
        ({"mode": "extraction", "sizes": (2,)}, "hold 1"),
    ],
)
def test_a_reading_that_cannot_be_is_refused(
    study: Study, options: dict[str, object], problem: str
) -> None:
    with pytest.raises(ReadingRefused, match=problem):
        request_reading(study=study, requested_by=None, **options)  # type: ignore[arg-type]
    assert not Run.objects.exists()


def test_numbers_that_are_no_probabilities_stop_the_reading(
    study: Study, judge: type[WordJudge], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        judge, "entails", lambda _self, premises, _hypotheses: np.full((len(premises), 3), np.nan)
    )
    with pytest.raises(EntailmentUnavailable, match="words gave nan"):
        score_pairs(premises=["a"], hypotheses=["b"], backend=judge())
    assert not EntailmentScore.objects.exists()


# --- In a benchmark -------------------------------------------------------------------------------


def benchmark_of_coverage(study: Study) -> Report:
    """The report of a benchmark whose only objective is coverage."""
    benchmark = declare_benchmark(
        study=study,
        name="B",
        definition=ObjectivesDefinition(
            objectives=(DeclaredObjective(name="covers", source="coverage"),), bootstraps=10
        ),
        files={},
        created_by=None,
    )
    mine = request_benchmark_run(benchmark=benchmark, requested_by=None)
    perform_run(run_id=mine.run_id, work=perform_benchmark)
    mine.refresh_from_db()
    assert mine.run.state == Run.State.SUCCEEDED, mine.run.error
    return report_from_plain(mine.report)


def test_a_benchmark_counts_what_was_read_and_says_so(
    study: Study, jury: Jury, researcher: User
) -> None:
    Judgement.objects.bulk_create(
        Judgement(
            juror=juror, answer=answer, verdict="reasonable", holds=False, created_at=timezone.now()
        )
        for juror in jury.jurors.all()
        for answer in Answer.objects.all()
    )
    set_window_rule(study=study, reasonable_share=0.3, group_minimum=2)
    for query in range(4):
        for answer in ("a0", "a1", "a2"):
            label(study, "beta", answer, "expresses", researcher, query)
    people = benchmark_of_coverage(study)
    covers = {one.column: one.value for one in people.numbers if one.row == "covers"}
    assert covers == {"beta": 1}, "nobody has read alpha"
    assert not people.is_predicted
    assert any("alpha is left out" in note and "nor a reading" in note for note in people.notes), (
        people.notes
    )

    read(study)
    both = benchmark_of_coverage(study)
    covers = {one.column: one.value for one in both.numbers if one.row == "covers"}
    assert covers == {"alpha": pytest.approx(2 / 3), "beta": 1}, "what people said stands"
    assert both.is_predicted
    assert any(
        note == "Coverage: 12 of 24 pairs of a response and an answer are read by a model, words,"
        " where nobody labelled them; it is not validated on this study's labels."
        for note in both.notes
    ), both.notes
    one, other = (mine.inputs for mine in BenchmarkRun.objects.order_by("id"))
    changed = {name for name in one if one[name] != other[name]}
    assert changed == {"windows, labels and readings"}


# --- Extraction -----------------------------------------------------------------------------------


def test_views_are_taken_out_and_matched_both_ways(study: Study) -> None:
    reading = read(study, mode="extraction")
    views = {
        view.text: (None if view.answer is None else view.answer.external_id)
        for view in ExtractedView.objects.filter(
            reading=reading, response__query__ordinal=0
        ).select_related("answer", "response")
    }
    assert views == {
        "Trees cool the street.": "a0",
        "Cars need parking space.": "a1",
        "I like soup very much.": None,
        "Some claim that trees cool the street.": None,
        "Buses are loud here.": "a2",
    }
    assert pair(reading, "alpha", "a0").expressed
    assert pair(reading, "alpha", "a0").reverse == 1
    assert not pair(reading, "beta", "a0").expressed, "it is refuted"


# --- Calibration ----------------------------------------------------------------------------------


def test_too_few_labels_leave_the_declared_threshold(study: Study, researcher: User) -> None:
    label(study, "alpha", "a0", "expresses", researcher)
    reading = read(study, threshold=0.7)
    assert (reading.threshold, reading.threshold_origin) == (0.7, "declared")
    assert "1 pairs, 1 of them" in reading.calibration_note
    assert reading.report_card["pairs"] == 1
    assert not reading.is_validated
    assert pair(reading, "alpha", "a1").probability is None


def test_a_card_has_traps_before_anybody_has_labelled(study: Study, client: Client) -> None:
    traps = written_traps()
    reading = read(study)
    by_kind = reading.report_card["by_trap"]
    assert sorted(by_kind) == sorted(set(traps.kinds))
    assert sum(metrics["accuracy"]["n"] for metrics in by_kind.values()) == len(traps.kinds)
    # Who counts words alone takes most denials for what they deny.
    assert by_kind["negation"]["accuracy"]["value"] < 0.7
    client.force_login(User.objects.create_superuser("reader", "", "a-long-password"))
    page = client.get(reverse("study-readings", args=[study.public_id])).content.decode()
    assert "By kind of trap" in page
    assert "Nobody has labelled a pair" in page
    # Views match both ways; a trap's premise says more than its hypothesis.
    assert read(study, mode="extraction").report_card["by_trap"] == {}


def test_labels_teach_threshold_and_probabilities(
    study: Study, researcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overton.domain.calibration.FEWEST_PAIRS", 20)
    monkeypatch.setattr("overton.domain.calibration.FEWEST_OF_EACH", 5)
    said = {"alpha": ("expresses", "expresses", "does_not"), "beta": ("does_not",) * 2}
    for query in range(4):
        for source, words in said.items():
            for number, word in enumerate(words):
                label(study, source, f"a{number}", word, researcher, query)
    reading = read(study)
    assert reading.threshold_origin == "labels"
    assert 0.4 < reading.threshold < 0.98
    card = reading.report_card
    assert (card["pairs"], card["expressed"], card["queries"]) == (20, 8, 4)
    assert card["metrics"]["f1"]["value"] == 1
    likely = pair(reading, "beta", "a2").probability
    assert likely is not None
    assert likely > 0.5


# --- Coverage -------------------------------------------------------------------------------------


@pytest.fixture
def judged(study: Study, pool: object, jury: Jury) -> Study:
    """All find the first two answers reasonable and the third unreasonable."""
    jurors = [
        *jury.jurors.order_by("id"),
        *(
            Juror.objects.create(jury=jury, candidate=candidate)
            for candidate in jury.pool.candidates.order_by("id")[4:]
        ),
    ]
    for answer in Answer.objects.filter(query__study=study):
        verdict = "unreasonable" if answer.external_id == "a2" else "reasonable"
        for juror in jurors:
            Judgement.objects.create(
                juror=juror, answer=answer, verdict=verdict, holds=True, created_at=timezone.now()
            )
    return study


def test_people_come_first_and_the_judge_fills_in(judged: Study, researcher: User) -> None:
    label(judged, "alpha", "a0", "does_not", researcher)
    without = study_coverage(study=judged)
    assert (without.by_people, without.by_judge, without.read) == (1, 0, None)
    found = study_coverage(study=judged, reading=read(judged))
    assert (found.by_people, found.by_judge) == (1, 23)
    alpha = found.responses[0]
    assert alpha.coverage.coverage.value == 0.5, "a label stands against the judge's 'expressed'"
    assert (alpha.by_people, alpha.by_judge) == (1, 2)
    assert found.sources[0].by_judge == 11


def test_where_people_are_split_no_judge_overrules_them(judged: Study, jurors: list[Juror]) -> None:
    asked = judged.queries.get(ordinal=0)
    for juror, word in zip(jurors, ("expresses", "does_not"), strict=False):
        label_expression(
            response=asked.responses.get(source__name="alpha"),
            answer=asked.answers.get(external_id="a0"),
            label=word,
            now=timezone.now(),
            juror=juror,
        )
    found = study_coverage(study=judged, reading=read(judged))
    assert found.responses[0].coverage.unlabelled == 1


def test_the_results_name_the_judge_and_mark_what_it_read(judged: Study, researcher: User) -> None:
    empty = CoverageSection().build(study=judged)
    assert "wait for a label" in empty.empty_reason
    before = CoverageSection().fingerprint(study=judged)
    read(judged)
    assert CoverageSection().fingerprint(study=judged) != before
    content = CoverageSection().build(study=judged)
    assert content.figures[0].is_predicted
    notices = " ".join(content.notices)
    assert "Read by a model: 24 of 24 pairs, by words." in notices
    assert "Not validated: 200 labelled pairs are needed, 0 are there." in notices
    assert "declared threshold of 0.5" in notices
    assert "read by a model, words" in content.summary[0]
    for _, table in content.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert max(table.numeric) < len(table.columns)
    figure = content.figures[0].table
    assert all(len(row) == len(figure.columns) for row in figure.rows)


def test_views_without_an_answer_count_in_strict_precision(judged: Study) -> None:
    found = study_coverage(study=judged, reading=read(judged, mode="extraction"))
    alpha, beta = found.responses[0], found.responses[1]
    assert (alpha.unmatched, beta.unmatched) == (1, 1)
    assert alpha.strict_precision is not None
    assert beta.strict_precision is not None
    assert alpha.coverage.precision.value == 1
    assert alpha.strict_precision.value == pytest.approx(2 / 3)
    assert beta.strict_precision.value == 0
    content = CoverageSection().build(study=judged)
    assert content.tables[0][1].columns[-1] == "precision with those counted"


# --- What becomes of it ---------------------------------------------------------------------------


def test_a_label_that_is_withdrawn_makes_readings_stale(study: Study, jurors: list[Juror]) -> None:
    asked = study.queries.get(ordinal=0)
    label_expression(
        response=asked.responses.get(source__name="alpha"),
        answer=asked.answers.get(external_id="a0"),
        label="expresses",
        now=timezone.now(),
        juror=jurors[0],
    )
    reading = read(study)
    before = readings_fingerprint(study=study)
    erase_said(juror=jurors[1], erase_said=True)
    reading.refresh_from_db()
    assert reading.stale_since is None, "she had labelled nothing"
    erase_said(juror=jurors[0], erase_said=True)
    reading.refresh_from_db()
    assert reading.stale_since is not None
    assert readings_fingerprint(study=study) != before
    assert not ExpressionLabel.objects.exists()


def test_what_was_read_of_an_answer_goes_with_it(study: Study) -> None:
    reading = read(study, mode="extraction")
    first = Answer.objects.get(query__ordinal=0, external_id="a0")
    reword_answer(answer=first, text="Trees shade the street.")
    assert not PairReading.objects.filter(answer=first).exists()
    second = Answer.objects.get(query__ordinal=0, external_id="a1")
    second.delete()
    assert reading.pairs.count() == 24 - 4
    assert reading.views.filter(answer__isnull=True, response__query__ordinal=0).count() == 3
    Response.objects.filter(query__ordinal=0).delete()
    assert not reading.views.filter(response__query__ordinal=0).exists()
