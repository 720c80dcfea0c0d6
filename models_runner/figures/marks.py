"""Sources as marks in rows, and welfare along alpha with the leader under the axis."""

from collections.abc import Sequence
from math import inf

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from annotations.figures.svg import (
    DATA,
    INK,
    MARKERS,
    QUIET,
    add_axes,
    new_figure,
    render_svg,
    wrapped,
)
from annotations.figures.welfare import alpha_label
from juries.domain.alpha_sweep import AlphaSweep
from juries.domain.crossings import ALPHAS

FloatArray = NDArray[np.float64]

ROW = 20.0
_FINITE = [alpha for alpha in ALPHAS if alpha != inf]


def marks_svg(
    *,
    title: str,
    axis: str,
    rows: Sequence[str],
    sources: Sequence[str],
    values: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    limits: tuple[float, float],
    ringed: NDArray[np.bool_] | None = None,
    threshold: float | None = None,
    hollow: bool = False,
) -> str:
    """A block of rows for each label, a mark with its interval for each source in it.

    `values`, `lower` and `upper` are (rows, sources), NaN where there is none; `limits` those of
    the axis, in data units. `ringed` (rows, sources) says which marks stand in a ring; `threshold`
    is a line across all rows; marks are `hollow` where a part of it is predicted.
    """
    # Where each row has one source only, its label says which.
    is_ranking = bool(((~np.isnan(values)).sum(axis=1) <= 1).all()) and len(sources) > 1
    lanes = 1 if is_ranking else len(sources)
    block = ROW * lanes + 12
    figure = new_figure(height=block * len(rows) + 64)
    ax = add_axes(figure, left=170, right=170, top=8, bottom=52, grid="x")
    ax.set_xlim(*limits)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), labels=[wrapped(row, columns=22) for row in rows])
    for place in range(1, len(rows)):
        ax.axhline(place - 0.5, color=QUIET, linewidth=0.5)
    for order, source in enumerate(sources):
        colour, marker = DATA[order % len(DATA)], MARKERS[order % len(MARKERS)]
        face = "none" if hollow else colour
        shift = 0.0 if is_ranking else (order - (len(sources) - 1) / 2) * ROW / block
        for row in range(len(rows)):
            value = values[row, order]
            if np.isnan(value):
                continue
            ends = [lower[row, order], upper[row, order]]
            ax.plot(ends, [row + shift] * 2, color=colour, linewidth=3, alpha=0.55, clip_on=False)
            ax.plot(
                value, row + shift, marker=marker, color=colour, markerfacecolor=face,
                markersize=8, linestyle="none", clip_on=False, zorder=4,
            )  # fmt: skip
            if ringed is not None and ringed[row, order]:
                ax.plot(
                    value, row + shift, marker="o", markersize=16, markerfacecolor="none",
                    color=INK, markeredgewidth=1.3, linestyle="none", clip_on=False, zorder=5,
                )  # fmt: skip
        ax.plot([], [], marker=marker, color=colour, markerfacecolor=face, linestyle="none",
                label=wrapped(source, columns=20))  # fmt: skip
    if threshold is not None:
        ax.axvline(threshold, color=INK, linewidth=1, linestyle=(0, (3, 3)))
    ax.set_xlabel(axis)
    if not is_ranking:
        ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return render_svg(
        figure,
        title=title,
        description="; ".join(
            f"{label}: "
            + ", ".join(
                f"{source} {value:.2f}"
                for source, value in zip(sources, values[row], strict=True)
                if not np.isnan(value)
            )
            for row, label in enumerate(rows)
        ),
    )


