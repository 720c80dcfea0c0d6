"""Who leads: at one alpha, along all of them, and what the worst-off get."""

from math import inf

import numpy as np

from annotations.figures.welfare import alpha_label
from annotations.ports import Figure, Table
from juries.domain.alpha_sweep import AlphaSweep
from juries.domain.crossings import ALPHAS
from models_runner.domain.leaderboard import Board
from models_runner.figures.choice import TIE, Cell, Choice, known, leads, names
from models_runner.figures.groups import dominated_by
from models_runner.figures.marks import leaders, marks_svg, sweep_svg

LEAD_MEANS = (
    "Mean over a source's queries. The lead is a source's welfare less that of the best other "
    "source in the same resampled jury."
)


def ranking_figure(choice: Choice) -> Figure:
    """Sources by welfare at the chosen alpha."""
    sweep, row = choice.board.sweep, choice.row
    order = sorted(
        range(len(sweep.sources)), key=lambda source: (-sweep.welfare[row, source], source)
    )
    title = (
        f"Which source serves the jury best by {choice.name}, at α = {alpha_label(choice.alpha)}?"
    )
    dominated = dominated_by(choice)
    own = np.eye(len(order), dtype=bool)[order]
    return Figure(
        key="ranking",
        title=title,
        svg=marks_svg(
            title=title,
            axis=f"welfare at α = {alpha_label(choice.alpha)}",
            rows=[sweep.sources[source] for source in order],
            sources=sweep.sources,
            values=np.where(own, sweep.welfare[row], np.nan),
            lower=np.where(own, sweep.lower[row], np.nan),
            upper=np.where(own, sweep.upper[row], np.nan),
            limits=(0.0, 1.0),
            hollow=bool(choice.board.guessed),
        ),
        caption=f"{LEAD_MEANS} {_too_small(choice)} {_unfair(choice.board)}".strip(),
        finding=_finding(choice),
        n=choice.n,
        interval="a minimum has no honest interval; read the table of the worst-off"
        if choice.alpha == inf
        else choice.interval,
        is_predicted=bool(choice.board.guessed),
        table=Table(
            columns=(
                "place", "source", "welfare", "low", "high", "chance that it leads", "lead",
                "lead low", "lead high", "queries", "predicted share", "dominated by",
            ),
            rows=tuple(
                (
                    1 + int((sweep.welfare[row] > sweep.welfare[row, source] + TIE).sum()),
                    sweep.sources[source],
                    *(
                        known(array[row, source])
                        for array in (
                            sweep.welfare, sweep.lower, sweep.upper, sweep.wins, sweep.lead,
                            sweep.lead_lower, sweep.lead_upper,
                        )
                    ),
                    choice.board.queries[source],
                    known(sweep.predicted[source]),
                    dominated[source],
                )
                for source in order
            ),
            numeric=frozenset((0, *range(2, 11))),
            caption=title,
        ),
    )  # fmt: skip


def sweep_figure(choice: Choice) -> Figure:
    """Welfare along alpha."""
    sweep = choice.board.sweep
    title = "Does the answer depend on how much the worst-off count?"
    columns = [f"{source}{part}" for source in sweep.sources for part in ("", " low", " high")]
    return Figure(
        key="sweep",
        title=title,
        svg=sweep_svg(
            title=title, name=choice.name, sweep=sweep, hollow=bool(choice.board.guessed)
        ),
        caption="A dashed line marks where the leader changes, to within 0.000001. At ∞ stands "
        "the worst-off juror as observed; it has no honest interval.",
        finding=_along(sweep),
        n=choice.n,
        interval=choice.interval,
        is_predicted=bool(choice.board.guessed),
        table=Table(
            columns=("α", "who leads", "chance that it leads", "lead", "lead low", "lead high",
                     *columns),
            rows=tuple(_sweep_row(sweep, sweep.alphas.index(alpha)) for alpha in ALPHAS),
            numeric=frozenset(range(2, 6 + len(columns))),
            caption=title,
        ),
    )  # fmt: skip


