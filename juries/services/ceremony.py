"""A draw in public: a record is published, a value that the world makes later picks the panel.

The states are those of `PublishedRecord`. Once published, a record never changes: it is drawn by
its public value, or it is declared void with a reason and stays on the list. What it was made from
must still be so when the value is entered; else it is void, and a new lottery has to be published.
"""

import hashlib
import json
from datetime import date

from django.db import transaction
from django.utils import timezone

from juries.domain.beacon import UnusableValue, normalised_value, panel_number
from juries.models import Draw, Jury, PublishedRecord, User
from juries.selectors.draws import canonical_json, digest_of, draw_inputs
from juries.selectors.records import (
    Randomness,
    changes_since,
    quota_membership,
    record_content,
    result_content,
)
from juries.services.audit import record_act
from juries.services.draws import reason_not_to_draw
from juries.services.seating import reason_against_seats, seat_panel


class CeremonyRefused(Exception):
    """A step of the ceremony can't be taken; the message says why and what to do."""


@transaction.atomic
def publish_record(
    *,
    draw: Draw,
    randomness: Randomness,
    today: date,
    with_quota_membership: bool = False,
    actor: User | None = None,
) -> PublishedRecord:
    """Show the public a lottery, and the source of the value that will pick its panel.

    Args:
        draw: a lottery that was found for this purpose.
        randomness: the source, its day (today or later) and how its value will be written.
        today: the day on which this happens.
        with_quota_membership: also say which quotas each public id counts towards.
        actor: who publishes.

    Raises:
        CeremonyRefused: the draw is one with a seed, the source has no name or lies in the past,
            the jury was drawn or has a record in force, or its pool or quotas have changed.
    """
    jury = Jury.objects.select_for_update().get(pk=draw.jury_id)
    draw = Draw.objects.select_for_update().select_related("run", "jury__pool").get(pk=draw.pk)
    if draw.mode != Draw.Mode.RECORD:
        raise CeremonyRefused(
            "This draw picked its panel with a seed; a record can be published only of a lottery "
            "that waits for a public value. Ask for a draw in public."
        )
    randomness = _checked(randomness, today=today)
    reason = reason_not_to_draw(jury=jury)
    if reason:
        raise CeremonyRefused(reason)
    inputs = draw_inputs(jury=jury)
    changes = changes_since(draw=draw, inputs=inputs)
    if changes:
        raise CeremonyRefused(
            f"This lottery doesn't hold any more: {' '.join(changes)} Find a new one."
        )
    earlier = list(jury.published_records.order_by("number").values_list("digest", flat=True))
    content = record_content(
        draw=draw,
        number=len(earlier) + 1,
        earlier=earlier,
        randomness=randomness,
        counts_towards=(
            quota_membership(draw=draw, inputs=inputs) if with_quota_membership else None
        ),
    )
    record = PublishedRecord.objects.create(
        draw=draw,
        jury=jury,
        number=len(earlier) + 1,
        content=canonical_json(content).decode(),
        digest=digest_of(content),
        source=randomness.source,
        source_date=randomness.date,
        spelling=randomness.spelling,
        shows_membership=with_quota_membership,
        published_at=timezone.now(),
        published_by=actor,
    )
    if draw.published_at is None:
        draw.published_at = record.published_at
        draw.save(update_fields=["published_at"])
    record_act(
        actor=actor,
        verb="published a record",
        subject=jury,
        details={"record": record.number, "digest": record.digest, "source": record.source},
    )
    return record


def _checked(randomness: Randomness, *, today: date) -> Randomness:
    source, spelling = " ".join(randomness.source.split()), " ".join(randomness.spelling.split())
    if not source:
        raise CeremonyRefused(
            "Name the source of the public value, such as “ten dice rolled in the town hall”."
        )
    for label, text in (("source", source), ("spelling", spelling)):
        if len(text) > 300:
            raise CeremonyRefused(f"The {label} has {len(text)} characters; at most 300 are kept.")
    if randomness.date < today:
        raise CeremonyRefused(
            f"The source is dated {randomness.date.isoformat()}, and that is over: its value may "
            "be known already. Name one that is still to come."
        )
    return Randomness(source=source, date=randomness.date, spelling=spelling)


