"""Whether one juror decides who leads."""

import numpy as np

from annotations.figures.welfare import alpha_label
from annotations.ports import Figure, Table
from models_runner.figures.choice import Cell, Choice, known, leads, names
from models_runner.figures.marks import marks_svg

READINGS = ("as rated", "in each juror's own range")


def influence_figure(choice: Choice) -> Figure:
    """The largest change that one juror's leaving makes at alpha, a line from 0 for each source."""
    title = f"How much does one juror's leaving change at α = {alpha_label(choice.alpha)}?"
    own, stretched = choice.board.influence[choice.row], choice.board.in_own_range[choice.row]
    values = np.stack([own.largest, stretched.largest], axis=1)
    most = float(np.nanmax(np.abs(values))) if not np.isnan(values).all() else 0.0
    edge = 1.1 * max(most, 0.01)
    return Figure(
        key="influence",
        title=title,
        svg=marks_svg(
            title=title,
            axis="welfare without her, less welfare with her",
            rows=choice.sources,
            sources=READINGS,
            values=values,
            lower=np.minimum(values, 0.0),
            upper=np.maximum(values, 0.0),
            limits=(-edge, edge),
            threshold=0.0,
            hollow=bool(choice.board.guessed),
        ),
        caption="Each juror is left out in turn; a line runs from no change to the largest one. "
        "To the right: the source gains by her leaving.",
        finding=influence_sentences(choice)[0],
        n=choice.n,
        interval="none: it is what these jurors are",
        is_predicted=bool(choice.board.guessed),
        table=influence_table(choice),
    )


def influence_table(choice: Choice) -> Table:
    """The largest change that one juror's leaving makes at alpha, source by source."""
    own, stretched = choice.board.influence[choice.row], choice.board.in_own_range[choice.row]
    return Table(
        columns=("source", "largest change", "by whose leaving", "in own ranges: largest change",
                 "in own ranges: by whose leaving"),
        rows=tuple(
            (
                source,
                *(
                    cell
                    for found in (own, stretched)
                    for cell in (known(found.largest[place]), _juror(choice, found.jurors[place]))
                ),
            )
            for place, source in enumerate(choice.sources)
        ),
        numeric=frozenset({1, 3}),
        caption="How much one juror's leaving changes",
    )  # fmt: skip


def tipping_table(choice: Choice) -> Table:
    """The jurors without whom another source would lead at alpha."""
    rows: list[tuple[Cell, ...]] = []
    for reading, found in (
        ("as rated", choice.board.influence[choice.row]),
        ("in each juror's own range", choice.board.in_own_range[choice.row]),
    ):
        rows += [
            (choice.jurors[own.juror], ", ".join(own.winners), reading) for own in found.tipping
        ]
    return Table(
        columns=("juror", "without her leads", "utilities"),
        rows=tuple(rows),
        caption="Jurors without whom another source would lead",
    )


def influence_sentences(choice: Choice) -> list[str]:
    """Who tips the verdict at alpha, and whether stretching to own ranges changes it."""
    own, stretched = choice.board.influence[choice.row], choice.board.in_own_range[choice.row]
    number = len(own.tipping)
    who = (
        "No single juror"
        if not number
        else f"{number} juror{'s' if number > 1 else ''}, each alone,"
    )
    now = f"{names(own.winners)} {leads(own.winners)}"
    at = f"α = {alpha_label(choice.alpha)}"
    sentences = [f"{who} would change who leads at {at} by leaving ({now})."]
    if not stretched.winners:
        sentences.append("Every juror likes all alike, so that own ranges can't be compared.")
    elif stretched.winners == own.winners:
        sentences.append(
            f"With each juror's utilities stretched to her own range {names(own.winners)} "
            f"{leads(own.winners)} as well."
        )
    else:
        sentences.append(
            f"With each juror's utilities stretched to her own range {names(stretched.winners)} "
            f"{leads(stretched.winners)} instead: the verdict rests on how jurors use the scale."
        )
    return sentences


def _juror(choice: Choice, row: int) -> str | None:
    return None if row < 0 else choice.jurors[row]
