"""Agreement on each criterion: a mark with its interval, groups below the whole."""

from collections.abc import Sequence

from annotations.domain.agreement import Agreement
from annotations.figures.svg import BLUE, INK, QUIET, add_axes, new_figure, render_svg

ROW = 30


def agreement_svg(rows: Sequence[tuple[str, Agreement, bool]]) -> str:
    """Alpha by row; `rows` hold a label, the agreement, and whether it is of a whole jury."""
    figure = new_figure(height=ROW * len(rows) + 64)
    ax = add_axes(figure, left=230, right=24, top=8, bottom=52, grid="x")
    least = min([0.0, *(row.alpha.low or row.alpha.value or 0.0 for _, row, _ in rows)])
    for place, (_, row, is_whole) in enumerate(rows):
        alpha = row.alpha
        colour = BLUE if is_whole else QUIET
        if alpha.low is not None and alpha.high is not None:
            ax.plot([alpha.low, alpha.high], [place, place], color=colour, linewidth=2)
        if alpha.value is None:
            ax.text(0.02, place, "not defined", va="center", color=QUIET)
            continue
        ax.plot(
            alpha.value,
            place,
            marker="D" if is_whole else "o",
            color=colour,
            markersize=9 if is_whole else 6,
            linestyle="none",
        )
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(min(-0.05, least - 0.03), 1.0)
    ax.set_yticks(range(len(rows)), labels=[label for label, _, _ in rows])
    ax.set_xlabel("Krippendorff's α (0: as chance would, 1: all agree)")
    return render_svg(
        figure,
        title="How far do the jurors agree?",
        description="; ".join(
            f"{label}: "
            + ("not defined" if row.alpha.value is None else f"alpha {row.alpha.value:.2f}")
            for label, row, _ in rows
        ),
    )