@transaction.atomic
def void_record(
    *, record: PublishedRecord, reason: str, actor: User | None = None
) -> PublishedRecord:
    """Take a record out of force before it is drawn. It stays public, with the reason.

    Raises:
        CeremonyRefused: no reason is given, or the record was drawn or is void already.
    """
    locked = _lock(record)
    if not reason.strip():
        raise CeremonyRefused("Say why the record is void; the public reads the reason.")
    _void(locked, reason=reason.strip(), actor=actor)
    return locked


def enter_value(
    *, record: PublishedRecord, value: str, today: date, actor: User | None = None
) -> PublishedRecord:
    """Draw the panel that a public value picks from a record, and seat it.

    Where the pool or the quotas have changed since, nobody is drawn: the record becomes void, which
    says what has changed, and that the value had been entered.

    Raises:
        CeremonyRefused: the record is drawn or void, its source lies in the future, the value can't
            be read, a seat was invited, or things have changed.
    """
    try:
        public_value = normalised_value(value)
    except UnusableValue as problem:
        raise CeremonyRefused(str(problem)) from problem
    with transaction.atomic():
        locked = _lock(record)
        if today < locked.source_date:
            raise CeremonyRefused(
                f"The source is dated {locked.source_date.isoformat()}; its value can't be known "
                f"on {today.isoformat()}."
            )
        reason = reason_against_seats(jury=locked.jury)
        if reason:
            raise CeremonyRefused(reason)
        changes = changes_since(draw=locked.draw, inputs=draw_inputs(jury=locked.jury))
        if not changes:
            return _draw(locked, public_value=public_value, actor=actor)
        said = (
            f"{' '.join(changes)} This was found when the value “{public_value}” was entered; "
            "nobody was drawn."
        )
        locked.public_value = public_value
        _void(locked, reason=said, actor=actor)
    raise CeremonyRefused(
        f"Record {locked.number} doesn't hold any more and is void: {' '.join(changes)} Find a "
        "new lottery and publish its record; the public sees both."
    )


def _lock(record: PublishedRecord) -> PublishedRecord:
    """The row as it is now, held until the transaction ends, if it still waits."""
    Jury.objects.select_for_update().get(pk=record.jury_id)
    locked = PublishedRecord.objects.select_related("draw__run", "jury__pool").get(pk=record.pk)
    if locked.state == PublishedRecord.State.DRAWN:
        raise CeremonyRefused(
            f"Record {locked.number} was drawn with the value “{locked.public_value}”; the panel "
            f"is number {locked.panel_number}. That stands."
        )
    if locked.state == PublishedRecord.State.VOID:
        raise CeremonyRefused(
            f"Record {locked.number} is void: {locked.void_reason} Publish a new record."
        )
    return locked


def _void(record: PublishedRecord, *, reason: str, actor: User | None) -> None:
    record.voided_at = timezone.now()
    record.void_reason = reason
    record.save(update_fields=["voided_at", "void_reason", "public_value"])
    record_act(
        actor=actor,
        verb="declared a record void",
        subject=record.jury,
        details={"record": record.number, "digest": record.digest, "reason": reason},
    )


def _draw(record: PublishedRecord, *, public_value: str, actor: User | None) -> PublishedRecord:
    content = json.loads(record.content)
    if hashlib.sha256(record.content.encode()).hexdigest() != record.digest:
        raise CeremonyRefused(
            f"The stored text of record {record.number} isn't the one that was published: its "
            "SHA-256 differs. Somebody changed the database; nothing can be drawn from it."
        )
    number = panel_number(
        record_digest=record.digest, public_value=public_value, panels=len(content["panels"])
    )
    result = result_content(record=record, content=content, public_value=public_value, panel=number)
    record.public_value = public_value
    record.panel_number = number
    record.result = canonical_json(result).decode()
    record.result_digest = digest_of(result)
    record.drawn_at = timezone.now()
    record.drawn_by = actor
    record.save(
        update_fields=[
            "public_value", "panel_number", "result", "result_digest", "drawn_at", "drawn_by",
        ]
    )  # fmt: skip
    seat_panel(draw=record.draw, candidate_ids=result["members"])
    record_act(
        actor=actor,
        verb="drew in public",
        subject=record.jury,
        details={"record": record.number, "digest": record.digest, "panel": number},
    )
    return record
