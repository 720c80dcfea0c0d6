"""Matrices: what answers steered to each attribute reflect; what each function makes of each."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from annotations.figures.svg import BLUE, INK, MARKERS, QUIET, add_axes, new_figure, wrapped
from annotations.ports import Table
from models_runner.domain.benchmark_report.numbers import Report
from models_runner.figures.benchmarks.distributions import numbers_table
from models_runner.figures.benchmarks.drawn import Drawing

CELL = 44.0
FloatArray = NDArray[np.float64]


def steering_drawings(report: Report) -> list[Drawing]:
    """A confusion matrix for each model; gains with their intervals."""
    drawings = []
    for place, one in enumerate(report.details.get("confusions", ())):
        names = [str(name) for name in one["attributes"]]
        matrix = np.array(
            [[np.nan if x is None else float(x) for x in row] for row in one["matrix"]],
            dtype=np.float64,
        )
        if len(names) < 2:
            continue
        title = f"What do answers of {one['model']} reflect most?"
        drawings.append(
            matrix_drawing(
                key=f"confusion-{place + 1}",
                title=title,
                rows=[f"steered to {name}" for name in names],
                columns=[f"reflects {name}" for name in names],
                matrix=matrix,
                caption="Share of judged responses; ties are shared out. The diagonal is the "
                "attribute that was steered to.",
                finding=f"{np.nanmean(np.diag(matrix)):.0%} reflect their own attribute most, "
                f"against {1 / len(names):.0%} by chance.",
            )
        )
    return [*_gains(report), *drawings]


def _gains(report: Report) -> list[Drawing]:
    found = [
        number
        for number in report.numbers
        if number.section == "faithfulness"
        and number.row == "gain over not steered"
        and number.value is not None
    ]
    if not found:
        return []
    title = "What does steering gain?"

    def draw() -> Figure:
        figure = new_figure(height=26 * len(found) + 72)
        ax = add_axes(figure, left=250, right=24, top=12, bottom=52, grid="x")
        for row, number in enumerate(found):
            if number.low is not None and number.high is not None:
                ax.plot([number.low, number.high], [row, row], color=BLUE, linewidth=4, alpha=0.5)
            ax.plot(number.value or 0.0, row, marker=MARKERS[0], color=BLUE, linestyle="none")
        ax.axvline(0, color=INK, linewidth=1, linestyle=(0, (3, 3)))
        ax.set_ylim(len(found) - 0.5, -0.5)
        ax.set_yticks(range(len(found)), labels=[wrapped(n.column, columns=36) for n in found])
        ax.set_xlabel("gain in the attribute's score over the same model, not steered")
        return figure

    return [
        Drawing(
            key="gain",
            title=title,
            description="; ".join(f"{n.column}: {n.shown}" for n in found),
            caption="Right of 0 the steered answers reflect the attribute more.",
            finding=f"{found[-1].column}: {found[-1].shown}.",
            interval=found[0].method,
            n=f"{found[-1].count} items",
            table=numbers_table(found, title),
            draw=draw,
        )
    ]


def matrix_drawing(
    *,
    key: str,
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    matrix: FloatArray,
    caption: str,
    finding: str,
) -> Drawing:
    """Values in [0, 1] as cells: the fuller a cell, the darker, with its number."""

    def draw() -> Figure:
        figure = new_figure(height=CELL * len(rows) + 88)
        ax = add_axes(figure, left=230, right=16, top=64, bottom=12)
        for row in range(len(rows)):
            for column in range(len(columns)):
                value = matrix[row, column]
                if np.isnan(value):
                    continue
                ax.fill_between(
                    [column - 0.47, column + 0.47], row - 0.45, row + 0.45,
                    color=BLUE, alpha=0.06 + 0.44 * float(np.clip(value, 0, 1)), linewidth=0,
                )  # fmt: skip
                ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=INK)
                if row == column and len(rows) == len(columns):
                    ax.plot(
                        [column - 0.47, column + 0.47, column + 0.47, column - 0.47, column - 0.47],
                        [row - 0.45, row - 0.45, row + 0.45, row + 0.45, row - 0.45],
                        color=QUIET, linewidth=1.2,
                    )  # fmt: skip
        ax.set_xlim(-0.5, len(columns) - 0.5)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        width = max(8, 66 // max(1, len(columns)))
        ax.xaxis.tick_top()
        ax.set_xticks(
            range(len(columns)), labels=[wrapped(c, columns=width, lines=3) for c in columns]
        )
        ax.set_yticks(range(len(rows)), labels=[wrapped(row, columns=32) for row in rows])
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        return figure

    return Drawing(
        key=key,
        title=title,
        description="; ".join(
            f"{row}, {column}: {matrix[i, j]:.2f}"
            for i, row in enumerate(rows)
            for j, column in enumerate(columns)
            if not np.isnan(matrix[i, j])
        ),
        caption=caption,
        finding=finding,
        interval="",
        n="",
        table=Table(
            columns=("of", *columns),
            rows=tuple(
                (row, *(None if np.isnan(x) else float(x) for x in matrix[i]))
                for i, row in enumerate(rows)
            ),
            numeric=frozenset(range(1, len(columns) + 1)),
            caption=title,
        ),
        draw=draw,
    )
