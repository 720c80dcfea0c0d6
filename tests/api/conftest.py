"""People and a study that the tests of the API share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from annotations.models import (
    Choice,
    Export,
    Highlight,
    Opinion,
    Participation,
    Preference,
    Ranking,
    Rating,
    Reason,
    ResultsSnapshot,
    Study,
    StudyRole,
)
from juries.models import Draw, Juror, Jury, Run, User
from models_runner.models import PredictedRating, RewardTraining
from overton.models import Answer, ExpressionLabel, Judgement, WindowRule, WindowSnapshot

DRAW_RECORD = {
    "format": "venire-draw-1",
    "engine": "venire 0",
    "candidates": ["a", "b", "c"],
    "panels": [[0, 1], [0, 2]],
    "tickets": [3, 1],
    "tickets_total": 4,
}


@pytest.fixture(autouse=True)
def _fresh_rates() -> Iterator[None]:
    """No test is throttled for what another asked."""
    cache.clear()
    yield
    cache.clear()


def token_client(user: User) -> APIClient:
    """A client that sends the user's token, and checks CSRF as a server does."""
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.get_or_create(user=user)[0].key}")
    return client


@pytest.fixture
def as_user() -> Callable[[User], APIClient]:
    return token_client


@dataclass
class World:
    """A study of one researcher, and the people around it."""

    study: Study
    jury: Jury
    owner: User
    viewer: User
    other: User
    manager: User

    @property
    def by_owner(self) -> APIClient:
        return token_client(self.owner)

    @property
    def by_viewer(self) -> APIClient:
        return token_client(self.viewer)

    @property
    def by_other(self) -> APIClient:
        return token_client(self.other)

    @property
    def by_manager(self) -> APIClient:
        return token_client(self.manager)

    def url(self, name: str, *args: object) -> str:
        return reverse(name, args=[self.study.public_id, *args])

    def jurors(self) -> list[Juror]:
        return list(self.jury.jurors.order_by("id"))

    def run(self, **fields: Any) -> Run:
        return Run.objects.create(
            kind="test.nothing", title="Nothing", requested_by=self.owner, **fields
        )

    def say(self, rounds: int) -> None:
        """One more row in every list of the study, as often as asked."""
        for _ in range(rounds):
            _say_once(self)


def _say_once(world: World) -> None:
    study, now = world.study, timezone.now()
    number = Rating.objects.count()
    juror = world.jurors()[number % 4]
    query = study.queries.order_by("id")[number % 3]
    left, right = query.responses.order_by("id")[:2]
    said = {"juror": juror, "created_at": now, "is_current": False}
    Participation.objects.get_or_create(
        study=study, juror=juror, defaults={"ordinal": number % 4, "state": "working"}
    )
    criterion = study.criteria.order_by("id")[0]
    Rating.objects.create(response=left, criterion=criterion, value=4, **said)
    Preference.objects.create(query=query, left=left, right=right, verdict="tie", **said)
    Choice.objects.create(query=query, option=query.options.all()[0], **said)
    Opinion.objects.create(query=query, text="So I think.", **said)
    Reason.objects.create(query=query, text="Because.", **said)
    Ranking.objects.create(response=left, place=1, shown=2, **said)
    Highlight.objects.create(response=left, kind="for", start=0, end=4, **said)
    quiz = study.quiz_questions.create(
        key=f"k{number}", text="So?", options=["yes", "no"], right="yes"
    )
    way = Participation.objects.get(study=study, juror=juror)
    way.quiz_replies.create(question=quiz, attempt=1, value="no", is_right=False, created_at=now)
    answer = Answer.objects.create(query=query, external_id=f"a{number}", text=f"View {number}.")
    Judgement.objects.create(answer=answer, verdict="reasonable", holds=True, **said)
    ExpressionLabel.objects.create(response=left, answer=answer, label="expresses", **said)
    WindowSnapshot.objects.create(study=study, result={"queries": []}, input_digest="0" * 64)
    training = RewardTraining.objects.create(
        study=study,
        criterion=criterion,
        method="independent",
        is_usable=True,
        evaluation={
            "rows": [
                {
                    "method": "independent",
                    "situation": "seen_juror_new_item",
                    "mae": {"value": 0.75, "low": 0.7, "high": 0.8},
                }
            ]
        },
        run=world.run(state="succeeded"),
    )
    first = study.reward_trainings.order_by("id")[0]
    other = study.queries.order_by("id")[(number + 1) % 3].responses.order_by("id")[number % 2]
    PredictedRating.objects.get_or_create(
        training=first,
        juror=juror,
        response=other,
        defaults={"mean": 3.2, "standard_deviation": 0.5, "low": 2.2, "high": 4.2},
    )
    assert training.pk
    Export.objects.create(study=study, run=world.run())
    ResultsSnapshot.objects.create(
        study=study,
        run=world.run(),
        input_digest="0" * 64,
        content={},
    )
    Draw.objects.create(
        jury=world.jury,
        run=world.run(),
        method="maximin",
        seed="1",
        size=4,
        record=DRAW_RECORD,
        record_digest="0" * 64,
    )


@pytest.fixture
def world(jury: Jury, make_study: Callable[..., Study]) -> World:
    """A study with one row of everything, its owner, a viewer, and somebody else."""
    study = make_study(jury=jury)
    # Without a password: hashing one takes longer than most of these tests.
    people = {
        name: User.objects.create(username=name, is_staff=True, is_superuser=name == "manager")
        for name in ("owner", "viewer", "other", "manager")
    }
    StudyRole.objects.create(study=study, user=people["owner"], role="owner")
    StudyRole.objects.create(study=study, user=people["viewer"], role="viewer")
    elsewhere = make_study(jury=jury)
    StudyRole.objects.create(study=elsewhere, user=people["other"], role="owner")
    WindowRule.objects.create(study=study)
    made = World(study=study, jury=jury, **people)
    made.say(1)
    return made
