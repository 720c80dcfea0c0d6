"""How much of the window each source expresses, and whose views it leaves out."""

from collections.abc import Mapping, Sequence

import numpy as np

from annotations.domain.measured import Measured
from annotations.figures.svg import (
    DATA,
    INK,
    MARKERS,
    SMALL,
    Chart,
    add_axes,
    dot_strip,
    new_figure,
    wrapped,
)

TICKS = (0, 0.25, 0.5, 0.75, 1)
TICK_LABELS = ("0 %", "25 %", "50 %", "75 %", "100 %")
# Half-widths of an axis of differences, whose halves are round too.
REACHES = (0.04, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def coverage_svg(
    *, title: str, values: Mapping[str, Sequence[float]], means: Mapping[str, Measured]
) -> str:
    """A strip per source, a dot per query at its coverage; the mean with its interval."""
    return strips_chart(
        title=title,
        axis="coverage: share of the query’s reasonable answers that are expressed",
        values=values,
        means=means,
    ).svg()


def strips_chart(
    *,
    title: str,
    axis: str,
    values: Mapping[str, Sequence[float]],
    means: Mapping[str, Measured],
    predicted: Mapping[str, Sequence[bool]] | None = None,
) -> Chart:
    """A strip per source, a dot per query at its value of a measure; the mean with its interval.

    Dots of queries for which a model's readings count are hollow (`predicted`). The axis runs from
    0 to 100 %, further where a value of coverage per 100 words does.
    """
    top = max((own for row in values.values() for own in row if not np.isnan(own)), default=1.0)
    limit = max(1.0, float(np.ceil(4 * top) / 4))
    labels = {name: wrapped(name, columns=24, lines=2) for name in values}
    row = 58
    figure = new_figure(height=row * len(values) + 62)
    ax = add_axes(figure, left=190, right=20, top=8, bottom=54, grid="x")
    dot_strip(
        ax,
        {labels[name]: found for name, found in values.items()},
        limits=(0, limit),
        predicted={labels[name]: own for name, own in (predicted or {}).items()},
        intervals={
            labels[name]: (
                mean.value,
                mean.value if mean.low is None else mean.low,
                mean.value if mean.high is None else mean.high,
            )
            for name, mean in means.items()
            if mean.value is not None
        },
    )
    if limit == 1:
        ax.set_xticks(TICKS, labels=TICK_LABELS)
    else:
        ticks = ax.get_xticks()
        ax.set_xticks(ticks, labels=[f"{100 * tick:.0f} %" for tick in ticks])
        ax.set_xlim(0, limit)
    ax.set_xlabel(axis)
    parts = [
        f"{name}: mean {100 * mean.value:.0f} % over {mean.count} queries."
        for name, mean in means.items()
        if mean.value is not None
    ]
    return Chart(figure, title, " ".join(parts))


def groups_svg(*, title: str, groups: Mapping[str, Mapping[str, Measured]]) -> str:
    """As :func:`groups_chart`, for a page."""
    return groups_chart(title=title, groups=groups).svg()


def groups_chart(*, title: str, groups: Mapping[str, Mapping[str, Measured]]) -> Chart:
    """A row per group; a mark per source at the share of that group's views which it expresses.

    Args:
        title: the question that the figure answers.
        groups: group -> source -> weighted coverage.
    """
    sources = list(next(iter(groups.values()), {}))
    step = 14.0 + 9.0 * len(sources)
    figure = new_figure(height=step * len(groups) + 64 + 20 * ((len(sources) + 2) // 3))
    ax = add_axes(
        figure, left=190, right=20, top=8, bottom=56 + 20 * ((len(sources) + 2) // 3), grid="x"
    )
    ax.set(xlim=(0, 1), ylim=(len(groups) - 0.5, -0.5))
    ax.set_xticks(TICKS, labels=TICK_LABELS)
    ax.set_yticks(
        range(len(groups)), labels=[wrapped(name, columns=26, lines=1) for name in groups]
    )
    ax.set_xlabel("share of what the group holds that is expressed")
    for place, source in enumerate(sources):
        colour, marker = DATA[place % len(DATA)], MARKERS[place % len(MARKERS)]
        shift = (place - (len(sources) - 1) / 2) * 9.0 / step
        for row, measured in enumerate(found[source] for found in groups.values()):
            if measured.value is None:
                continue
            if measured.low is not None and measured.high is not None:
                ax.plot(
                    [measured.low, measured.high], [row + shift] * 2, color=colour,
                    linewidth=3, alpha=0.35, clip_on=False,
                )  # fmt: skip
            ax.plot(
                [measured.value], [row + shift], linestyle="none", marker=marker, markersize=7,
                color=colour, clip_on=False, zorder=3,
                label=source if row == 0 else "_nolegend_",
            )  # fmt: skip
    for row in range(1, len(groups)):
        ax.axhline(row - 0.5, color=INK, linewidth=0.5, alpha=0.12)
    height = step * len(groups)
    for place, source in enumerate(sources):
        x, y = 0.36 * (place % 3) - 0.3, -(56 + 20 * (place // 3)) / height
        ax.plot(
            [x], [y], transform=ax.transAxes, linestyle="none", clip_on=False,
            marker=MARKERS[place % len(MARKERS)], markersize=7, color=DATA[place % len(DATA)],
        )  # fmt: skip
        ax.text(
            x + 0.02, y, wrapped(source, columns=26, lines=1), transform=ax.transAxes,
            va="center", size=SMALL,
        )  # fmt: skip
    return Chart(
        figure,
        title,
        f"{len(groups)} groups and {len(sources)} sources; the table has the numbers.",
    )


def differences_chart(*, title: str, axis: str, rows: Sequence[tuple[str, Measured]]) -> Chart:
    """A row per comparison: the mean difference with its interval, and a line at no difference.

    A filled mark's interval leaves zero out; a hollow diamond's does not.
    """
    reach = max(
        (abs(end) for _, own in rows for end in (own.value, own.low, own.high) if end is not None),
        default=0.5,
    )
    reach = next((own for own in REACHES if own >= reach), float(np.ceil(reach)))
    figure = new_figure(height=34 * len(rows) + 62)
    ax = add_axes(figure, left=250, right=24, top=8, bottom=54, grid="x")
    ax.set(xlim=(-reach, reach), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(
        range(len(rows)), labels=[wrapped(words, columns=34, lines=2) for words, _ in rows]
    )
    ticks = np.linspace(-reach, reach, 5)
    ax.set_xticks(ticks, labels=[f"{100 * tick:+.3g} %" if tick else "0 %" for tick in ticks])
    ax.axvline(0, color=INK, linewidth=1, linestyle=(0, (3, 3)))
    ax.set_xlabel(axis)
    for place, (_, own) in enumerate(rows):
        if own.value is None:
            ax.text(0, place, " no common query", va="center", size=SMALL)
            continue
        is_settled = own.low is not None and own.high is not None and (own.low > 0 or own.high < 0)
        if own.low is not None and own.high is not None:
            ax.plot(
                [own.low, own.high], [place, place], color=DATA[0], linewidth=4, alpha=0.4,
                clip_on=False,
            )  # fmt: skip
        ax.plot(
            [own.value], [place], linestyle="none", marker="o" if is_settled else "D",
            markersize=8, color=DATA[0], markerfacecolor=DATA[0] if is_settled else "none",
            clip_on=False, zorder=4,
        )  # fmt: skip
    parts = [
        f"{words}: {100 * own.value:+.0f} %"
        + ("" if own.low is None or own.high is None
           else f" ({100 * own.low:+.0f} to {100 * own.high:+.0f})")
        for words, own in rows
        if own.value is not None
    ]  # fmt: skip
    return Chart(figure, title, ". ".join(parts))
