"""Fixtures of the annotations app: jurors at work."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import override_settings

from annotations.models import Participation, Study, WayIn
from annotations.ports import juror_steps
from annotations.services import participation
from juries.models import Jury, Pool, Seat


@pytest.fixture
def four_steps() -> Iterator[None]:
    """Only the steps of this app are plugged in."""
    names = ("Opinion", "Choice", "Rating", "Preference")
    juror_steps.cache_clear()
    with override_settings(JUROR_STEPS=[f"annotations.steps.{name}Step" for name in names]):
        yield
    juror_steps.cache_clear()


@pytest.fixture
def at_work() -> Callable[..., Participation]:
    """Brings the juror in a seat (from 0) of a study's jury to the beginning of her work."""

    def bring(study: Study, number: int = 0) -> Participation:
        now = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
        seat = Seat.objects.filter(jury=study.jury).order_by("number")[number]
        own = participation.join_study(seat=seat, study=study)
        own = participation.record_consent(
            participation=own, version=study.consent_version, now=now
        )
        return participation.begin_work(participation=own, now=now)

    return bring


@pytest.fixture
def open_jury(db: None) -> Jury:
    """A jury of ten places that nobody was drawn for, in a pool of nobody."""
    pool = Pool.objects.create(name="Whoever comes", slug="whoever-comes")
    return Jury.objects.create(pool=pool, name="Open jury", size=10)


@pytest.fixture
def open_study(open_jury: Jury, make_study: Callable[..., Study]) -> Study:
    """A study before the open jury, which asks for gender and age."""
    study = make_study(jury=open_jury, queries=1, instructions="Read.", contact="Ada")
    study.profile_questions.create(
        key="gender", text="Your gender?", options=["woman", "man", "other"], position=0
    )
    study.profile_questions.create(
        key="age", text="Your age?", options=["18-34", "35+"], position=1
    )
    return study


@pytest.fixture
def make_way(open_study: Study) -> Callable[..., WayIn]:
    """Makes an open way into the open study, with places for women and for men."""

    def make(*, groups: dict[str, int] | None = None, **fields: Any) -> WayIn:
        defaults = {"name": "List", "kind": WayIn.Kind.OPEN, "places": 10, "is_open": True}
        way = WayIn.objects.create(study=open_study, **{**defaults, **fields})
        for gender, places in (groups or {}).items():
            way.groups.create(name=gender, answers={"gender": [gender]}, places=places)
        return way

    return make
