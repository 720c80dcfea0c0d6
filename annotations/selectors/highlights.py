"""The words that mattered, response by response: who marked what, and how many marked it."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Max

from annotations.domain.highlights import KINDS, Mark, Passage, passages
from annotations.models import Highlight, Study
from annotations.selectors.ratings import RatedResponse, rated_responses


@dataclass(frozen=True)
class MarkedResponse:
    """A response as the jurors marked it; as things stand, checks left out.

    Attributes:
        response: the response, with its text.
        jurors: how many marked words in it or said that nothing stood out.
        spoke_for, spoke_against: how many marked at least one passage so.
        nothing: how many said that nothing stood out.
        passages: the whole text, cut where the number of jurors changes.
    """

    response: RatedResponse
    jurors: int
    spoke_for: int
    spoke_against: int
    nothing: int
    passages: tuple[Passage, ...]

    @property
    def weight(self) -> int:
        """Jurors times characters that they marked; the more, the more stood out to them."""
        return sum(
            (one.end - one.start) * (one.spoke_for + one.spoke_against) for one in self.passages
        )


def marked_responses(*, study: Study) -> tuple[MarkedResponse, ...]:
    """The responses on which a juror of the study has said something, by query and source."""
    own: dict[int, dict[int, list[Mark]]] = defaultdict(lambda: defaultdict(list))
    rows = Highlight.objects.filter(
        response__query__study=study, response__query__check_kind="", is_current=True
    ).order_by("response_id", "juror_id", "start")
    for response_id, juror_id, kind, start, end in rows.values_list(
        "response_id", "juror_id", "kind", "start", "end"
    ):
        marks = own[response_id][juror_id]
        if start is not None and end is not None:
            marks.append(Mark(start, end, kind))
    return tuple(
        _marked(response, own[response.id])
        for response in rated_responses(study_id=study.pk)
        if response.id in own
    )


def _marked(response: RatedResponse, by_juror: dict[int, list[Mark]]) -> MarkedResponse:
    said = list(by_juror.values())
    spoke_for, spoke_against = (
        sum(any(mark.kind == kind for mark in marks) for marks in said) for kind in KINDS
    )
    return MarkedResponse(
        response=response,
        jurors=len(said),
        spoke_for=spoke_for,
        spoke_against=spoke_against,
        nothing=sum(not marks for marks in said),
        passages=passages(length=len(response.text), marks=said),
    )


def highlights_fingerprint(*, study: Study) -> str:
    """Changes with every mark, and with whether the study asks for them."""
    said = Highlight.objects.filter(
        response__query__study=study, response__query__check_kind="", is_current=True
    ).aggregate(number=Count("id"), newest=Max("id"))
    sources = study.sources.order_by("id").values_list("id", "name", "revision")
    return f"{said}{asks_for_highlights(study=study)}{list(sources)}"


def asks_for_highlights(*, study: Study) -> bool:
    """Whether marking the words that mattered is among the study's steps."""
    return study.steps.filter(kind="highlight").exists()
