"""Studies that ask for the order by gain: what is picked, kept, and done without a model."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotations.domain.picking import EXPLORED
from annotations.models import Assignment, ItemPick, Participation, Rating, Response, Study
from annotations.parts.people import AssignmentsPart
from annotations.ports import ExportOptions, ItemWorth, item_ordering
from annotations.selectors.progress import order_in_words
from annotations.services.claims import claim_next
from juries.models import Jury, Run, User
from juries.services.runs import RunContext, perform_run
from models_runner.domain.reward import fit_reward_model
from models_runner.models import RewardTraining
from models_runner.selectors.kept_files import PLAN_KIND
from models_runner.selectors.training import training_data
from models_runner.services import next_item
from models_runner.services.learners import model_file, prepare
from models_runner.services.training import write_artefact

QUERIES = 12


@pytest.fixture(autouse=True)
def words(settings: LazySettings, tmp_path: Path) -> None:
    settings.ENCODER_BACKEND = "fake_encoder.WordEncoder"
    settings.ARTEFACTS_DIR = tmp_path / "artefacts"
    settings.RUN_HEARTBEAT_SECONDS = 3600


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    """Two of four jurors have rated; the queries are to come by gain."""
    study = make_study(jury=jury, queries=QUERIES, next_item="gain")
    for place, juror in enumerate(jury.jurors.order_by("id")[:2]):
        Participation.objects.create(study=study, juror=juror, ordinal=place, state="finished")
        Rating.objects.bulk_create(
            Rating(
                juror=juror,
                response=response,
                criterion=study.criteria.get(key="helpful"),
                value=1 + (number * (place + 1)) % 5,
                created_at=timezone.now(),
            )
            for number, response in enumerate(Response.objects.order_by("id"))
        )
    return study


@pytest.fixture
def training(study: Study) -> RewardTraining:
    """A model that passed its gate, as a training leaves it."""
    run = Run.objects.create(kind="models_runner.train_reward", title="t", state="succeeded")
    training = RewardTraining(
        study=study,
        criterion=study.criteria.get(key="helpful"),
        run=run,
        method="population_offset",
        is_usable=True,
    )
    prepared = prepare(
        method=training.method,
        data=training_data(criterion=training.criterion),
        criterion=training.criterion,
        context=RunContext(run),
    )
    model = fit_reward_model(method=training.method, table=prepared.table)
    training.artefact_name = write_artefact(training, *model_file(model), facts=prepared.facts)
    training.save()
    return training


@pytest.fixture
def plan(training: RewardTraining) -> Run:
    next_item._request_plan_once(training)
    run = Run.objects.get(kind=PLAN_KIND)
    perform_run(run_id=run.pk, work=next_item.perform_plan)
    run.refresh_from_db()
    assert run.state == "succeeded", run.error
    return run


def join(study: Study, place: int = 2) -> Participation:
    juror = study.jury.jurors.order_by("id")[place]  # type: ignore[union-attr]
    return Participation.objects.create(
        study=study,
        juror=juror,
        ordinal=place,
        state="working",
        consented_at=timezone.now(),
        consent_version=study.consent_version,
    )


def claim_all(way: Participation, most: int = 100) -> list[Assignment]:
    claimed: list[Assignment] = []
    while len(claimed) < most:
        found = claim_next(participation=way, now=timezone.now())
        if found is None:
            break
        Assignment.objects.filter(pk=found.pk).update(state="completed")
        claimed.append(found)
    return claimed


def test_each_pick_is_kept_with_its_chance(study: Study, plan: Run) -> None:
    claimed = claim_all(join(study))
    assert sorted(own.query_id for own in claimed) == sorted(
        study.queries.values_list("pk", flat=True)
    ), "all of them, none twice"
    picks = [ItemPick.objects.get(assignment=own) for own in claimed]
    training = RewardTraining.objects.get()
    for number, own in enumerate(picks):
        assert own.candidates == QUERIES - number
        assert own.model == training.public_id
        assert own.is_explored or own.rank == 1
        expected = EXPLORED / own.candidates + (1 - EXPLORED) * (own.rank == 1)
        assert own.propensity == pytest.approx(expected)
    first = next(own for own in picks if not own.is_explored)
    had = [own.query_id for own in claimed[: picks.index(first)]]
    left = [pk for pk in study.queries.values_list("pk", flat=True) if pk not in had]
    worth = item_ordering().worth(study=study, had=had, candidates=left)
    assert first.gain_per_minute == pytest.approx(max(worth.per_minute))


def test_the_same_seed_picks_the_same(study: Study, plan: Run) -> None:
    way = join(study)
    once = [own.query_id for own in claim_all(way)]
    Assignment.objects.filter(participation=way).delete()
    Participation.objects.filter(pk=way.pk).update(next_position=0)
    way.refresh_from_db()
    assert [own.query_id for own in claim_all(way)] == once


def test_places_are_shared_as_without_it(study: Study, plan: Run) -> None:
    Study.objects.filter(pk=study.pk).update(assignment_mode="overlap", overlap=1)
    study.refresh_from_db()
    first, second = join(study, 2), join(study, 3)
    mine = claim_all(first, most=7)
    theirs = claim_all(second)
    assert {own.query_id for own in mine}.isdisjoint(own.query_id for own in theirs)
    assert len(mine) + len(theirs) == QUERIES
    assert set(study.queries.values_list("claimed_count", flat=True)) == {1}
    assert ItemPick.objects.count() == QUERIES


def test_checks_and_copies_keep_their_turns(study: Study, plan: Run) -> None:
    check = study.queries.order_by("ordinal")[3]
    check.check_kind = "instructed"
    check.save()
    copy = study.queries.order_by("ordinal")[5]
    copy.check_kind = "repeated"
    copy.repeats = study.queries.order_by("ordinal")[6]
    copy.save()
    for mode in ("all", "overlap"):
        Study.objects.filter(pk=study.pk).update(assignment_mode=mode, overlap=4)
        study.refresh_from_db()
        claimed = claim_all(join(study, 2 if mode == "all" else 3))
        assert len(claimed) == QUERIES, mode
        order = [own.query_id for own in claimed]
        assert order.index(copy.repeats_id or 0) < order.index(copy.pk)
        picked = ItemPick.objects.filter(assignment__in=claimed)
        assert picked.exists()
        assert not picked.filter(assignment__query__in=[check, copy]).exists()


def test_without_a_usable_model_the_order_is_random_and_says_so(
    study: Study, training: RewardTraining, researcher: User
) -> None:
    RewardTraining.objects.update(is_usable=False)
    claimed = claim_all(join(study))
    assert len(claimed) == QUERIES
    assert not ItemPick.objects.exists()
    assert not Run.objects.filter(kind=PLAN_KIND).exists()
    client = Client()
    client.force_login(researcher)
    page = client.get(reverse("study", args=[study.public_id])).content.decode()
    assert "Queries come in a random order for now." in page
    assert "did not pass its gate" in page
    study.next_item = "random"
    assert order_in_words(study=study) == ""


@pytest.mark.parametrize(
    ("method", "artefact"), [("statement", "a.safetensors"), ("hierarchical", "")]
)
def test_a_newer_model_that_can_not_be_asked_is_passed_over(
    study: Study, training: RewardTraining, method: str, artefact: str
) -> None:
    RewardTraining.objects.create(
        study=study,
        criterion=training.criterion,
        run=Run.objects.create(kind="models_runner.train_reward", title="t", state="succeeded"),
        method=method,
        artefact_name=artefact,
        is_usable=True,
    )
    claim_all(join(study), most=1)
    [run] = Run.objects.filter(kind=PLAN_KIND)
    assert run.parameters["training"] == training.pk
    perform_run(run_id=run.pk, work=next_item.perform_plan)
    run.refresh_from_db()
    assert run.state == "succeeded", run.error


def test_the_plan_is_asked_for_once_and_then_used(study: Study, training: RewardTraining) -> None:
    way = join(study)
    claim_all(way, most=2)
    [run] = Run.objects.filter(kind=PLAN_KIND)
    assert not ItemPick.objects.exists()
    assert "as soon as" in order_in_words(study=study)
    perform_run(run_id=run.pk, work=next_item.perform_plan)
    claim_all(way, most=1)
    assert ItemPick.objects.count() == 1
    assert "1 picked so" in order_in_words(study=study)


def test_a_plan_that_failed_says_why(study: Study, training: RewardTraining) -> None:
    next_item._request_plan_once(training)
    path = next_item.plan_path(training=training).parent / training.artefact_name
    path.unlink()
    run = Run.objects.get(kind=PLAN_KIND)
    perform_run(run_id=run.pk, work=next_item.perform_plan)
    assert "is not on this machine" in item_ordering().why_not(study=study)


def test_the_chances_stand_in_the_export(study: Study, plan: Run) -> None:
    claim_all(join(study), most=3)
    [batch] = AssignmentsPart().batches(study=study, options=ExportOptions(), using="default")
    assert len(batch["pick_propensity"]) == 3
    assert all(0 < own <= 1 for own in batch["pick_propensity"])
    assert all(rank >= 1 for rank in batch["pick_rank"])


def test_an_ordering_is_asked_no_more_than_it_may(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        def worth(self, **asked: object) -> ItemWorth:
            return ItemWorth(model=uuid4(), per_minute=tuple(np.zeros(QUERIES)))

    monkeypatch.setattr("annotations.services.claims.item_ordering", Silent)
    Study.objects.filter(pk=study.pk).update(next_item="random")
    study.refresh_from_db()
    claim_all(join(study), most=1)
    assert not ItemPick.objects.exists(), "off by default"
