"""What becomes of a juror's work when she withdraws."""

from datetime import datetime

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from annotations.models import (
    Arrival,
    Assignment,
    Choice,
    Export,
    Highlight,
    Opinion,
    Participation,
    Preference,
    ProfileReply,
    Query,
    QuizReply,
    Ranking,
    Rating,
    Reason,
    Submission,
)
from juries.models import Juror


@transaction.atomic
def erase_said(*, juror: Juror, erase_said: bool) -> None:
    """End a juror's work in every study; if she asks, delete all that she said there.

    Named in `settings.WITHDRAWAL_HOOKS`. Places that she held and did not fill are given back; with
    the erasure, those that she filled too, so that others can be asked. Exports that were made of
    her answers are marked as stale.
    """
    states = Assignment.State
    assignments = Assignment.objects.filter(participation__juror=juror)
    _give_back(assignments.filter(state=states.CLAIMED), "claimed_count")
    if not erase_said:
        assignments.filter(state=states.CLAIMED).update(state=states.RELEASED)
    else:
        completed = assignments.filter(state=states.COMPLETED)
        _give_back(completed, "claimed_count")
        _give_back(completed, "completed_count")
        _mark_exports(juror=juror, now=timezone.now())
        for said in (Rating, Preference, Ranking, Highlight, Choice, Opinion, Reason):
            said.objects.filter(juror=juror).delete()
        Submission.objects.filter(participation__juror=juror).delete()
        ProfileReply.objects.filter(participation__juror=juror).delete()
        QuizReply.objects.filter(participation__juror=juror).delete()
        # The group says what she said of herself.
        Arrival.groups.through.objects.filter(arrival__participation__juror=juror).delete()
        assignments.delete()
    Participation.objects.filter(juror=juror).update(state=Participation.State.WITHDRAWN)
    if erase_said:
        Participation.objects.filter(juror=juror).update(next_position=0, completed_count=0)


def _give_back(assignments: models.QuerySet[Assignment], count: str) -> None:
    Query.objects.filter(pk__in=assignments.values("query")).update(**{count: F(count) - 1})


def _mark_exports(*, juror: Juror, now: datetime) -> None:
    Export.objects.filter(study__participations__juror=juror, stale_since=None).update(
        stale_since=now
    )
