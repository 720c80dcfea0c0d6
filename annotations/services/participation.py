"""A juror's way through a study: joining, consent, questions, instructions, the end."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from annotations.models import Participation, ProfileQuestion, ProfileReply, Study
from annotations.selectors import work
from annotations.selectors.quiz import quiz_is_open
from juries.models import Seat
from juries.services.invitations import accept_seat


class StudyNotOpen(Exception):
    """Jurors can't work on the study; the message says why."""


class ConsentOutdated(Exception):
    """She agreed to a text that has been replaced since her page was made."""


class UnansweredQuestions(Exception):
    """A required question about the juror has no reply. `keys` names them."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(f"Not answered: {', '.join(keys)}.")
        self.keys = keys


@transaction.atomic
def join_study(*, seat: Seat, study: Study) -> Participation:
    """The seat's participation in a study of its jury; made on the first call.

    Jurors are numbered in the order in which they join, which balances the order of queries.

    Raises:
        StudyNotOpen: it is a draft, closed before she joined, or put before another jury.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    known = Participation.objects.filter(study=locked, juror_id=seat.juror_id).first()
    if known is not None:
        return known
    if locked.jury_id != seat.jury_id:
        raise StudyNotOpen("This study is put before another jury.")
    if locked.state != Study.State.OPEN:
        raise StudyNotOpen("This study is not open.")
    last = locked.participations.aggregate(last=Max("ordinal"))["last"]
    return Participation.objects.create(
        study=locked, juror_id=seat.juror_id, ordinal=0 if last is None else last + 1
    )


@transaction.atomic
def record_consent(*, participation: Participation, version: str, now: datetime) -> Participation:
    """Write down that she agreed, and to which version; with that she takes her seat.

    Raises:
        ConsentOutdated: the text has a newer version than the one she saw.
        StudyNotOpen: the study has closed.
    """
    locked = _locked(participation)
    _refuse_unless_open(locked.study)
    if version != locked.study.consent_version:
        raise ConsentOutdated("The text has been changed in the meantime. Please read it again.")
    states = Participation.State
    locked.consented_at = now
    locked.consent_version = version
    if locked.state in (states.STARTED, states.REFUSED):
        had_begun = bool(locked.instructions_read_at) and not quiz_is_open(participation=locked)
        locked.state = states.WORKING if had_begun else states.CONSENTED
    locked.save()
    accept_seat(seat=locked.juror.seat)
    return locked


@transaction.atomic
def refuse_consent(*, participation: Participation) -> Participation:
    """Write down that she did not agree. What she said under an earlier consent stays."""
    locked = _locked(participation)
    locked.state = Participation.State.REFUSED
    locked.save(update_fields=("state", "last_seen_at"))
    return locked


@transaction.atomic
def record_profile(*, participation: Participation, replies: Mapping[str, str]) -> None:
    """Keep what she said about herself, by the question's key; "" for a skipped question.

    A changed reply supersedes the one before it.

    Raises:
        UnansweredQuestions: a required one is blank or missing.
        StudyNotOpen: the study has closed.
    """
    locked = _locked(participation)
    _refuse_unless_open(locked.study)
    questions = list(ProfileQuestion.objects.filter(study_id=locked.study_id))
    refuse_unanswered(questions=questions, replies=replies)
    said = {question.pk: replies.get(question.key, "").strip() for question in questions}
    before = work.profile_replies(participation=locked)
    changed = [pk for pk, value in said.items() if before.get(pk) != value]
    ProfileReply.objects.filter(
        participation=locked, question_id__in=changed, is_current=True
    ).update(is_current=False)
    ProfileReply.objects.bulk_create(
        ProfileReply(participation=locked, question_id=pk, value=said[pk]) for pk in changed
    )


def refuse_unanswered(*, questions: Iterable[ProfileQuestion], replies: Mapping[str, str]) -> None:
    """See that every required question has a reply.

    Raises:
        UnansweredQuestions: one is blank or missing.
    """
    missing = [q.key for q in questions if q.is_required and not replies.get(q.key, "").strip()]
    if missing:
        raise UnansweredQuestions(missing)


@transaction.atomic
def read_instructions(*, participation: Participation, now: datetime) -> Participation:
    """Write down that she has read the instructions; a quiz may still stand before the work."""
    locked = _locked(participation)
    if locked.state == Participation.State.CONSENTED and locked.instructions_read_at is None:
        locked.instructions_read_at = now
        locked.save()
    return locked


@transaction.atomic
def begin_work(*, participation: Participation, now: datetime) -> Participation:
    """Write down that nothing stands before the work any more, and that she begins."""
    locked = _locked(participation)
    if locked.state == Participation.State.CONSENTED:
        locked.state = Participation.State.WORKING
        locked.instructions_read_at = locked.instructions_read_at or now
        locked.save()
    return locked


@transaction.atomic
def finish(*, participation: Participation, now: datetime) -> Participation:
    """Write down that there is nothing left for her to do."""
    locked = _locked(participation)
    if locked.state == Participation.State.WORKING:
        locked.state = Participation.State.FINISHED
        locked.finished_at = now
        locked.save()
    return locked


def _locked(participation: Participation) -> Participation:
    return (
        Participation.objects.select_for_update(of=("self",))
        .select_related("study", "juror__seat")
        .get(pk=participation.pk)
    )


def _refuse_unless_open(study: Study) -> None:
    if study.state != Study.State.OPEN:
        raise StudyNotOpen("This study has closed. What you have sent is kept.")
