"""A study with answers, a juror at work on it, what her browser sends."""

import uuid
from collections.abc import Callable

import pytest
from django.http import QueryDict
from django.utils import timezone

from annotations.models import Assignment, Participation, Query, Study, Submission
from annotations.ports import JurorStep
from juries.models import Juror, Jury
from overton.models import Answer


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    """Two queries with two responses each, put before the jury of four."""
    return make_study(jury=jury, queries=2, steps=("judging", "proposing", "labelling"))


@pytest.fixture
def make_answers() -> Callable[..., list[Answer]]:
    """Makes accepted answers of a query."""

    def make(query: Query, count: int = 3) -> list[Answer]:
        return [
            Answer.objects.create(
                query=query, external_id=f"a{number}", text=f"View {number} on {query.text}"
            )
            for number in range(count)
        ]

    return make


@pytest.fixture
def jurors(jury: Jury) -> list[Juror]:
    """The four, in the order of their seats."""
    return list(jury.jurors.order_by("id"))


@pytest.fixture
def make_assignment() -> Callable[..., Assignment]:
    """Puts a query before a juror."""

    def make(query: Query, juror: Juror, ordinal: int = 0) -> Assignment:
        participation, _ = Participation.objects.get_or_create(
            study=query.study, juror=juror, defaults={"ordinal": ordinal}
        )
        now = timezone.now()
        return Assignment.objects.create(
            participation=participation,
            query=query,
            position=query.ordinal,
            claimed_at=now,
            lease_expires_at=now,
        )

    return make


@pytest.fixture
def send() -> Callable[..., Submission]:
    """Cleans and stores what a browser sends, as the juror's page does."""

    def send(step: JurorStep, assignment: Assignment, item: str, **data: str) -> Submission:
        form = QueryDict(mutable=True)
        form.update(data)
        cleaned = step.clean(assignment=assignment, item=item, data=form)
        submission = Submission.objects.create(
            client_id=uuid.uuid4(),
            participation=assignment.participation,
            assignment=assignment,
            step=step.kind,
            item=item,
            payload=dict(cleaned),
        )
        step.store(submission=submission, cleaned=cleaned)
        return submission

    return send
