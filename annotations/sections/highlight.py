"""Which words of the responses mattered to the jurors."""

from annotations.domain.highlights import Passage
from annotations.models import Study
from annotations.ports import MarkedText, SectionContent, ShownPassage, Table
from annotations.selectors.highlights import (
    MarkedResponse,
    asks_for_highlights,
    highlights_fingerprint,
    marked_responses,
)

# So many texts are shown in full, those first in which most was marked; the tables have all.
TEXTS_SHOWN = 10


class HighlightSection:
    """Each response's text with how many jurors marked what; left out where nobody is asked."""

    key = "highlight"
    title = "The words that mattered"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every mark."""
        return highlights_fingerprint(study=study)

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        marked = marked_responses(study=study)
        if not marked:
            if not asks_for_highlights(study=study):
                return SectionContent()
            return SectionContent(
                empty_reason="Nobody has marked words yet. Open the study and invite the jury."
            )
        most = sorted(marked, key=lambda one: (-one.weight, one.response.id))
        shown = [one for one in most if one.weight][:TEXTS_SHOWN]
        return SectionContent(
            summary=_summary(marked, shown),
            texts=tuple(_text(one) for one in shown),
            tables=(
                ("Response by response", _by_response(marked)),
                ("Passage by passage", _by_passage(marked)),
            ),
        )


def _summary(marked: tuple[MarkedResponse, ...], shown: list[MarkedResponse]) -> tuple[str, ...]:
    said = sum(one.jurors for one in marked)
    nothing = sum(one.nothing for one in marked)
    with_words = sum(one.weight > 0 for one in marked)
    first = (
        f"Jurors marked words in {with_words} of the {len(marked)} responses on which they were "
        f"asked; {nothing} of {said} times nothing stood out."
    )
    sentences = [first]
    if with_words > len(shown):
        sentences.append(
            f"The {len(shown)} texts in which most was marked are shown; the tables have all."
        )
    return tuple(sentences)


def _text(one: MarkedResponse) -> MarkedText:
    return MarkedText(
        title=f"{one.response.query_text} ({one.response.source})",
        jurors=one.jurors,
        nothing=one.nothing,
        passages=tuple(
            ShownPassage(_words(one, passage), passage.spoke_for, passage.spoke_against)
            for passage in one.passages
        ),
    )


def _words(one: MarkedResponse, passage: Passage) -> str:
    return one.response.text[passage.start : passage.end]


def _by_response(marked: tuple[MarkedResponse, ...]) -> Table:
    return Table(
        columns=(
            "query",
            "source",
            "jurors",
            "found words that spoke for it",
            "found words that spoke against it",
            "nothing stood out",
        ),
        rows=tuple(
            (
                one.response.query_text,
                one.response.source,
                one.jurors,
                one.spoke_for,
                one.spoke_against,
                one.nothing,
            )
            for one in marked
        ),
        numeric=frozenset(range(2, 6)),
        caption="How many jurors found words that mattered in each response",
    )


def _by_passage(marked: tuple[MarkedResponse, ...]) -> Table:
    """Every passage that somebody marked, with its place in the response's text."""
    return Table(
        columns=(
            "words", "spoke for it", "spoke against it", "jurors", "start", "end", "source",
            "query", "response",
        ),
        rows=tuple(
            (
                _words(one, passage),
                passage.spoke_for,
                passage.spoke_against,
                one.jurors,
                passage.start,
                passage.end,
                one.response.source,
                one.response.query_text,
                one.response.public_id,
            )
            for one in marked
            for passage in one.passages
            if passage.is_marked
        ),
        numeric=frozenset(range(1, 6)),
        caption="How many jurors marked each passage",
    )  # fmt: skip
