"""Numbers of the juries app as SVG that follows the page's colours."""

from collections.abc import Sequence
from math import ceil

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from juries.selectors.comparisons import MethodRow
from juries.selectors.draws import Chances

WIDTH = 720
PLOT_LEFT, PLOT_RIGHT = 12, 708
STRIP_HEIGHT = 150
DOT_PITCH = 6
CURVE_HEIGHT, CURVE_GAP, CURVE_LEFT = 96, 44, 56
NICE_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)


def chance_strip(chances: Chances) -> tuple[SafeString, int]:
    """A dot strip of everybody's chance; also how many people one dot stands for.

    Dots of equal chance are stacked. The dashed mark is the average, size over candidates.
    """
    top = max(chances.largest, chances.average) * 1.04 or 1.0
    columns: dict[int, int] = {}
    for step in chances.steps:
        column = int(step.probability / top * (PLOT_RIGHT - PLOT_LEFT) / DOT_PITCH)
        columns[column] = columns.get(column, 0) + step.candidates
    people_a_dot = max(1, ceil(max(columns.values()) * DOT_PITCH / (STRIP_HEIGHT - DOT_PITCH)))
    dots = [
        (PLOT_LEFT + column * DOT_PITCH + 3, STRIP_HEIGHT - 4 - level * DOT_PITCH)
        for column, people in sorted(columns.items())
        for level in range(ceil(people / people_a_dot))
    ]
    height = STRIP_HEIGHT + 40
    return (
        format_html(
            '<svg viewBox="0 0 {} {}" role="img" aria-label="{}"><g class="plot-dots">{}</g>'
            '<path class="plot-mean" d="M{} 6V{}"/>{}</svg>',
            WIDTH,
            height,
            f"Chances of {chances.candidates} candidates, from {chances.smallest:.4f} to "
            f"{chances.largest:.4f}; average {chances.average:.4f}",
            format_html_join("", '<circle class="plot-dot" cx="{}" cy="{}" r="2.5"/>', dots),
            _place(chances.average, top),
            STRIP_HEIGHT,
            _axis(top),
        ),
        people_a_dot,
    )


def _place(chance: float, top: float) -> str:
    return f"{PLOT_LEFT + chance / top * (PLOT_RIGHT - PLOT_LEFT):.1f}"


def _axis(top: float) -> SafeString:
    step = next((nice for nice in NICE_STEPS if top / nice <= 8), 0.25)
    marks = [number * step for number in range(int(top / step) + 1)]
    ticks = "".join(f"M{_place(mark, top)} {STRIP_HEIGHT}v6" for mark in marks)
    labels = format_html_join(
        "",
        '<text class="plot-text" x="{}" y="{}" text-anchor="{}">{}</text>',
        [
            (
                _place(mark, top),
                STRIP_HEIGHT + 26,
                "start" if mark == 0 else "middle" if mark < top * 0.96 else "end",
                f"{mark:.0%}",
            )
            for mark in marks
        ],
    )
    return format_html(
        '<path class="plot-axis" d="M{} {}H{}{}"/>{}',
        PLOT_LEFT,
        STRIP_HEIGHT,
        PLOT_RIGHT,
        ticks,
        labels,
    )


def sorted_chances(rows: Sequence[MethodRow], *, average: float) -> SafeString:
    """Everybody's chance in order, a strip for each method, all on the same two axes.

    The dashed line is the average, size over candidates.
    """
    shown = [row for row in rows if row.chances]
    top = max([average, *(row.chances[-1] for row in shown)]) * 1.04
    strips = [
        _curve(row, top=top, average=average, base=number * (CURVE_HEIGHT + CURVE_GAP))
        for number, row in enumerate(shown)
    ]
    height = len(shown) * (CURVE_HEIGHT + CURVE_GAP) + 8
    words = "; ".join(
        f"{row.label}: from {row.chances[0]:.2%} to {row.chances[-1]:.2%}" for row in shown
    )
    return format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        WIDTH,
        height,
        f"Chances in order by objective. {words}. Average {average:.2%}.",
        format_html_join("", "{}", ((strip,) for strip in strips)),
    )


def _curve(row: MethodRow, *, top: float, average: float, base: int) -> SafeString:
    head, foot = base + 24, base + 24 + CURVE_HEIGHT

    def level(chance: float) -> str:
        return f"{foot - chance / top * CURVE_HEIGHT:.1f}"

    width = PLOT_RIGHT - CURVE_LEFT
    count = len(row.chances)
    # No more points than pixels; the first and the last chance are always among them.
    points = min(count, width)
    places = [round(number * (count - 1) / max(1, points - 1)) for number in range(points)]
    line = " ".join(
        f"{'M' if number == 0 else 'L'}"
        f"{CURVE_LEFT + (place + 0.5) / count * width:.1f} {level(row.chances[place])}"
        for number, place in enumerate(places)
    )
    return format_html(
        '<text class="plot-text" x="{}" y="{}">{}</text>'
        '<path class="plot-axis" d="M{} {}V{}M{} {}H{}"/>'
        '<path class="plot-average" d="M{} {}H{}"/><path class="plot-line" d="{}"/>'
        '<text class="plot-text" x="{}" y="{}" text-anchor="end">{}</text>'
        '<text class="plot-text" x="{}" y="{}" text-anchor="end">0%</text>'
        '<text class="plot-text" x="{}" y="{}" text-anchor="end">{}</text>',
        CURVE_LEFT,
        base + 14,
        row.label,
        CURVE_LEFT,
        head,
        foot,
        CURVE_LEFT,
        foot,
        PLOT_RIGHT,
        CURVE_LEFT,
        level(average),
        PLOT_RIGHT,
        line,
        CURVE_LEFT - 6,
        head + 6,
        f"{top / 1.04:.0%}",
        CURVE_LEFT - 6,
        foot,
        PLOT_RIGHT,
        foot + 16,
        f"{count} candidates, smallest chance first",
    )
