"""Distances to the people, and the variety of answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from annotations.figures.svg import DATA, INK, MARKERS, QUIET, add_axes, new_figure, wrapped
from annotations.ports import Table
from models_runner.domain.benchmark_report.numbers import Number, Report
from models_runner.figures.benchmarks.drawn import Drawing

ROW = 26.0
GOLDEN = 0.6180339887
MOST_ROWS = 40
DISTANCE = "Jensen-Shannon distance (base 2)"
SHUFFLED = "JS distance (base 2) with the model's options shuffled"


def distribution_drawings(report: Report) -> list[Drawing]:
    """Those of a distributional benchmark."""
    return [*_distances(report), *_entropies(report)]


def _distances(report: Report) -> list[Drawing]:
    """A row for each model, mode and group: the distance with its interval, and its control."""
    found = [n for n in report.numbers if n.row == DISTANCE and n.section == "distance"]
    found = [number for number in found if number.value is not None][:MOST_ROWS]
    if not found:
        return []
    controls = {n.column: n.value for n in report.numbers if n.row == SHUFFLED}
    title = "How far is each model from each group of people?"
    nearest = min(found, key=lambda number: number.value or 0.0)

    def draw() -> Figure:
        figure = new_figure(height=ROW * len(found) + 84)
        ax = add_axes(figure, left=250, right=24, top=34, bottom=48, grid="x")
        for row, number in enumerate(found):
            _interval(ax, row, number, 0)
            control = controls.get(number.column)
            if control is not None:
                ax.plot(
                    control, row, marker="|", color=QUIET, markersize=14, linestyle="none",
                    label="with the options shuffled" if row == 0 else None,
                )  # fmt: skip
        ax.plot([], [], marker=MARKERS[0], color=DATA[0], linestyle="none", label="as it answers")
        ax.set_xlim(0, 1)
        ax.set_ylim(len(found) - 0.5, -0.5)
        ax.set_yticks(
            range(len(found)), labels=[wrapped(number.column, columns=36) for number in found]
        )
        ax.set_xlabel(f"{DISTANCE}; 0 is the same distribution")
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
        return figure

    return [
        Drawing(
            key="distance",
            title=title,
            description="; ".join(f"{n.column}: {n.shown}" for n in found),
            caption="The upright stroke is the same model with its probabilities dealt to the "
            "options at random: what its variety alone would give.",
            finding=f"Nearest: {nearest.column}, {nearest.shown}.",
            interval=found[0].method,
            n=f"{max(number.count for number in found)} questions",
            table=numbers_table(found, title),
            draw=draw,
        )
    ]


def _interval(ax: Any, row: float, number: Number, order: int) -> None:
    colour = DATA[order % len(DATA)]
    if number.low is not None and number.high is not None:
        ax.plot([number.low, number.high], [row, row], color=colour, linewidth=4, alpha=0.5)
    ax.plot(number.value, row, marker=MARKERS[order % len(MARKERS)], color=colour, linestyle="none")


def numbers_table(numbers: Sequence[Number], caption: str) -> Table:
    """Numbers as a table of a figure."""
    return Table(
        columns=("of", "value", "low", "high", "count"),
        rows=tuple((n.column, n.value, n.low, n.high, n.count) for n in numbers),
        numeric=frozenset((1, 2, 3, 4)),
        caption=caption,
    )


def _entropies(report: Report) -> list[Drawing]:
    """Figure 3 of the paper: how entropies spread over questions, people first, then models."""
    spreads = entropy_spreads(report.details)
    if not spreads:
        return []
    title = "How varied are the answers, question by question?"
    middles = {name: float(np.median(values)) for name, values in spreads.items()}
    return [
        Drawing(
            key="entropy",
            title=title,
            description="; ".join(f"{name}: median {x:.2f} nats" for name, x in middles.items()),
            caption="Shannon entropy in nats of each question's distribution. Boxes: middle half "
            "and median; whiskers: 5 to 95 %; dots: questions.",
            finding=f"Medians: {', '.join(f'{name} {x:.2f}' for name, x in middles.items())}.",
            interval="",
            n=f"{max(len(values) for values in spreads.values())} questions",
            table=Table(
                columns=("of", "questions", "mean", "5 %", "25 %", "median", "75 %", "95 %"),
                rows=tuple(
                    (
                        name,
                        len(values),
                        float(np.mean(values)),
                        *(float(x) for x in np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])),
                    )
                    for name, values in spreads.items()
                ),
                numeric=frozenset(range(1, 8)),
                caption=title,
            ),
            draw=lambda: draw_entropies(spreads),
        )
    ]


def entropy_spreads(details: Mapping[str, Any]) -> dict[str, list[float]]:
    """Entropies by group of people, then by model and mode, over all questions they have."""
    compared = details.get("compared", ())
    spreads: dict[str, dict[str, float]] = {}
    for one in compared:
        own = spreads.setdefault(f"people: {one['group']}", {})
        own.update(zip(one["questions"], one["entropy_human_nats"], strict=True))
    spreads = dict(list(spreads.items())[:8])
    for one in compared:
        own = spreads.setdefault(f"{one['model']} · {one['mode']}", {})
        own.update(zip(one["questions"], one["entropy_model_nats"], strict=True))
    return {name: [float(x) for x in values.values()] for name, values in spreads.items()}


def draw_entropies(spreads: Mapping[str, Sequence[float]]) -> Figure:
    """A box for each, side by side, with a dot for each question."""
    names = list(spreads)
    figure = new_figure(height=360)
    ax = add_axes(figure, left=56, right=16, top=12, bottom=86, grid="y")
    for place, name in enumerate(names):
        values = np.sort(np.asarray(spreads[name]))
        people = name.startswith("people")
        colour = DATA[0] if people else DATA[1 + place % (len(DATA) - 2)]
        # Spread evenly by the golden ratio, so that neighbours stand apart; nothing is random.
        across = place + (np.arange(len(values)) * GOLDEN % 1 - 0.5) * 0.5
        ax.scatter(across, values, s=20, color=colour, alpha=0.5, linewidths=0)
        low, first, middle, third, high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
        ax.plot([place, place], [low, first], color=INK, linewidth=1)
        ax.plot([place, place], [third, high], color=INK, linewidth=1)
        ax.fill_between(
            [place - 0.3, place + 0.3], first, third, facecolor="none", edgecolor=INK, linewidth=1.2
        )
        ax.plot([place - 0.3, place + 0.3], [middle, middle], color=INK, linewidth=2.5)
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.set_ylim(bottom=0)
    columns = max(10, 84 // max(1, len(names)))
    ax.set_xticks(
        range(len(names)), labels=[wrapped(name, columns=columns, lines=4) for name in names]
    )
    ax.set_ylabel("entropy (nats)", color=QUIET)
    return figure
