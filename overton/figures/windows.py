"""A query's answers, placed by how acceptable they are and how many hold them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from annotations.domain.measured import Measured
from annotations.figures.svg import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    SMALL,
    VERMILION,
    Chart,
    add_axes,
    new_figure,
    render_svg,
    wrapped,
)
from overton.domain.windows import AnswerVerdict, JudgementCode, Verdict, WindowRule

# Colour and shape of each verdict of the rule: never colour alone.
VERDICT_MARKS = {
    Verdict.CORRECT: (GREEN, "P"),
    Verdict.REASONABLE: (BLUE, "o"),
    Verdict.UNDECIDED: (QUIET, "^"),
    Verdict.UNREASONABLE: (VERMILION, "s"),
    Verdict.EXCLUDED: (QUIET, "X"),
}
# The same for what one juror says.
SAID_MARKS = {
    JudgementCode.CORRECT: ("correct", GREEN, "P"),
    JudgementCode.REASONABLE: ("reasonable", BLUE, "o"),
    JudgementCode.CANT_SAY: ("can’t say", QUIET, "_"),
    JudgementCode.UNREASONABLE: ("unreasonable", VERMILION, "s"),
}
LINE_HEIGHT = 17
LANE = 44
COLUMNS = 100
PLOT_LEFT = 104
PLOT_RIGHT = 704
# So many jurors stand beside each other; a larger jury takes more lines.
BENCH = 75


@dataclass(frozen=True)
class PlacedAnswer:
    """An answer as the figure shows it: its words and the rule's verdict."""

    text: str
    verdict: AnswerVerdict


def window_chart(
    *, title: str, answers: Sequence[PlacedAnswer], rule: WindowRule, jurors: int
) -> Chart:
    """Each answer's acceptability and support with their intervals, in the order given.

    The shape and colour of the upper mark say the verdict; thin strokes are the groups that have a
    say; upright lines are the thresholds of the rule.
    """
    words = [wrapped(answer.text, columns=COLUMNS, lines=2) for answer in answers]
    tops = np.cumsum([0, *(LANE + LINE_HEIGHT * (text.count("\n") + 1) for text in words)]).astype(
        float
    )
    height = 34 + tops[-1] + 52
    figure = new_figure(height=float(height))
    ax = add_axes(figure, left=0, right=0, top=34, bottom=52)
    ax.set_axis_off()
    ax.set(xlim=(0, 720), ylim=(float(tops[-1]), 0))
    lanes = [
        float(top) + 12 + LINE_HEIGHT * (text.count("\n") + 1)
        for top, text in zip(tops, words, strict=False)
    ]
    _scale(ax, lanes=lanes, bottom=float(tops[-1]), rule=rule)
    strokes: list[tuple[float, float]] = []
    for top, lane, text, answer in zip(tops, lanes, words, answers, strict=False):
        ax.text(0, top + 2, text, va="top", linespacing=1.3)
        ax.text(0, lane + 4, answer.verdict.verdict.value, va="center", size=SMALL, color=QUIET)
        strokes += [
            (_x(group.acceptability.value), lane)
            for group in answer.verdict.groups
            if group.has_say and group.acceptability.value is not None
        ]
    if strokes:
        x, y = np.array(strokes).T
        ax.vlines(x, y - 7, y + 7, color=INK, linewidth=1, alpha=0.55)
    for verdict, (colour, marker) in VERDICT_MARKS.items():
        of_verdict = [
            (answer.verdict.everyone.acceptability, lane)
            for answer, lane in zip(answers, lanes, strict=True)
            if answer.verdict.verdict == verdict
        ]
        _estimates(ax, of_verdict, colour=colour, marker=marker, size=9)
    held = [
        (answer.verdict.everyone.support, lane + 16)
        for answer, lane in zip(answers, lanes, strict=True)
    ]
    _estimates(ax, held, colour=ORANGE, marker="D", size=6)
    parts = [
        f"{answer.text}: {answer.verdict.verdict.value}, acceptable to "
        f"{_percent(answer.verdict.everyone.acceptability)}, held by "
        f"{_percent(answer.verdict.everyone.support)}."
        for answer in answers
    ]
    return Chart(figure, title, f"{jurors} jurors. " + " ".join(parts))


