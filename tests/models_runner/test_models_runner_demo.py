"""The demonstration: loaded once from its fixtures, then looked at from all sides."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from annotations.models import (
    Assignment,
    Choice,
    Export,
    Opinion,
    Participation,
    Preference,
    Rating,
    Response,
    Study,
)
from annotations.ports import results_sections
from annotations.selectors.ratings import rating_matrix, utilities
from annotations.selectors.results import results_page
from juries.domain.welfare import power_welfare
from juries.models import Candidate, Juror, Pool, Run, Seat, User
from juries.services.invitations import withdraw_juror
from juries.services.runs import perform_run
from models_runner.domain.benchmark_report.numbers import report_from_plain
from models_runner.models import BenchmarkRun, PredictedRating, RewardTraining
from models_runner.selectors.demo import demo_addresses
from models_runner.services.benchmarks.performing import perform_benchmark
from models_runner.services.demo import (
    FOLDER,
    demo_owner,
    demo_study,
    load_demo,
    request_first_benchmark,
    visitor_link,
)
from overton.models import Answer, ExpressionLabel, Judgement
from overton.selectors.windows import study_windows

JURORS, QUERIES, RESPONSES, ANSWERS = 39, 12, 48, 68


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Study]:
    """The demonstration as `manage.py load_demo` makes it, with an encoder that needs no model."""
    folder = tmp_path_factory.mktemp("var")
    changed = override_settings(
        VAR_DIR=folder,
        EXPORTS_DIR=folder / "exports",
        ARTEFACTS_DIR=folder / "artefacts",
        ENCODER_BACKEND="fake_encoder.WordEncoder",
        # The sign of life comes over another connection, which a test's transaction shuts out.
        RUN_HEARTBEAT_SECONDS=3600,
    )
    with django_db_blocker.unblock(), changed, transaction.atomic():
        told = io.StringIO()
        call_command("load_demo", stdout=told)
        study = demo_study()
        assert study is not None, told.getvalue()
        yield study
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded: Study, db: None) -> Study:
    return loaded


@pytest.fixture
def owner_client(demo: Study) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="demo"))
    return client


def test_everything_is_there(demo: Study) -> None:
    assert Candidate.objects.filter(pool__slug="demo").count() == 400
    assert demo.jury is not None
    assert demo.jury.seats.filter(state=Seat.State.ACCEPTED).count() == JURORS
    draw = demo.jury.draws.get()
    assert draw.published_at is not None
    record = draw.published_records.get()
    assert (record.state, record.public_value) == ("drawn", "demonstration")
    assert "made up for the demonstration" in record.source
    assert json.loads(record.content)["is_simulated"] is True
    assert demo.queries.count() == demo.query_count == QUERIES
    assert Response.objects.filter(query__study=demo).count() == RESPONSES
    assert Answer.objects.filter(query__study=demo).count() == ANSWERS
    assert Participation.objects.filter(study=demo).count() == JURORS
    assert Participation.objects.filter(study=demo, state="finished").count() == JURORS - 3
    for model in (Rating, Preference, Choice, Opinion, Judgement):
        assert model.objects.exists(), model
    assert set(Juror.objects.filter(judgements__isnull=False)) == set(
        Juror.objects.filter(participations__study=demo)
    )
    pairs = sum(q.responses.count() * q.answers.count() for q in demo.queries.all())
    assert ExpressionLabel.objects.filter(researcher__isnull=False).count() == pairs
    readers = Juror.objects.filter(expression_labels__isnull=False).distinct().count()
    assert readers == JURORS / 3
    assert set(Run.objects.values_list("state", flat=True)) == {"succeeded"}
    assert Export.objects.get(study=demo).digest


def test_what_was_said_fits_the_assignments(demo: Study) -> None:
    done = Assignment.objects.filter(participation__study=demo)
    assert set(done.values_list("state", flat=True)) == {"completed"}
    for participation in Participation.objects.filter(study=demo):
        own = participation.assignments.all()
        assert own.count() == participation.completed_count
        asked = set(own.values_list("query_id", flat=True))
        said = Rating.objects.filter(juror=participation.juror)
        assert set(said.values_list("response__query_id", flat=True)) <= asked
    for criterion in demo.criteria.all():
        values = Rating.objects.filter(criterion=criterion, value__isnull=False)
        assert not values.exclude(value__gte=criterion.low, value__lte=criterion.high).exists()
    for query in demo.queries.all():
        assert query.completed_count == query.assignments.count()


def test_all_of_it_is_marked_as_simulated(demo: Study, owner_client: Client) -> None:
    assert demo.is_simulated
    assert Pool.objects.get(slug="demo").is_simulated
    assert set(Juror.objects.values_list("is_simulated", flat=True)) == {True}
    page = owner_client.get(reverse("study-results", args=[demo.public_id])).content.decode()
    assert "simulated jurors" in page
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert figures
    assert all("simulated" in figure for figure in figures)


def test_loading_again_changes_nothing(demo: Study, tmp_path: Path) -> None:
    before = {
        model: model.objects.count()
        for model in (Study, Pool, Candidate, Juror, Rating, Judgement, Run, Export)
    }
    told: list[str] = []
    again = load_demo(now=timezone.now(), say=told.append, owner=User.objects.get(username="demo"))
    assert again == demo
    assert not told
    assert before == {model: model.objects.count() for model in before}


def test_the_windows_hold_every_verdict(demo: Study) -> None:
    found = study_windows(study=demo)
    verdicts = {a.verdict.value for v in found.windows for a in v.window.answers}
    assert verdicts >= {"reasonable", "unreasonable", "undecided"}


def test_the_results_page_shows_every_section_that_is_asked_for(
    demo: Study, owner_client: Client
) -> None:
    response = owner_client.get(reverse("study-results", args=[demo.public_id]))
    assert response.status_code == 200
    page = response.content.decode()
    not_asked = {"ranking", "highlight"}
    assert not demo.steps.filter(kind__in=not_asked).exists()
    for key, section in results_sections().items():
        if key in not_asked:
            assert f'id="{key}"' not in page
            continue
        assert f'id="{key}"' in page
        assert section.title.replace("'", "&#x27;") in page
    assert "Nothing to show yet" not in page
    assert not results_page(study=demo).is_outdated
    assert " style=" not in page
    assert "<script>" not in page


def test_the_page_tells_the_numbers_of_the_domain(demo: Study) -> None:
    snapshot = results_page(study=demo).snapshot
    assert snapshot is not None
    content = snapshot.content
    for criterion in demo.criteria.all():
        matrix = rating_matrix(criterion=criterion)
        values = utilities(criterion=criterion, matrix=matrix)
        figure = next(
            f for f in content["welfare"]["figures"] if f["key"] == f"alpha-{criterion.key}"
        )
        columns, rows = figure["table"]["columns"], figure["table"]["rows"]
        for name, alpha in (("0", 0.0), ("1", 1.0), ("4", 4.0), ("∞", np.inf)):
            row = next(row for row in rows if row[0] == name)
            items = power_welfare(values, alpha=alpha, skip_missing=True)
            for index, source in enumerate(matrix.sources):
                expected = np.nanmean(items[matrix.source_index == index])
                assert row[columns.index(source)] == pytest.approx(expected, rel=1e-9)


def test_predictions_stand_only_where_nothing_was_said(demo: Study) -> None:
    training = RewardTraining.objects.get(study=demo)
    assert training.criterion.key == "helpfulness"
    predicted = PredictedRating.objects.filter(training=training)
    said = set(
        Rating.objects.filter(criterion=training.criterion, value__isnull=False).values_list(
            "juror_id", "response_id"
        )
    )
    guessed = set(predicted.values_list("juror_id", "response_id"))
    assert not said & guessed
    # The visitor's seat has said nothing, so that everything is predicted for her.
    assert len(said) + len(guessed) == (JURORS + 1) * RESPONSES
    assert not predicted.exclude(mean__gte=1, mean__lte=5).exists()


def test_the_stored_results_are_plain_json(demo: Study) -> None:
    snapshot = results_page(study=demo).snapshot
    assert snapshot is not None
    content = snapshot.content
    json.dumps(content, allow_nan=False)
    json.dumps(RewardTraining.objects.get(study=demo).evaluation, allow_nan=False)
    # The unit of an interval is never left out where a figure has one.
    for section in content.values():
        for figure in section["figures"]:
            assert figure["n"]


def test_the_last_seat_is_kept_for_a_visitor(demo: Study) -> None:
    link = visitor_link(study=demo, now=timezone.now())
    client = Client()
    page = client.get(re.sub(r"^https?://[^/]+", "", link), follow=True)
    assert page.status_code == 200
    assert demo.title in page.content.decode()
    assert demo.jury is not None
    seat = demo.jury.seats.order_by("-number")[0]
    assert not Participation.objects.filter(juror=seat.juror, state="finished").exists()


def test_each_address_opens(demo: Study, owner_client: Client) -> None:
    for _, path in demo_addresses(study=demo):
        assert owner_client.get(path, follow=True).status_code == 200, path


def test_its_benchmark_is_asked_for_once_and_needs_no_language_model(
    demo: Study, owner_client: Client
) -> None:
    run = request_first_benchmark(study=demo)
    assert run is not None
    assert request_first_benchmark(study=demo) is None
    perform_run(run_id=run.pk, work=perform_benchmark)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    report = report_from_plain(BenchmarkRun.objects.get(run=run).report)
    shown = {
        (one.row, one.column): one.value
        for one in report.numbers
        if one.section == "values" and one.value is not None
    }
    sources = {column for _, column in shown}
    assert len(sources) == 4
    for row in ("helpfulness", "fairness", "help for the worst-off", "Overton coverage"):
        assert all((row, source) in shown for source in sources), row
    # The demonstration is there to show that what is joined how decides who wins.
    best = [max(sources, key=lambda one: shown[row, one]) for row in ("helpfulness", "fairness")]
    assert len(set(best)) > 1, best
    page = owner_client.get(run.page_path).content.decode()
    assert "Which models can nobody replace" in page


def test_the_owner_keeps_her_password(demo: Study) -> None:
    user, password = demo_owner()
    assert user.check_password(password)
    assert demo_owner() == (user, password)


def test_who_withdraws_makes_it_all_stale(demo: Study, owner_client: Client) -> None:
    assert demo.jury is not None
    seat = demo.jury.seats.order_by("number")[0]
    withdraw_juror(juror=seat.juror, erase_said=True)
    page = results_page(study=demo)
    assert page.snapshot is not None
    assert page.snapshot.stale_since is not None
    assert page.is_outdated
    training = RewardTraining.objects.get(study=demo)
    assert training.stale_since is not None
    assert not PredictedRating.objects.filter(juror=seat.juror).exists()
    shown = owner_client.get(reverse("study-results", args=[demo.public_id])).content.decode()
    assert "A juror has withdrawn what she said" in shown
    models = owner_client.get(reverse("study-models", args=[demo.public_id])).content.decode()
    assert "learnt from withdrawn answers" in models


def test_the_fixtures_are_what_is_loaded(demo: Study) -> None:
    told = json.loads((Path(FOLDER) / "study.json").read_text(encoding="utf-8"))
    assert demo.slug == told["slug"]
    assert list(demo.steps.values_list("kind", flat=True)) == [s["kind"] for s in told["protocol"]]
    assert [q.text for q in demo.queries.all()] == [q["text"] for q in told["queries"]]
