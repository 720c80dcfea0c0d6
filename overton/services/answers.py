"""The distinct positions on a query: proposed, accepted, merged, rejected, excluded.

What was said of an answer stays on that answer for good. When it is merged into another, its
judgements and labels *count* for that other by one rule, applied where rows are read
(`overton.selectors.said`): what a person said of the answer itself comes first; where she said
nothing of it, the newest of what she said of the answers merged into it. Splitting a merged answer
off again therefore brings everything back as it was. `AnswerMerge` rows keep who did what and why.
"""

import uuid

from django.db import transaction
from django.utils import timezone

from annotations.models import Opinion, Query, Submission
from juries.models import Juror, User
from juries.services.audit import record_act
from overton.models import Answer, AnswerMerge, DuplicateScore, Exclusion
from overton.selectors.merging import REWORDED, PairScores, scores_of, standing_for

TAKEN_BACK = "Taken back by the juror."


class AnswerRefused(ValueError):
    """What was asked of an answer can't be done; the message says why and what to do."""


def _cleaned(text: str) -> str:
    text = text.strip()
    if not text:
        raise AnswerRefused("An answer needs words: a position in a sentence or two.")
    return text


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise AnswerRefused("Give the reason; it stands beside the answer for good.")
    if len(reason) > 300:
        raise AnswerRefused(f"The reason has {len(reason)} characters; at most 300 are kept.")
    return reason


@transaction.atomic
def add_answer(
    *,
    query: Query,
    text: str,
    external_id: str = "",
    origin: str = Answer.Origin.EXPERT,
    actor: User | None = None,
) -> Answer:
    """Put a new answer before the jury.

    Raises:
        AnswerRefused: no text, or an `external_id` that the query has already.
    """
    name = external_id.strip() or f"answer-{uuid.uuid4().hex[:12]}"
    if Answer.objects.filter(query=query, external_id=name).exists():
        raise AnswerRefused(
            f"The query {query.external_id} already has an answer with the id {name}."
        )
    answer = Answer.objects.create(
        query=query,
        external_id=name,
        text=_cleaned(text),
        origin=origin,
        state=Answer.State.ACCEPTED,
    )
    record_act(actor=actor, verb="added", subject=answer)
    return answer


@transaction.atomic
def reword_answer(*, answer: Answer, text: str, actor: User | None = None) -> Answer:
    """Change the words of an answer of which nobody has said anything yet.

    Raises:
        AnswerRefused: no text, or somebody has judged it or labelled a response by it.
    """
    locked = Answer.objects.select_for_update().get(pk=answer.pk)
    text = _cleaned(text)
    if locked.text == text:
        return locked
    said = locked.judgements.count() + locked.expression_labels.count()
    if said:
        raise AnswerRefused(
            f"People have judged or labelled “{locked}” {said} times by the words that it has. Add "
            "an answer with the new words, and merge this one into it if they mean the same."
        )
    before = locked.text
    locked.text = text
    locked.save(update_fields=["text"])
    # What a judge read, of responses and of the other answers, was read of the earlier words.
    locked.pair_readings.all().delete()
    DuplicateScore.objects.filter(first=locked).delete()
    DuplicateScore.objects.filter(second=locked).delete()
    record_act(actor=actor, verb="reworded", subject=locked, details={"before": before})
    return locked