Share = TypeVar("Share", float, NDArray[np.float64])


def _x(share: Share) -> Share:
    return PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)


def _percent(measured: Measured) -> str:
    return "nobody asked" if measured.value is None else f"{100 * measured.value:.0f} %"


def _scale(ax: Axes, *, lanes: Sequence[float], bottom: float, rule: WindowRule) -> None:
    """Ticks and thresholds, drawn beside the marks and not through the words."""
    upper = [lane - 9 for lane in lanes]
    lower = [lane + 22 for lane in lanes]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = [_x(tick)] * len(lanes)
        ax.vlines(x, upper, lower, color=QUIET, linewidth=1, alpha=0.25, zorder=0)
        ax.text(
            _x(tick), bottom + 4, f"{100 * tick:.0f} %", va="top", ha="center", size=SMALL,
            color=QUIET,
        )  # fmt: skip
    for share, name in ((rule.reasonable_share, "reasonable"), (rule.correct_share, "correct")):
        x = [_x(share)] * len(lanes)
        ax.vlines(x, upper, lower, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
        ax.text(
            _x(share),
            -10,
            f"{name} from {100 * share:.0f} %",
            va="bottom",
            ha="center" if share < 0.85 else "right",
            size=SMALL,
        )
    marks = (("find it acceptable", BLUE, "o"), ("hold it", ORANGE, "D"), ("one group", INK, "|"))
    _key(ax, y=bottom + 38, marks=marks, x=PLOT_LEFT)


def _estimates(
    ax: Axes,
    rows: Sequence[tuple[Measured, float]],
    *,
    colour: str,
    marker: str,
    size: float,
) -> None:
    """Marks with their intervals, each in its lane; those without a value are left out."""
    known = [(measured, y) for measured, y in rows if measured.value is not None]
    spans = [(m.low, m.high, y) for m, y in known if m.low is not None and m.high is not None]
    if spans:
        low, high, y = np.array(spans).T
        ax.hlines(
            y, _x(low), _x(high), color=colour, linewidth=size * 0.55, alpha=0.4, clip_on=False
        )
    if known:
        ax.plot(
            [_x(measured.value or 0.0) for measured, _ in known],
            [y for _, y in known],
            marker=marker,
            markersize=size,
            color=colour,
            linestyle="none",
            clip_on=False,
            zorder=4,
        )


def bench_chart(
    *,
    title: str,
    answers: Sequence[str],
    verdicts: NDArray[np.int8],
    holds: NDArray[np.float64],
) -> Chart:
    """One mark per juror and answer: shape and colour say her verdict, a stroke that she holds it.

    Jurors keep their column in every row. They stand in the order of their verdicts, the first
    answer's first, so that blocks show who agrees with whom.

    Args:
        title: the question that the figure answers.
        answers: their words, one a row.
        verdicts: (jurors, answers) of `JudgementCode`.
        holds: (jurors, answers), 1, 0 or NaN.
    """
    rank = {code: place for place, code in enumerate(SAID_MARKS)}
    keys = np.vectorize(lambda code: rank.get(JudgementCode(code), len(rank)), otypes=[int])(
        verdicts
    )
    order = np.lexsort(keys.T[::-1]) if keys.size else np.arange(0)
    count = verdicts.shape[0]
    across = min(max(1, count), BENCH)
    step = min(16.0, 712.0 / across)
    size = min(8.0, step * 0.72)
    lines = max(1, -(-count // across))
    words = [wrapped(text, columns=COLUMNS, lines=2) for text in answers]
    rows = [6 + 18 * lines + LINE_HEIGHT * (text.count("\n") + 1) for text in words]
    tops = np.cumsum([0, *rows]).astype(float)
    figure = new_figure(height=float(tops[-1] + 34))
    ax = add_axes(figure, left=0, right=0, top=0, bottom=34)
    ax.set_axis_off()
    ax.set(xlim=(0, 720), ylim=(float(tops[-1]), 0))
    x = 8 + (np.arange(count) % across) * step
    for row, (top, text) in enumerate(zip(tops, words, strict=False)):
        ax.text(0, top + 2, text, va="top", linespacing=1.3)
        first = top + LINE_HEIGHT * (text.count("\n") + 1) + 12
        y = first + (np.arange(count) // across) * 18
        for code, (_, colour, marker) in SAID_MARKS.items():
            said = verdicts[order, row] == code
            ax.plot(
                x[said],
                y[said],
                linestyle="none",
                marker=marker,
                markersize=size,
                color=colour,
                markeredgewidth=1.5 if marker == "_" else 0,
                clip_on=False,
            )
        held = holds[order, row] == 1
        ax.plot(
            x[held],
            y[held] + size,
            linestyle="none",
            marker="|",
            markersize=size * 0.6,
            markeredgewidth=1.6,
            color=INK,
            clip_on=False,
        )
    _key(ax, y=float(tops[-1]) + 20, marks=(*SAID_MARKS.values(), ("holds it herself", INK, "|")))
    given = int((verdicts >= 0).sum())
    return Chart(
        figure,
        title,
        f"{count} jurors, {len(answers)} answers, {given} verdicts; "
        "the table below has them counted.",
    )


def _key(ax: Axes, *, y: float, marks: Iterable[tuple[str, str, str]], x: float = 8.0) -> None:
    """Marks and their meaning (name, colour, shape), in one line from x on."""
    for name, colour, marker in marks:
        ax.plot(
            [x],
            [y],
            linestyle="none",
            marker=marker,
            markersize=8,
            color=colour,
            markeredgewidth=1.6 if marker in "_|" else 0,
            clip_on=False,
        )
        ax.text(x + 10, y, name, va="center", size=SMALL, color=QUIET)
        x += 26 + 7.2 * len(name)


def overview_svg(
    *, title: str, rows: Sequence[tuple[str, Sequence[tuple[float, Verdict]]]], rule: WindowRule
) -> str:
    """A row per query, a mark per answer at its acceptability, shaped by its verdict.

    Args:
        title: the question that the figure answers.
        rows: each query's words with its answers' acceptability and verdict.
        rule: its thresholds are drawn as upright lines.
    """
    left, step = 330.0, 22.0
    figure = new_figure(height=34 + step * len(rows) + 60)
    ax = add_axes(figure, left=left, right=16, top=34, bottom=60, grid="x")
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5))
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], labels=["0 %", "25 %", "50 %", "75 %", "100 %"])
    ax.set_yticks(range(len(rows)), labels=[wrapped(text, columns=46, lines=1) for text, _ in rows])
    ax.tick_params(axis="y", labelsize=SMALL)
    ax.set_xlabel("share of the verdicts that accept the answer")
    for share, name in ((rule.reasonable_share, "reasonable"), (rule.correct_share, "correct")):
        ax.axvline(share, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
        ax.text(
            share, -0.8, f"{name} from {100 * share:.0f} %", size=SMALL, va="bottom",
            ha="center" if share < 0.85 else "right",
        )  # fmt: skip
    for verdict, (colour, marker) in VERDICT_MARKS.items():
        points = [
            (share, place)
            for place, (_, answers) in enumerate(rows)
            for share, found in answers
            if found == verdict
        ]
        if points:
            xs, ys = zip(*points, strict=True)
            ax.plot(
                xs, ys, linestyle="none", marker=marker, markersize=7, color=colour,
                alpha=0.85, label=verdict.value, clip_on=False, zorder=3,
            )  # fmt: skip
    ax.legend(
        loc="upper left", bbox_to_anchor=(-0.86, -14 / max(1.0, step * len(rows))), ncols=3,
        handletextpad=0.2, columnspacing=1.0, borderaxespad=0.0,
    )  # fmt: skip
    return render_svg(
        figure,
        title=title,
        description=f"{len(rows)} queries; the table below has every answer's share and verdict.",
    )
