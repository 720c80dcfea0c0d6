"""Ranking: all responses to a query from best to worst, without saying who gave them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import QueryDict

from annotations.domain.rankings import competition_places
from annotations.models import Assignment, Ranking, Response, Submission
from annotations.ports import StepProblem
from annotations.selectors.work import protocol, responses_in_order

FIELD = "place_"
ERROR = "order"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A response in the list: its field, and what it goes by on the page."""

    name: str
    letter: str
    response: Response


class RankingStep:
    """One page with all responses in this juror's order; where each stood is kept with its place.

    Nothing counts as ordered until she has said so: the order in which they are shown is no answer.
    """

    kind: ClassVar[str] = "ranking"
    label: ClassVar[str] = "ranking of the responses, from best to worst"
    default_prompt: ClassVar[str] = "Put the responses in order, the best first."
    template_name: ClassVar[str] = "annotations/juror/steps/ranking.html"

    def items(self, *, assignment: Assignment) -> Sequence[str]:
        """One page; none with fewer than two responses."""
        return ("",) if len(responses_in_order(assignment=assignment)) > 1 else ()

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """The page, once every response has a place."""
        said = self._said(assignment)
        shown = responses_in_order(assignment=assignment)
        return frozenset({""}) if shown and all(row.pk in said for row in shown) else frozenset()

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """The responses as shown to her, each with a letter, and the places that she gave."""
        rows = _rows(assignment)
        said = self._said(assignment)
        return {
            "rows": rows,
            "places": [str(place) for place in range(1, len(rows) + 1)],
            "allows_ties": _allows_ties(assignment),
            "values": {
                row.name: str(said[row.response.pk].place)
                for row in rows
                if row.response.pk in said
            },
        }

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:  # noqa: ARG002 - the Protocol's
        """A place for every response of this query; each its own unless the study allows ties."""
        rows = _rows(assignment)
        known = {row.name for row in rows}
        if any(name.startswith(FIELD) and name not in known for name in data):
            raise StepProblem({ERROR: "One of these responses does not belong to the question."})
        legal = {str(place) for place in range(1, len(rows) + 1)}
        given = {row.letter: data.get(row.name, "") for row in rows}
        missing = [letter for letter, place in given.items() if not place]
        if missing:
            raise StepProblem({ERROR: _without_place(missing, len(rows))})
        wrong = [letter for letter, place in given.items() if place not in legal]
        if wrong:
            raise StepProblem({ERROR: f"Please choose places from 1 to {len(rows)}."})
        numbers = [int(place) for place in given.values()]
        if not _allows_ties(assignment) and len(set(numbers)) < len(numbers):
            raise StepProblem({ERROR: _shared(given)})
        places = competition_places(numbers=numbers)
        return {
            "places": {
                str(row.response.pk): place for row, place in zip(rows, places, strict=True)
            },
            "shown": [row.response.pk for row in rows],
        }

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append her order, superseding the whole order before."""
        before = self._said(submission.assignment)
        places = {int(pk): place for pk, place in cleaned["places"].items()}
        if {pk: row.place for pk, row in before.items()} == places:
            return
        Ranking.objects.filter(pk__in=[row.pk for row in before.values()]).update(is_current=False)
        Ranking.objects.bulk_create(
            Ranking(
                juror_id=submission.participation.juror_id,
                response_id=pk,
                place=places[pk],
                shown=shown,
                submission=submission,
                created_at=submission.received_at,
            )
            for shown, pk in enumerate(cleaned["shown"], start=1)
        )

    def _said(self, assignment: Assignment) -> dict[int, Ranking]:
        return {
            row.response_id: row
            for row in Ranking.objects.filter(
                juror_id=assignment.participation.juror_id,
                response__query_id=assignment.query_id,
                is_current=True,
            )
        }


def _rows(assignment: Assignment) -> tuple[RankedRow, ...]:
    return tuple(
        RankedRow(
            name=f"{FIELD}{response.public_id.hex}",
            letter=ALPHABET[place] if place < len(ALPHABET) else str(place + 1),
            response=response,
        )
        for place, response in enumerate(responses_in_order(assignment=assignment))
    )


def _allows_ties(assignment: Assignment) -> bool:
    steps = protocol(study=assignment.participation.study)
    return any(row.allows_ties for row, step in steps if step.kind == RankingStep.kind)


def _without_place(letters: Sequence[str], count: int) -> str:
    if len(letters) == count:
        return "Please put the responses in order, or say that the order is right as it stands."
    if len(letters) == 1:
        return f"Response {letters[0]} has no place yet."
    return f"Responses {', '.join(letters[:-1])} and {letters[-1]} have no place yet."


def _shared(given: Mapping[str, str]) -> str:
    by_place: dict[str, list[str]] = {}
    for letter, place in given.items():
        by_place.setdefault(place, []).append(letter)
    place, letters = next((p, who) for p, who in sorted(by_place.items()) if len(who) > 1)
    return (
        f"Responses {', '.join(letters[:-1])} and {letters[-1]} share place {place}. "
        "Please give each response a place of its own."
    )