@transaction.atomic
def propose_answer(
    *, juror: Juror, query: Query, text: str, submission: Submission | None = None
) -> Answer | None:
    """Keep the view that a juror misses, or take back the one that she proposed before.

    As long as a researcher has not decided, new words supersede her earlier ones: the old row
    stays, merged into the new. Empty words take the earlier proposal back. Once it was accepted,
    merged or rejected, her next words are a new proposal.

    Returns:
        The proposal that stands; None where there is none.
    """
    text = text.strip()
    waiting = (
        Answer.objects.select_for_update()
        .filter(
            query=query,
            proposed_by=juror,
            state=Answer.State.PROPOSED,
            origin=Answer.Origin.JUROR,
        )
        .order_by("-id")
        .first()
    )
    if waiting is not None and waiting.text == text:
        return waiting
    if not text:
        if waiting is not None:
            waiting.state = Answer.State.REJECTED
            waiting.decision_reason = TAKEN_BACK
            waiting.save(update_fields=["state", "decision_reason"])
        return None
    decided = (
        Answer.objects.filter(query=query, proposed_by=juror, text=text, origin=Answer.Origin.JUROR)
        .exclude(decision_reason__in=(TAKEN_BACK, REWORDED))
        .first()
    )
    if decided is not None and waiting is None:
        return decided
    proposal = Answer.objects.create(
        query=query,
        external_id=f"proposed-{uuid.uuid4().hex[:12]}",
        text=text,
        origin=Answer.Origin.JUROR,
        state=Answer.State.PROPOSED,
        proposed_by=juror,
        submission=submission,
    )
    if waiting is not None:
        waiting.state = Answer.State.MERGED
        waiting.merged_into = proposal
        waiting.decision_reason = REWORDED
        waiting.save(update_fields=["state", "merged_into", "decision_reason"])
        _note(
            act=AnswerMerge.Act.MERGED,
            answer=waiting,
            into=proposal,
            reason=REWORDED,
            state_before=Answer.State.PROPOSED,
        )
    return proposal


@transaction.atomic
def put_forward_opinion(*, opinion: Opinion, text: str, actor: User | None) -> Answer:
    """Make a juror's own answer to the query a proposal, which then waits like any other.

    What she wrote stays as it is; `text` may shorten it to the position that it takes.

    Raises:
        AnswerRefused: no text, words that she has since changed, or a view of hers that was put
            forward already.
    """
    text = _cleaned(text)
    Query.objects.select_for_update().get(pk=opinion.query_id)
    if not Opinion.objects.filter(pk=opinion.pk, is_current=True).exists():
        raise AnswerRefused("The juror has since changed her words; look at the new ones.")
    earlier = Answer.objects.filter(
        query_id=opinion.query_id, proposed_by_id=opinion.juror_id, origin=Answer.Origin.OPINION
    ).first()
    if earlier is not None:
        raise AnswerRefused(
            f"Her view was put forward already, as “{earlier}” ({earlier.get_state_display()})."
        )
    answer = Answer.objects.create(
        query_id=opinion.query_id,
        external_id=f"opinion-{uuid.uuid4().hex[:12]}",
        text=text,
        origin=Answer.Origin.OPINION,
        state=Answer.State.PROPOSED,
        proposed_by_id=opinion.juror_id,
        submission_id=opinion.submission_id,
    )
    record_act(
        actor=actor,
        verb="put forward",
        subject=answer,
        details={"in her own words": text == opinion.text.strip()},
    )
    return answer


@transaction.atomic
def accept_answer(*, answer: Answer, actor: User | None, reason: str = "") -> Answer:
    """Put a proposed, rejected or merged answer before the jury, as a position of its own."""
    locked = Answer.objects.select_for_update().get(pk=answer.pk)
    if locked.state == Answer.State.ACCEPTED:
        return locked
    before = locked.state
    if locked.merged_into is not None:
        _note(
            act=AnswerMerge.Act.SPLIT,
            answer=locked,
            into=locked.merged_into,
            reason=reason.strip()[:300],
            state_before=before,
            actor=actor,
        )
    locked.state = Answer.State.ACCEPTED
    locked.merged_into = None
    locked.decision_reason = reason.strip()[:300]
    locked.save(update_fields=["state", "merged_into", "decision_reason"])
    record_act(
        actor=actor, verb="accepted", subject=locked, details={"before": before, "reason": reason}
    )
    return locked


