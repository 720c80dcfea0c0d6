"""Every pair of a response and an answer: what counts, and who said so."""

from collections.abc import Iterator
from dataclasses import dataclass

from overton.domain.labels import ExpressionLabel as Label
from overton.selectors.coverage import StudyCoverage
from overton.selectors.labels import LabelledResponse
from overton.selectors.readings import ReadPair
from overton.selectors.responses import Decider, label_of
from overton.selectors.said import StandingAnswer


@dataclass(frozen=True)
class CountedPair:
    """One pair.

    Attributes:
        query: the query's own id.
        response, answer: of that query.
        label: what counts; None where it is open.
        decider: whose word that is.
        read: what the model made of it, also where people overrule it; None where it read nothing.
    """

    query: str
    response: LabelledResponse
    answer: StandingAnswer
    label: Label | None
    decider: Decider
    read: ReadPair | None


def counted_pairs(*, found: StudyCoverage) -> Iterator[CountedPair]:
    """The study's pairs in the order of its queries, sources and answers."""
    labels = found.labels
    for pair in labels.pairs:
        response, answer = labels.responses[pair[0]], labels.answers[pair[1]]
        read = None if found.read is None else found.read.pairs.get(pair)
        pooled = labels.pooled.get(pair)
        label, decider = None, Decider.NOBODY
        if pooled is not None:
            label = pooled.label
            if label is not None:
                decider = Decider.RESEARCHERS if pooled.settled_by_researcher else Decider.JURORS
        elif read is not None and read.expressed is not None:
            label, decider = label_of(expressed=read.expressed, refuted=read.refuted), Decider.JUDGE
        yield CountedPair(
            query=found.windows.table.queries[response.query].external_id,
            response=response,
            answer=answer,
            label=label,
            decider=decider,
            read=read,
        )
