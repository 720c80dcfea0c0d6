"""The words of a response that mattered: which spoke for it, which against it, or none."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import QueryDict

from annotations.domain.highlights import (
    AGAINST,
    FOR,
    KINDS,
    InvalidMarks,
    Mark,
    Span,
    checked_marks,
    sentences,
)
from annotations.models import Assignment, Highlight, Response, Submission
from annotations.ports import StepProblem
from annotations.selectors.work import responses_in_order

MARKS = "marks"
NOTHING = "nothing"
# A passage that is ticked: its kind and its characters in the field's name.
_TICKED = re.compile(rf"({'|'.join(KINDS)})_([0-9]{{1,9}})_([0-9]{{1,9}})")
# The same in the one field that the script fills, separated by white space.
_WRITTEN = re.compile(rf"({'|'.join(KINDS)}):([0-9]{{1,9}})-([0-9]{{1,9}})")

Said = frozenset[tuple[str, int | None, int | None]]


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage in the list: a sentence, or words inside one that she has marked.

    Attributes:
        start, end: its characters in the response's text.
        text: its words.
        for_name, against_name: names of its boxes.
        is_for, is_against: it is marked so as things stand.
        is_part: words inside a sentence.
    """

    start: int
    end: int
    text: str
    for_name: str
    against_name: str
    is_for: bool
    is_against: bool
    is_part: bool