@transaction.atomic
def reject_answer(*, answer: Answer, reason: str, actor: User | None) -> Answer:
    """Take an answer from the jury, since it is no distinct position on the query.

    What was said of it is kept, and counts for nothing while it is rejected.

    Raises:
        AnswerRefused: no reason, or other answers were merged into this one.
    """
    reason = _reason(reason)
    locked = Answer.objects.select_for_update().get(pk=answer.pk)
    merged = locked.merged_answers.exclude(decision_reason=REWORDED).count()
    if merged:
        raise AnswerRefused(
            f"{merged} {'answer was' if merged == 1 else 'answers were'} merged into “{locked}”. "
            "Merge it into another, or accept those again first, so that what was said of them "
            "isn't lost with it."
        )
    before = locked.state
    if locked.merged_into is not None:
        _note(
            act=AnswerMerge.Act.SPLIT,
            answer=locked,
            into=locked.merged_into,
            reason=reason,
            state_before=before,
            actor=actor,
        )
    locked.state = Answer.State.REJECTED
    locked.merged_into = None
    locked.decision_reason = reason
    locked.save(update_fields=["state", "merged_into", "decision_reason"])
    record_act(
        actor=actor, verb="rejected", subject=locked, details={"before": before, "reason": reason}
    )
    return locked


@transaction.atomic
def merge_answer(*, answer: Answer, into: Answer, reason: str, actor: User | None) -> Answer:
    """Merge an answer into another that says the same; what was said of it counts for the other.

    Answers that were merged into it before come along: they still point to it, and what was said
    of them counts for whatever stands in the end.

    Raises:
        AnswerRefused: no reason, another query's answer, itself, a target that is not put to the
            jury (which also rules out circles), or one that is not excluded as this one is.
    """
    reason = _reason(reason)
    locked, target = _two(answer, into, "merged into itself")
    if target.state != Answer.State.ACCEPTED:
        end = standing_for(answer=target)
        way_out = (
            f"merge into “{end}” instead, into which it went."
            if end is not None and end.pk != locked.pk
            else "merge into an answer that is put to the jury."
        )
        raise AnswerRefused(f"“{target}” is {target.get_state_display()}; {way_out}")
    if locked.merged_into is not None:
        raise AnswerRefused(
            f"“{locked}” is merged into “{locked.merged_into}” already; undo that first."
        )
    excluded = {row.answer_id: row.reason for row in Exclusion.objects.filter(answer=locked)}
    if excluded and not Exclusion.objects.filter(answer=target).exists():
        raise AnswerRefused(
            f"“{locked}” is excluded ({excluded[locked.pk]}), “{target}” is not. If they say the "
            "same, exclude both or neither, then merge."
        )
    before = locked.state
    scores = scores_of(answer=locked, other=target)
    _note(
        act=AnswerMerge.Act.MERGED,
        answer=locked,
        into=target,
        reason=reason,
        state_before=before,
        actor=actor,
        scores=scores,
    )
    locked.state = Answer.State.MERGED
    locked.merged_into = target
    locked.decision_reason = reason
    locked.save(update_fields=["state", "merged_into", "decision_reason"])
    record_act(
        actor=actor,
        verb="merged",
        subject=locked,
        details={"before": before, "into": str(target.public_id), "reason": reason},
    )
    return locked


