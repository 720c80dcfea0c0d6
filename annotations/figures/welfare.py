"""Welfare of sources along alpha, each with its band."""

from math import inf

import numpy as np

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
from juries.domain.alpha_sweep import AlphaSweep


def alpha_label(alpha: float) -> str:
    """An alpha as it is written on an axis."""
    return "∞" if alpha == inf else f"{alpha:g}"


def welfare_svg(*, name: str, sweep: AlphaSweep) -> str:
    """One line a source; the alphas stand at equal distances, ∞ last and without a band."""
    figure = new_figure(height=360)
    ax = add_axes(figure, left=64, right=170, top=16, bottom=72, grid="y")
    places = np.arange(len(sweep.alphas), dtype=float)
    for order, source in enumerate(sweep.sources):
        colour, marker = DATA[order % len(DATA)], MARKERS[order % len(MARKERS)]
        welfare = sweep.welfare[:, order]
        lower, upper = sweep.lower[:, order], sweep.upper[:, order]
        known = ~np.isnan(lower)
        ax.fill_between(
            places[known], lower[known], upper[known], color=colour, alpha=0.16, linewidth=0
        )
        name_here = wrapped(source, columns=20)
        ax.plot(places, welfare, color=colour, marker=marker, markersize=6, label=name_here)
    for crossing in sweep.crossings:
        place = float(np.interp(crossing.alpha, *_finite(sweep.alphas)))
        ax.axvline(place, color=INK, linewidth=1, linestyle=(0, (3, 3)))
    ax.set_xticks(places, labels=[alpha_label(alpha) for alpha in sweep.alphas])
    ax.set_xlim(-0.2, len(places) - 0.8)
    ax.set_ylim(0, 1)
    ax.set_xlabel("α: 0 counts every juror alike, ∞ only the worst-off")
    ax.set_ylabel(f"welfare by {name.lower()}", color=QUIET)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return render_svg(
        figure,
        title=f"Which source serves the jury best by {name.lower()}?",
        description="; ".join(
            f"{source}: "
            + ", ".join(
                f"{value:.2f} at alpha {alpha_label(alpha)}"
                for alpha, value in zip(sweep.alphas, sweep.welfare[:, order], strict=True)
            )
            for order, source in enumerate(sweep.sources)
        ),
    )


def _finite(alphas: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """Alphas below ∞ and their places on the axis; ∞ stands in as twice the largest."""
    values = [alpha for alpha in alphas if alpha != inf]
    if inf in alphas:
        values.append(2 * max(values[-1], 1.0))
    return values, [float(place) for place in range(len(values))]