class HighlightStep:
    """A page for each response, in this juror's order. Sources stay unnamed.

    Offsets are made on the server: of the boxes beside the sentences, and of the words that the
    script lets her pick. A browser sends them back and never counts characters itself.
    """

    kind: ClassVar[str] = "highlight"
    label: ClassVar[str] = "words that mattered in each response"
    default_prompt: ClassVar[str] = "Which words mattered for your judgement?"
    template_name: ClassVar[str] = "annotations/juror/steps/highlight.html"

    def items(self, *, assignment: Assignment) -> Sequence[str]:
        """Public ids of the query's responses that have words in them."""
        return [
            str(response.public_id)
            for response in responses_in_order(assignment=assignment)
            if response.text.strip()
        ]

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """Responses in which she marked words, or said that nothing stood out."""
        said = set(
            Highlight.objects.filter(
                juror_id=assignment.participation.juror_id,
                response__query_id=assignment.query_id,
                is_current=True,
            )
            .order_by()
            .values_list("response_id", flat=True)
        )
        return frozenset(
            str(response.public_id)
            for response in responses_in_order(assignment=assignment)
            if response.pk in said
        )

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:
        """The response, its sentences with their boxes, and what she marked."""
        responses = responses_in_order(assignment=assignment)
        response = _response(assignment, item)
        said = _current(assignment.participation.juror_id, response.pk)
        marks = [
            Mark(start, end, kind)
            for kind, start, end in said
            if start is not None and end is not None
        ]
        return {
            "response": response,
            "number": responses.index(response) + 1,
            "count": len(responses),
            "kinds": (
                (FOR, Highlight.Kind.FOR.label, "f", "+"),
                (AGAINST, Highlight.Kind.AGAINST.label, "a", "−"),
            ),
            "rows": tuple(_rows(response.text, marks)),
            "marked": " ".join(f"{m.kind}:{m.start}-{m.end}" for m in sorted(marks)),
            "is_nothing": bool(said) and not marks,
            "values": {"said": "yes"} if said else {},
        }

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:
        """Passages of this response, joined; or that nothing stood out. Empty takes both back."""
        response = _response(assignment, item)
        is_nothing = data.get(NOTHING, "") == "yes"
        try:
            marks = checked_marks(text=response.text, marks=_sent(data))
        except InvalidMarks as problem:
            raise StepProblem({MARKS: str(problem)}) from problem
        if marks and is_nothing:
            raise StepProblem(
                {
                    MARKS: "You marked words and said that nothing stood out. "
                    "Please keep one of the two."
                }
            )
        if not (marks or is_nothing) and not _current(
            assignment.participation.juror_id, response.pk
        ):
            raise StepProblem(
                {MARKS: "Please mark the words that mattered, or say that nothing stood out."}
            )
        return {
            "response": response.pk,
            "marks": [[mark.kind, mark.start, mark.end] for mark in marks],
            "is_nothing": is_nothing,
        }

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append her marks in a response, superseding all those before."""
        juror_id = submission.participation.juror_id
        said: Said = frozenset((kind, start, end) for kind, start, end in cleaned["marks"])
        if cleaned["is_nothing"]:
            said = frozenset({(str(Highlight.Kind.NOTHING), None, None)})
        before = _current(juror_id, cleaned["response"])
        if before == said:
            return
        if before:
            Highlight.objects.filter(
                juror_id=juror_id, response_id=cleaned["response"], is_current=True
            ).update(is_current=False)
        Highlight.objects.bulk_create(
            Highlight(
                juror_id=juror_id,
                response_id=cleaned["response"],
                kind=kind,
                start=start,
                end=end,
                submission=submission,
                created_at=submission.received_at,
            )
            for kind, start, end in sorted(said, key=lambda row: row[1] or 0)
        )


def _rows(text: str, marks: Sequence[Mark]) -> Iterator[PassageRow]:
    """The sentences; below each those marks in it that are no whole sentences.

    A mark that is a run of whole sentences shows as their boxes; any other keeps a row of its own,
    so that what was marked word by word can be seen and taken back sentence by sentence.
    """
    spans = sentences(text=text)
    ticked = {
        mark: tuple(span for span in spans if mark.start <= span.start and span.end <= mark.end)
        for mark in marks
    }
    whole = {
        mark
        for mark, inside in ticked.items()
        if inside and (inside[0].start, inside[-1].end) == (mark.start, mark.end)
    }
    kinds = {span: mark.kind for mark in whole for span in ticked[mark]}
    parts = sorted(set(marks) - whole)
    for number, span in enumerate(spans):
        yield _row(text, span, kinds.get(span, ""), is_part=False)
        following = spans[number + 1].start if number + 1 < len(spans) else len(text) + 1
        while parts and parts[0].start < following:
            mark = parts.pop(0)
            yield _row(text, Span(mark.start, mark.end), mark.kind, is_part=True)
    for mark in parts:
        yield _row(text, Span(mark.start, mark.end), mark.kind, is_part=True)


def _row(text: str, span: Span, kind: str, *, is_part: bool) -> PassageRow:
    where = f"{span.start}_{span.end}"
    return PassageRow(
        start=span.start,
        end=span.end,
        text=text[span.start : span.end],
        for_name=f"{FOR}_{where}",
        against_name=f"{AGAINST}_{where}",
        is_for=kind == FOR,
        is_against=kind == AGAINST,
        is_part=is_part,
    )


def _sent(data: QueryDict) -> Iterator[Mark]:
    """The passages that were ticked or written, as they were sent."""
    for name in data:
        if ticked := _TICKED.fullmatch(name):
            yield Mark(int(ticked[2]), int(ticked[3]), ticked[1])
        elif name.startswith(tuple(f"{kind}_" for kind in KINDS)):
            raise InvalidMarks(f"{name!r} is no passage of this response. Please mark it again.")
    for word in " ".join(data.getlist(MARKS)).split():
        written = _WRITTEN.fullmatch(word)
        if written is None:
            raise InvalidMarks(f"{word[:40]!r} is no passage of a text. Please mark it again.")
        yield Mark(int(written[2]), int(written[3]), written[1])


def _response(assignment: Assignment, item: str) -> Response:
    return next(
        response
        for response in responses_in_order(assignment=assignment)
        if str(response.public_id) == item
    )


def _current(juror_id: int, response_id: int) -> Said:
    """What she said on a response: kind, start and end of each passage."""
    return frozenset(
        Highlight.objects.filter(juror_id=juror_id, response_id=response_id, is_current=True)
        .order_by()
        .values_list("kind", "start", "end")
    )