@transaction.atomic
def split_answer(*, answer: Answer, reason: str, actor: User | None) -> Answer:
    """Undo a merge: the answer is again what it was before, with all that was said of it.

    Raises:
        AnswerRefused: no reason, an answer that is not merged, or one that the juror herself has
            worded anew.
    """
    reason = _reason(reason)
    locked = Answer.objects.select_for_update().get(pk=answer.pk)
    if locked.merged_into is None:
        raise AnswerRefused(
            f"“{locked}” is {locked.get_state_display()}; there is no merge to undo."
        )
    if locked.decision_reason == REWORDED:
        raise AnswerRefused(
            f"“{locked}” was worded anew by the juror who proposed it; her new words stand for it. "
            "Accept it if it is a position of its own."
        )
    merge = (
        locked.merges.filter(act=AnswerMerge.Act.MERGED, into=locked.merged_into)
        .order_by("-id")
        .first()
    )
    back = merge.state_before if merge is not None else ""
    _note(
        act=AnswerMerge.Act.SPLIT,
        answer=locked,
        into=locked.merged_into,
        reason=reason,
        state_before=Answer.State.MERGED,
        actor=actor,
    )
    from_id = str(locked.merged_into.public_id)
    # What it was is not known of merges from before there was a history.
    locked.state = Answer.State(back or Answer.State.ACCEPTED)
    locked.merged_into = None
    locked.decision_reason = reason
    locked.save(update_fields=["state", "merged_into", "decision_reason"])
    record_act(
        actor=actor,
        verb="split off",
        subject=locked,
        details={"from": from_id, "reason": reason, "now": locked.state},
    )
    return locked


@transaction.atomic
def keep_apart(*, answer: Answer, other: Answer, reason: str, actor: User | None) -> AnswerMerge:
    """Write down that two answers differ; they are not suggested as duplicates again.

    Raises:
        AnswerRefused: no reason, one answer twice, or answers to two queries.
    """
    reason = _reason(reason)
    one, two = _two(answer, other, "kept apart from itself")
    note = _note(
        act=AnswerMerge.Act.APART,
        answer=one,
        into=two,
        reason=reason,
        state_before=one.state,
        actor=actor,
        scores=scores_of(answer=one, other=two),
    )
    record_act(
        actor=actor,
        verb="kept apart",
        subject=one,
        details={"from": str(two.public_id), "reason": reason},
    )
    return note


def _two(answer: Answer, other: Answer, what: str) -> tuple[Answer, Answer]:
    """Both answers, locked in a fixed order, of one query."""
    if answer.pk == other.pk:
        raise AnswerRefused(f"An answer can't be {what}; choose another one.")
    rows = {
        row.pk: row
        for row in Answer.objects.select_for_update()
        .filter(pk__in=(answer.pk, other.pk))
        .order_by("pk")
    }
    locked, target = rows[answer.pk], rows[other.pk]
    if locked.query_id != target.query_id:
        raise AnswerRefused(
            f"“{target}” is an answer to another query. Answers are merged within one query."
        )
    return locked, target


def _note(
    *,
    act: str,
    answer: Answer,
    into: Answer,
    reason: str,
    state_before: str,
    actor: User | None = None,
    scores: PairScores | None = None,
) -> AnswerMerge:
    """Append a line to the history of merges."""
    return AnswerMerge.objects.create(
        answer=answer,
        into=into,
        act=act,
        reason=reason,
        state_before=state_before,
        forward=None if scores is None else scores.forward,
        backward=None if scores is None else scores.backward,
        judge="" if scores is None else scores.judge,
        actor=actor,
        created_at=timezone.now(),
    )


@transaction.atomic
def exclude_answer(*, answer: Answer, reason: str, actor: User | None) -> Exclusion:
    """Keep an answer out of the reasonable ones from above, whatever the jury says.

    A new reason replaces the one that stands; the audit log keeps both.

    Raises:
        AnswerRefused: no reason, or one that is too long.
    """
    reason = _reason(reason)
    exclusion, _ = Exclusion.objects.update_or_create(
        answer=answer, defaults={"reason": reason, "excluded_by": actor}
    )
    record_act(actor=actor, verb="excluded", subject=answer, details={"reason": reason})
    return exclusion


@transaction.atomic
def readmit_answer(*, answer: Answer, actor: User | None) -> None:
    """Lift an exclusion; nothing happens where there is none."""
    reasons = list(Exclusion.objects.filter(answer=answer).values_list("reason", flat=True))
    if reasons:
        Exclusion.objects.filter(answer=answer).delete()
        record_act(
            actor=actor, verb="readmitted", subject=answer, details={"was excluded for": reasons[0]}
        )
