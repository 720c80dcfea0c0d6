"""What sampled juries say: by source a dot for each jury, by response a table."""

from math import isnan

import numpy as np

from annotations.figures.svg import (
    INK,
    add_axes,
    dot_strip,
    new_figure,
    render_svg,
    wrapped,
)
from annotations.ports import Figure, Table
from annotations.selectors.ratings import RatedResponse
from juries.domain.counterfactuals import Counterfactual
from juries.domain.verdicts import JURIES, SeatKind, is_reached
from models_runner.domain.jury_builder import JuryVerdicts, SourceVerdicts
from models_runner.figures.choice import known

ROW = 64


def verdicts_figure(
    *,
    name: str,
    scale: tuple[float, float],
    threshold: float,
    seats: int,
    jurors: int,
    seed: int,
    found: SourceVerdicts,
) -> Figure:
    """Sources by what sampled juries say of their responses."""
    title = f"What do juries of these seats say, by {name.lower()}?"
    shown = [place for place in range(len(found.sources)) if not isnan(found.median[place])]
    figure = new_figure(height=ROW * max(1, len(shown)) + 64)
    ax = add_axes(figure, left=180, right=24, top=8, bottom=52, grid="x")
    labels = [found.sources[place] for place in shown]
    hollow = {found.sources[place]: [bool(found.predicted[place] > 0)] * JURIES for place in shown}
    dot_strip(
        ax,
        {found.sources[place]: found.outcomes[:, place].tolist() for place in shown},
        limits=scale,
        predicted=hollow,
        intervals={
            found.sources[place]: (found.median[place], found.lower[place], found.upper[place])
            for place in shown
        },
    )
    ax.axvline(threshold, color=INK, linewidth=1, linestyle=(0, (3, 3)))
    ax.set_yticks(range(len(labels)), labels=[wrapped(label, columns=24) for label in labels])
    ax.set_xlabel(f"mean rating of a jury, on the scale from {scale[0]:g} to {scale[1]:g}")
    table = source_table(found, title=title)
    return Figure(
        key="sources",
        title=title,
        svg=render_svg(
            figure,
            title=title,
            description="; ".join(
                f"{found.sources[place]}: median {found.median[place]:.2f}" for place in shown
            ),
        ),
        caption="A dot is one sampled jury: its mean over the responses of a source. The line is "
        "the median, the band the 5th to 95th percentile of juries; the dashed line is the "
        "threshold. The band is that of drawing juries, not of what jurors might have said.",
        interval=f"5th to 95th percentile of {JURIES} sampled juries",
        n=f"{JURIES} juries of {seats} seats from {jurors} jurors, seed {seed}",
        is_predicted=bool(np.nansum(found.predicted) > 0),
        table=table,
    )


def source_table(found: SourceVerdicts, *, title: str) -> Table:
    """One row a source."""
    columns = (found.median, found.lower, found.upper, found.chance, found.predicted)
    return Table(
        columns=("source", "median", "low", "high", "chance to reach the threshold",
                 "predicted share", "responses"),
        rows=tuple(
            (source, *(known(array[place]) for array in columns), found.items[place])
            for place, source in enumerate(found.sources)
        ),
        numeric=frozenset(range(1, 7)),
        caption=title,
    )  # fmt: skip


def response_table(found: JuryVerdicts, *, responses: tuple[RatedResponse, ...]) -> Table:
    """One row a response."""
    columns = (found.median, found.lower, found.upper, found.chance, found.predicted)
    return Table(
        columns=("query", "source", "median", "low", "high", "chance to reach the threshold",
                 "predicted share", "why empty"),
        rows=tuple(
            (
                response.query_text,
                response.source,
                *(known(array[place]) for array in columns),
                found.reasons[place],
            )
            for place, response in enumerate(responses)
        ),
        numeric=frozenset(range(2, 7)),
        caption="The verdict on each response",
    )  # fmt: skip


def counterfactual_table(found: Counterfactual) -> Table:
    """The juries at the smallest distance that say otherwise."""
    return Table(
        columns=("seats gained", "seats lost", "expected", "median of its juries"),
        rows=tuple(
            (in_words(own.gained), in_words(own.lost), own.expected, own.median)
            for own in found.alternatives
        ),
        numeric=frozenset({2, 3}),
        caption="The smallest changes of seats that turn the verdict",
    )


def counterfactual_sentences(found: Counterfactual) -> list[str]:
    """How few seats turn the verdict on a response, or that none do."""
    reached, expected = is_reached([found.median, found.expected], found.threshold)
    side = "at or above" if reached else "below"
    verdict = f"This jury's verdict is {found.median:.2f}, {side} the threshold of"
    sentences = [f"{verdict} {found.threshold:g}; it is expected to say {found.expected:.2f}."]
    if reached != expected:
        sentences.append(
            "The two lie on different sides: the verdict is within the luck of the draw already. "
            "The search starts from what is expected."
        )
    if found.changes is None:
        seats = "one changed seat" if found.most_changes == 1 else f"{found.most_changes} changes"
        sentences.append(f"No jury within {seats} says otherwise.")
        return sentences
    number = len(found.alternatives)
    seats = "one changed seat" if found.changes == 1 else f"{found.changes} changed seats"
    juries = "one jury" if number == 1 else f"{number} juries"
    more = "" if found.are_all else " (there are more)"
    sentences.append(f"It turns by {seats}: {juries} at that distance{more}.")
    return sentences


def in_words(seats: tuple[tuple[SeatKind, int], ...]) -> str:
    """Seats by kind, in words."""
    return "; ".join(f"{number} × {kind.label}" for kind, number in seats)
