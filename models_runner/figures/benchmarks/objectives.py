"""Models in the plane of each two objectives, with the front; the trade-off matrix."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from annotations.figures.svg import BLUE, INK, MARKERS, QUIET, add_axes, new_figure, wrapped
from annotations.ports import Table
from models_runner.domain.benchmark_report.numbers import Number, Report
from models_runner.figures.benchmarks.drawn import Drawing
from models_runner.figures.benchmarks.steering import matrix_drawing

MOST_PLANES = 3


def objective_drawings(report: Report) -> list[Drawing]:
    """A plane for each pair of the first three objectives."""
    models = report.details.get("models", ())
    objectives = report.details.get("objectives", ())
    directions = {one["name"]: one["direction"] for one in objectives}
    points = [(one["model"], one["values"], one["on_front"]) for one in models]
    return _planes(report, points, directions, "Which models stand on the front?")


def tradeoff_drawings(report: Report) -> list[Drawing]:
    """The matrix T, then where the steered models stand."""
    functions = report.details.get("functions", ())
    names = [one["function"] for one in functions]
    matrix = np.array([[float(one["values"][n]) for n in names] for one in functions])
    steered = report.details.get("steered", ())
    points = [(f"to {one['function']}", one["values"], True) for one in steered]
    objectives = {one["name"]: one["direction"] for one in report.parameters["objectives"]}
    satisfied = sum(bool(one["satisfied"]) for one in functions)
    return [
        matrix_drawing(
            key="matrix",
            title="What does each function make of each steered model?",
            rows=[f"by {name}" for name in names],
            columns=[f"steered to {name}" for name in names],
            matrix=matrix,
            caption="T[f, f'] = f(M_f') in 0 to 1. Steerable: the framed cell is the most of its "
            "row, in every row.",
            finding=f"{satisfied} of {len(names)} functions are served best by the model steered "
            "to them.",
        ),
        *_planes(report, points, objectives, "Where does steering bring the model?"),
    ]


def _planes(
    report: Report,
    points: Sequence[tuple[str, Mapping[str, Any], bool]],
    directions: Mapping[str, str],
    title: str,
) -> list[Drawing]:
    names = list(directions)[:3]
    ends = {(n.column, n.row): n for n in report.numbers if n.section == "values"}
    return [
        _plane(f"plane-{place}", title, points, directions, x, y, ends)
        for place, (x, y) in enumerate(list(combinations(names, 2))[:MOST_PLANES], 1)
    ]


def _plane(
    key: str,
    title: str,
    points: Sequence[tuple[str, Mapping[str, Any], bool]],
    directions: Mapping[str, str],
    x: str,
    y: str,
    ends: Mapping[tuple[str, str], Number],
) -> Drawing:
    front = [name for name, _, on in points if on]

    def draw() -> Figure:
        figure = new_figure(height=400)
        ax = add_axes(figure, left=76, right=190, top=12, bottom=52, grid="y")
        for name, values, on in points:
            across, up = float(values[x]), float(values[y])
            colour = BLUE if on else QUIET
            wide, tall = ends.get((name, x)), ends.get((name, y))
            if wide is not None and wide.low is not None and wide.high is not None:
                ax.plot([wide.low, wide.high], [up, up], color=colour, linewidth=3, alpha=0.35)
            if tall is not None and tall.low is not None and tall.high is not None:
                ax.plot([across] * 2, [tall.low, tall.high], color=colour, linewidth=3, alpha=0.35)
            ax.plot(
                across, up, marker=MARKERS[0] if on else MARKERS[1], linestyle="none",
                color=colour, markersize=9 if on else 7, zorder=4,
            )  # fmt: skip
            ax.annotate(
                wrapped(name, columns=24), (across, up), xytext=(8, 6), textcoords="offset points",
                fontsize=12, color=INK, annotation_clip=False,
            )  # fmt: skip
        line = sorted(
            ((float(v[x]), float(v[y])) for _, v, on in points if on), key=lambda point: point[0]
        )
        ax.plot(*zip(*line, strict=True), color=BLUE, linewidth=1, linestyle=(0, (4, 3)))
        ax.plot([], [], marker=MARKERS[0], color=BLUE, linestyle="none", label="on the front")
        if len(front) < len(points):
            ax.plot([], [], marker=MARKERS[1], color=QUIET, linestyle="none", label="improved on")
        ax.set_xlabel(f"{x} ({directions[x]} is better)")
        ax.set_ylabel(f"{y} ({directions[y]} is better)", color=QUIET)
        ax.margins(0.12)
        ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
        return figure

    return Drawing(
        key=key,
        title=f"{title} {x} and {y}",
        description="; ".join(f"{n}: {float(v[x]):.3f}, {float(v[y]):.3f}" for n, v, _ in points),
        caption="Bars: intervals. The broken line joins what is on the front by all objectives.",
        finding=f"On the front: {', '.join(front)}." if len(front) < len(points) else "",
        interval="see the table of values",
        n=f"{len(points)} models",
        table=Table(
            columns=("model", x, y, "on the front"),
            rows=tuple(
                (name, float(v[x]), float(v[y]), "yes" if on else "no") for name, v, on in points
            ),
            numeric=frozenset((1, 2)),
            caption=f"{title} {x} and {y}",
        ),
        draw=draw,
    )
