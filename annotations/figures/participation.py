"""Who answered: one mark per seat, a row per trait, the quota as a bracket."""

from matplotlib.ticker import MaxNLocator

from annotations.figures.svg import BLUE, INK, ORANGE, QUIET, add_axes, new_figure, render_svg
from annotations.selectors.progress import FINISHED, GONE, NOT_STARTED, STAGES, WORKING, Stratum

ROW = 26
# Shape and colour both tell the stage; declared here so that the legend can't differ.
MARKS = {FINISHED: ("o", BLUE), WORKING: ("s", ORANGE), NOT_STARTED: ("_", QUIET), GONE: ("x", INK)}


def participation_svg(strata: tuple[Stratum, ...]) -> str:
    """Seats by trait: finished, at work, not started, gone; against minimum and maximum."""
    rows = _rows(strata)
    most = max([len(item.seats) for item in strata] + [item.maximum or 0 for item in strata])
    figure = new_figure(height=ROW * len(rows) + 96)
    ax = add_axes(figure, left=170, right=24, top=38, bottom=46, grid="x")
    labels = []
    for place, row in enumerate(rows):
        if isinstance(row, str):
            labels.append(row.upper())
            continue
        labels.append(row.value)
        ordered = sorted(row.seats, key=lambda seat: STAGES.index(seat.stage))
        for index, seat in enumerate(ordered):
            marker, colour = MARKS[seat.stage]
            ax.plot(index + 0.5, place, marker=marker, color=colour, markersize=7, linestyle="none")
        for bound in (row.minimum, row.maximum):
            if bound is not None:
                ax.plot([bound, bound], [place - 0.36, place + 0.36], color=INK, linewidth=1.6)
        if row.minimum is not None and row.maximum is not None:
            ax.plot(
                [row.minimum, row.maximum], [place + 0.36, place + 0.36], color=INK, linewidth=1.6
            )
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, most + 0.5)
    ax.set_yticks(range(len(rows)), labels=labels)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("seats")
    for stage, (marker, colour) in MARKS.items():
        ax.plot([], [], marker=marker, color=colour, linestyle="none", markersize=7, label=stage)
    ax.plot([], [], color=INK, linewidth=1.6, label="quota")
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1),
        ncols=5,
        handletextpad=0.2,
        columnspacing=1.0,
        handlelength=1.2,
    )
    return render_svg(
        figure,
        title="Who has answered, by trait?",
        description="; ".join(
            f"{item.feature} {item.value}: {item.count(FINISHED)} of {item.sitting} finished"
            for item in strata
        ),
    )


def _rows(strata: tuple[Stratum, ...]) -> list[str | Stratum]:
    """Strata with a heading before each feature."""
    rows: list[str | Stratum] = []
    for item in strata:
        if item.feature not in rows:
            rows.append(item.feature)
        rows.append(item)
    return rows
