"""Reads of published records: what stands in one, and whether it still holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import QuerySet

from juries.models import Draw, Jury, PublishedRecord
from juries.selectors.draws import DrawInputs, quotas_as_json

RECORD_FORMAT = "venire-record-1"
RESULT_FORMAT = "venire-result-1"


@dataclass(frozen=True)
class Randomness:
    """The public value to come: who makes it, on which day, and how it will be written."""

    source: str
    date: date
    spelling: str = ""


def record_content(
    *,
    draw: Draw,
    number: int,
    earlier: Sequence[str],
    randomness: Randomness,
    counts_towards: Sequence[Sequence[int]] | None = None,
) -> dict[str, Any]:
    """The record of a draw as it is published; the same arguments give the same bytes.

    Chances are whole numbers of panels; those of the exact lottery are decimals in text, so that no
    number depends on how a program writes floats. `earlier` are the digests of all records of
    this jury before it. `counts_towards` (one list of places in `quotas` for each candidate) is
    left out unless given.
    """
    lottery, numbered = draw.record, draw.numbered
    candidates: list[str] = lottery["candidates"]
    seats = [0] * len(candidates)
    exact = [0] * len(candidates)
    for panel in numbered["panels"]:
        for place in panel:
            seats[place] += 1
    for panel, tickets in zip(lottery["panels"], lottery["tickets"], strict=True):
        for place in panel:
            exact[place] += tickets
    total = lottery["tickets_total"]
    content: dict[str, Any] = {
        "format": RECORD_FORMAT,
        "number": number,
        "earlier_records": list(earlier),
        "jury": lottery["jury"],
        "is_simulated": draw.jury.pool.is_simulated,
        "engine": lottery["engine"],
        "objective": draw.method,
        "is_proven": lottery["is_proven"],
        "smallest_chance": _decimal(lottery["smallest_chance"]),
        "lower_bound": _decimal(lottery["lower_bound"]),
        "upper_bound": _decimal(lottery["upper_bound"]),
        "gap": _decimal(lottery["gap"]),
        "size": lottery["size"],
        "household_limit": lottery["household_limit"],
        "must_not_sit": lottery["must_not_sit"],
        "pool_digest": lottery["pool_digest"],
        "quotas": lottery["quotas"],
        "candidates": candidates,
        "panels": numbered["panels"],
        "chances": seats,
        "exact_chances": [_decimal(held / total) for held in exact],
        "largest_shift": _decimal(numbered["largest_shift"]),
        "exceeding": numbered["exceeding"],
        "randomness": {
            "source": randomness.source,
            "date": randomness.date.isoformat(),
            "spelling": randomness.spelling,
        },
    }
    if lottery.get("must_sit"):
        content["must_sit"] = lottery["must_sit"]
    if counts_towards is not None:
        content["counts_towards"] = [list(places) for places in counts_towards]
    return content


def _decimal(number: float | None) -> str | None:
    return None if number is None else f"{number:.9f}"


def result_content(
    *, record: PublishedRecord, content: Mapping[str, Any], public_value: str, panel: int
) -> dict[str, Any]:
    """What a public value drew from a record."""
    return {
        "format": RESULT_FORMAT,
        "jury": content["jury"],
        "record": record.digest,
        "public_value": public_value,
        "panel": panel,
        "members": [content["candidates"][place] for place in content["panels"][panel]],
    }


def quota_membership(*, draw: Draw, inputs: DrawInputs) -> list[list[int]]:
    """For each candidate of a draw, the places in its quotas that she counts towards."""
    by_id = {profile.id: profile for profile in inputs.profiles}
    return [
        [place for place, quota in enumerate(inputs.quotas) if quota.admits(by_id[candidate])]
        for candidate in draw.record["candidates"]
    ]


def changes_since(*, draw: Draw, inputs: DrawInputs) -> list[str]:
    """What has changed since a draw's lottery was found, a sentence each; empty: nothing.

    Whoever had to sit out then stays out, also where her rest has ended since: otherwise the
    calendar alone would make a published record void. A seating rule that was taken off is a change
    all the same.
    """
    record = draw.record
    resting = tuple(record["must_not_sit"])
    newly = set(inputs.must_not_sit) - set(resting)
    if not newly and draw.run.input_digest == replace(inputs, must_not_sit=resting).digest:
        return []
    before, now = set(record["candidates"]), {profile.id for profile in inputs.profiles}
    changes = []
    if left := len(before - now):
        changes.append(f"{left} candidate{'s' if left > 1 else ''} can't be drawn any more.")
    if new := len(now - before):
        changes.append(f"{new} candidate{'s have' if new > 1 else ' has'} come into the pool.")
    if rests := len(newly - set(inputs.barred)):
        changes.append(
            f"{rests} candidate{'s have' if rests > 1 else ' has'} accepted a seat on another jury "
            f"and must sit out."
        )
    rules = _rule_changes(record=record, inputs=inputs, now=now)
    changes.extend(_quota_changes(before=record["quotas"], now=quotas_as_json(inputs.quotas)))
    if record["size"] != inputs.size:
        changes.append(f"The size of the jury was {record['size']} and is {inputs.size}.")
    if record["household_limit"] != inputs.household_limit:
        was, is_now = (
            "no limit" if limit is None else str(limit)
            for limit in (record["household_limit"], inputs.household_limit)
        )
        changes.append(f"The limit on people of one household was {was} and is {is_now}.")
    changes.extend(rules)
    if not changes and record["pool_digest"] != inputs.pool_digest:
        changes.append("Traits or households of candidates have changed.")
    if not changes and record["quotas"] == quotas_as_json(inputs.quotas):
        # All else is the same. The record doesn't tell those barred from those who rested.
        changes.append("The seating rules on who must not sit have changed.")
    return changes or ["Something that the lottery depends on has changed."]


def _rule_changes(*, record: Mapping[str, Any], inputs: DrawInputs, now: set[str]) -> list[str]:
    """Seating rules that came or went since a lottery was found, as far as its record tells."""
    seated, must_sit = set(record.get("must_sit", ())), set(inputs.must_sit)
    barred = set(inputs.barred) - set(record["must_not_sit"])
    counts = (
        (len(must_sit - seated), "must sit by a new seating rule"),
        (len((seated - must_sit) & now), "had to sit, and the seating rule is gone"),
        (len(barred), "must not sit by a new seating rule"),
    )
    return [f"{n} candidate{'s' * (n > 1)} {words}." for n, words in counts if n]


def _quota_changes(
    *, before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> list[str]:
    def bounds(quotas: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        return {
            " and ".join(f"{feature}: {value}" for feature, value in quota["traits"]): (
                f"{quota['minimum']} to {quota['maximum']}"
            )
            for quota in quotas
        }

    old, new = bounds(before), bounds(now)
    return [
        *(
            f"The quota of {label} was {old[label]} and is {new[label]}."
            for label in old
            if label in new and old[label] != new[label]
        ),
        *(f"The quota of {label} is gone." for label in old if label not in new),
        *(f"A quota of {label} was added." for label in new if label not in old),
    ]


def records_of(*, jury: Jury) -> QuerySet[PublishedRecord]:
    """Every record that was ever published for a jury, in order, without the long texts."""
    return (
        PublishedRecord.objects.filter(jury=jury)
        .select_related("draw")
        .defer("content", "result", "draw__record", "draw__numbered")
        .order_by("number")
    )


@dataclass(frozen=True)
class OwnChance:
    """A candidate's part in a draw by a public record.

    `numbers` are the panels that she sits on, of `panels`; `average` is the size over the number
    of candidates.
    """

    probability: float
    in_words: str
    limit: str
    is_drawn: bool
    average: float
    numbers: tuple[int, ...]
    panels: int

    @property
    def average_in_words(self) -> str:
        """Percent."""
        return f"{self.average:.1%}"


def own_chance(*, draw: Draw, code: str) -> OwnChance | None:
    """The part of the candidate with this public id; None where the draw has nobody of it."""
    chance = draw.chances.filter(candidate__public_id=code).first()
    if chance is None:
        return None
    candidates: list[str] = draw.record["candidates"]
    place = candidates.index(code) if code in candidates else -1
    panels = draw.numbered.get("panels", [])
    return OwnChance(
        probability=chance.probability,
        in_words=chance.in_words,
        limit=chance.limit,
        is_drawn=chance.is_drawn,
        average=draw.size / draw.chances.count(),
        numbers=tuple(number for number, members in enumerate(panels) if place in members),
        panels=len(panels),
    )


def lottery_as_json(*, draw: Draw) -> dict[str, Any]:
    """A draw's lottery for programs: chances and panels by public id, bounds, seconds.

    `weights` and `panels` stand in the same order; weights add up to 1.
    """
    record = draw.record
    candidates: list[str] = record["candidates"]
    total = record["tickets_total"]
    held = [0] * len(candidates)
    for panel, tickets in zip(record["panels"], record["tickets"], strict=True):
        for place in panel:
            held[place] += tickets
    return {
        "objective": draw.method,
        "probabilities": {
            candidate: tickets / total for candidate, tickets in zip(candidates, held, strict=True)
        },
        "panels": [[candidates[place] for place in panel] for panel in record["panels"]],
        "weights": [tickets / total for tickets in record["tickets"]],
        "smallest_chance": draw.smallest_chance,
        "is_proven": record.get("is_proven"),
        "lower_bound": draw.lower_bound,
        "upper_bound": draw.upper_bound,
        "gap": draw.gap,
        "seconds": draw.seconds,
        "seed": draw.seed or None,
        "engine": record["engine"],
    }