def tail_table(choice: Choice) -> Table:
    """What the worst-off jurors get."""
    sweep, tail = choice.board.sweep, choice.board.sweep.tail
    columns = (
        sweep.welfare[-1], tail.percentile, tail.percentile_lower, tail.percentile_upper,
        tail.worst_mean, tail.worst_mean_lower, tail.worst_mean_upper,
    )  # fmt: skip
    return Table(
        columns=(
            "source", "worst-off juror, as observed", "5th percentile", "low", "high",
            "mean of the worst 5 %", "low", "high",
        ),
        rows=tuple(
            (source, *(known(array[place]) for array in columns))
            for place, source in enumerate(sweep.sources)
        ),
        numeric=frozenset(range(1, 8)),
        caption="What the worst-off jurors get, averaged over queries",
    )  # fmt: skip


def _finding(choice: Choice) -> str:
    sweep, row, best = choice.board.sweep, choice.row, choice.winners
    if len(sweep.sources) == 1:
        return f"{sweep.sources[0]} is the only source; nothing is compared."
    if len(best) > 1:
        return f"{names(best)} serve the jury equally."
    place = sweep.sources.index(best[0])
    text = f"{best[0]} leads with {sweep.welfare[row, place]:.2f}"
    if choice.alpha == inf:
        return f"{text}, the utility of its worst-off juror, averaged over queries."
    lead, low, high = (
        array[row, place] for array in (sweep.lead, sweep.lead_lower, sweep.lead_upper)
    )
    settled = "" if low > 0 else "; the lead is not settled"
    return (
        f"{text} (95 % interval {sweep.lower[row, place]:.2f} to {sweep.upper[row, place]:.2f}), "
        f"{lead:.2f} ahead of the next ({low:.2f} to {high:.2f}). It leads in "
        f"{100 * sweep.wins[row, place]:.0f} % of the resampled juries{settled}."
    )


def _along(sweep: AlphaSweep) -> str:
    if len(sweep.sources) == 1:
        return f"{sweep.sources[0]} is the only source; nothing is compared."
    first, last = leaders(sweep, 0), leaders(sweep, len(sweep.alphas) - 1)
    if not sweep.crossings:
        return f"{names(first)} {leads(first)} at every α."
    changes = "; ".join(
        f"at α ≈ {crossing.alpha:.3g} {crossing.after} overtakes {crossing.before}"
        for crossing in sweep.crossings
    )
    return f"Yes: {names(first)} {leads(first)} at α = 0, {names(last)} at α = ∞; {changes}."


def _sweep_row(sweep: AlphaSweep, row: int) -> tuple[Cell, ...]:
    best = leaders(sweep, row)
    place = sweep.sources.index(best[0])
    lead = (sweep.wins, sweep.lead, sweep.lead_lower, sweep.lead_upper)
    return (
        alpha_label(sweep.alphas[row]),
        ", ".join(best),
        *(known(array[row, place]) if len(best) == 1 else None for array in lead),
        *(
            known(array[row, column])
            for column in range(len(sweep.sources))
            for array in (sweep.welfare, sweep.lower, sweep.upper)
        ),
    )


def _too_small(choice: Choice) -> str:
    sweep, row = choice.board.sweep, choice.row
    below = np.flatnonzero(sweep.welfare[row] < sweep.lower[row] - TIE)
    if not len(below):
        return ""
    lifted = names([sweep.sources[place] for place in below])
    return (
        f"{sweep.jurors} jurors are too few for an interval here: a resample that misses the "
        f"worst-off is better than the jury, and lifts the band of {lifted} above its value."
    )


def _unfair(board: Board) -> str:
    if all(number == board.shared_queries for number in board.queries):
        return ""
    counts = ", ".join(
        f"{source} {number}"
        for source, number in zip(board.sweep.sources, board.queries, strict=True)
    )
    return (
        f"The sources were not all judged on the same queries ({counts}); their means differ in "
        "what was asked, too."
    )