def sweep_svg(*, title: str, name: str, sweep: AlphaSweep, hollow: bool = False) -> str:
    """Welfare of each source along alpha with its band, and who leads in a strip below.

    The usual alphas stand at equal distances, infinity last and without a band.
    """
    figure = new_figure(height=420)
    ax = add_axes(figure, left=64, right=170, top=16, bottom=116, grid="y")
    finite = np.asarray([alpha for alpha in sweep.alphas if alpha != inf])
    places = np.interp(finite, _FINITE, np.arange(len(_FINITE)))
    ticks = [place_of(alpha) for alpha in ALPHAS]
    marked = [int(np.flatnonzero(finite == alpha)[0]) for alpha in _FINITE]
    for order, source in enumerate(sweep.sources):
        colour, marker = DATA[order % len(DATA)], MARKERS[order % len(MARKERS)]
        face = "none" if hollow else colour
        welfare = sweep.welfare[: len(finite), order]
        low, high = sweep.lower[: len(finite), order], sweep.upper[: len(finite), order]
        ax.fill_between(places, low, high, color=colour, alpha=0.16, linewidth=0)
        ax.plot(
            places, welfare, color=colour, marker=marker, markersize=6, markevery=marked,
            markerfacecolor=face, label=wrapped(source, columns=20),
        )  # fmt: skip
        ax.plot(
            [ticks[-2], ticks[-1]], [welfare[-1], sweep.welfare[-1, order]], color=colour,
            linestyle=(0, (1, 2)), marker=marker, markersize=6, markevery=[1],
            markerfacecolor=face,
        )  # fmt: skip
    for crossing in sweep.crossings:
        ax.axvline(place_of(crossing.alpha), color=INK, linewidth=1, linestyle=(0, (3, 3)))
    ax.set_xticks(ticks, labels=[])
    ax.set_xlim(-0.2, len(ALPHAS) - 0.8)
    ax.set_ylim(0, 1)
    ax.set_ylabel(f"welfare by {name.lower()}", color=QUIET)
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    below = add_axes(figure, left=64, right=170, top=316, bottom=72)
    _leaders(below, sweep)
    below.set_xlim(-0.2, len(ALPHAS) - 0.8)
    below.set_xticks(ticks, labels=[alpha_label(alpha) for alpha in ALPHAS])
    below.set_xlabel(
        "α: 0 counts every juror alike, ∞ only the worst-off. The strip says who leads"
    )
    return render_svg(
        figure,
        title=title,
        description="; ".join(
            f"{source}: "
            + ", ".join(
                f"{value:.2f} at alpha {alpha_label(alpha)}"
                for alpha, value in zip(sweep.alphas, sweep.welfare[:, order], strict=True)
                if alpha in ALPHAS
            )
            for order, source in enumerate(sweep.sources)
        ),
    )


def place_of(alpha: float) -> float:
    """Where an alpha stands on the axis of the usual ones; beyond 16 the way to infinity is one."""
    last = len(_FINITE) - 1
    if alpha <= _FINITE[-1]:
        return float(np.interp(alpha, _FINITE, np.arange(len(_FINITE))))
    return last + 1 - _FINITE[-1] / alpha


def _leaders(ax: Axes, sweep: AlphaSweep) -> None:
    """Who leads between two crossings, as a named piece of a strip."""
    first = sweep.crossings[0].before if sweep.crossings else leaders(sweep, 0)[0]
    starts = [place_of(0.0), *(place_of(crossing.alpha) for crossing in sweep.crossings)]
    names = [first, *(crossing.after for crossing in sweep.crossings)]
    ends = [*starts[1:], place_of(inf)]
    for start, end, name in zip(starts, ends, names, strict=True):
        colour = DATA[sweep.sources.index(name) % len(DATA)]
        ax.barh(0, end - start, left=start, height=1, color=colour, alpha=0.3)
        if end - start >= 0.12 * len(name):
            ax.text((start + end) / 2, 0, name, ha="center", va="center", fontsize=12)
    ax.set_ylim(-0.5, 0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def leaders(sweep: AlphaSweep, row: int) -> list[str]:
    """The sources with the highest welfare at an alpha; more than one where they tie."""
    welfare = sweep.welfare[row]
    return [sweep.sources[index] for index in np.flatnonzero(welfare >= np.nanmax(welfare) - 1e-9)]
