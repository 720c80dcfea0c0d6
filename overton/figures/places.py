"""A query's answers as places on a plane: how acceptable each is, and how many hold it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from annotations.figures.svg import (
    INK,
    QUIET,
    SMALL,
    Chart,
    add_axes,
    new_figure,
    wrapped,
)
from overton.domain.windows import GroupVerdict, Verdict, WindowRule
from overton.figures.windows import VERDICT_MARKS

WIDE = 720.0
PANEL_HEIGHT = 250.0
LONE_HEIGHT = 340.0
KEY_ROW = 22.0
KEY_COLUMNS = 92
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
TICK_LABELS = ("0 %", "25 %", "50 %", "75 %", "100 %")
# Where a number may stand beside its mark, in pixels, the best place first.
AROUND = (
    *((11, 9), (-11, 9), (11, -9), (-11, -9), (0, 15), (0, -15), (18, 0), (-18, 0)),
    *((18, 18), (-18, 18), (18, -18), (-18, -18), (0, 28), (0, -28)),
)
NEAR_X, NEAR_Y = 15.0, 12.0


@dataclass(frozen=True)
class NumberedAnswer:
    """An answer of the plane: its number, its words, and the rule's verdict on it."""

    number: int
    text: str
    verdict: Verdict


@dataclass(frozen=True)
class Panel:
    """One group's plane.

    Attributes:
        name: of the group, with how many they are.
        places: the group's shares of each answer, in the order of the answers.
    """

    name: str
    places: Sequence[GroupVerdict]


def places_chart(
    *, title: str, answers: Sequence[NumberedAnswer], panels: Sequence[Panel], rule: WindowRule
) -> Chart:
    """Acceptability across, support upwards, each with its interval; a plane for each group.

    The shape and colour of a mark are the rule's verdict on the answer, its number leads to the key
    below with the verdict in words. Small marks are of groups with too few verdicts to have a say.
    Broken lines are the thresholds of the rule.
    """
    lone = len(panels) == 1
    across = 1 if lone else 2
    down = -(-len(panels) // across)
    high = LONE_HEIGHT if lone else PANEL_HEIGHT
    planes = down * high
    key = KEY_ROW * len(answers) + 12
    figure = new_figure(height=planes + key)
    for place, panel in enumerate(panels):
        row, column = divmod(place, across)
        width = WIDE / across
        ax = add_axes(
            figure,
            left=column * width + 74,
            right=WIDE - (column + 1) * width + 14,
            top=row * high + (30 if lone else 48),
            bottom=key + planes - (row + 1) * high + 50,
            grid="x",
        )
        _plane(ax, answers=answers, panel=panel, rule=rule, name="" if lone else panel.name)
    _key(figure, answers=answers, top=planes)
    shares = [
        f"{panel.name}: "
        + ", ".join(
            f"{answer.number} acceptable to {_percent(group.acceptability.value)}, held by "
            f"{_percent(group.support.value)}"
            for answer, group in zip(answers, panel.places, strict=True)
        )
        for panel in panels
    ]
    words = [f"{one.number}, {one.verdict.value}: {one.text}" for one in answers]
    return Chart(figure, title, " ".join((*(f"{text}." for text in shares), *words)))


def _percent(share: float | None) -> str:
    return "nobody asked" if share is None else f"{100 * share:.0f} %"


def _plane(
    ax: Axes, *, answers: Sequence[NumberedAnswer], panel: Panel, rule: WindowRule, name: str
) -> None:
    ax.set(xlim=(-0.03, 1.03), ylim=(-0.05, 1.05))
    ax.set_xticks(TICKS, labels=TICK_LABELS)
    ax.set_yticks(TICKS, labels=TICK_LABELS)
    ax.tick_params(axis="both", labelsize=SMALL)
    ax.grid(visible=True, axis="y")
    ax.set_xlabel("find it acceptable", size=SMALL)
    ax.set_ylabel("hold it", size=SMALL)
    if name:
        ax.set_title(wrapped(name, columns=44, lines=1), size=SMALL, loc="left", pad=22)
    for share, word in ((rule.reasonable_share, "reasonable"), (rule.correct_share, "correct")):
        ax.axvline(share, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
        ax.text(
            share, 1.07, f"{word} from {100 * share:.0f} %", size=SMALL, va="bottom",
            ha="center" if share < 0.85 else "right", color=QUIET, clip_on=False,
        )  # fmt: skip
    drawn: list[tuple[float, float, NumberedAnswer]] = []
    for answer, group in zip(answers, panel.places, strict=True):
        x, y = group.acceptability, group.support
        if x.value is None or y.value is None:
            continue
        colour, marker = VERDICT_MARKS[answer.verdict]
        thin: dict[str, Any] = {"color": colour, "linewidth": 2.5, "alpha": 0.35, "zorder": 2}
        if x.low is not None and x.high is not None:
            ax.plot([x.low, x.high], [y.value, y.value], **thin)
        if y.low is not None and y.high is not None:
            ax.plot([x.value, x.value], [y.low, y.high], **thin)
        ax.plot(
            [x.value], [y.value], linestyle="none", marker=marker, color=colour, clip_on=False,
            markersize=9 if group.has_say else 5.5, zorder=4,
        )  # fmt: skip
        drawn.append((x.value, y.value, answer))
    _numbers(ax, drawn)
    missing = len(answers) - len(drawn)
    if missing:
        ax.text(
            1.0, -0.02, f"{missing} without a share here", size=SMALL, color=QUIET, va="bottom",
            ha="right",
        )  # fmt: skip


def _numbers(ax: Axes, drawn: Sequence[tuple[float, float, NumberedAnswer]]) -> None:
    """Each mark's number beside it, where neither a mark nor another number stands."""
    box = ax.get_window_extent()
    scale = np.array([box.width / 1.06, box.height / 1.1])
    marks = [np.array([x, y]) * scale for x, y, _ in drawn]
    taken = list(marks)
    for mark, (_, _, answer) in zip(marks, drawn, strict=True):
        spot = next(
            (
                mark + np.array(step)
                for step in AROUND
                if all(
                    abs((mark + np.array(step) - other)[0]) >= NEAR_X
                    or abs((mark + np.array(step) - other)[1]) >= NEAR_Y
                    for other in taken
                    if other is not mark
                )
            ),
            mark + np.array(AROUND[0]),
        )
        taken.append(spot)
        x, y = spot / scale
        ax.text(
            float(x), float(y), str(answer.number), size=SMALL, ha="center", va="center",
            zorder=6, clip_on=False,
        )  # fmt: skip


def _key(figure: Drawing, *, answers: Sequence[NumberedAnswer], top: float) -> None:
    """A line for each answer: its number, the mark of its verdict, the verdict, its words."""
    ax = add_axes(figure, left=0, right=0, top=top, bottom=0)
    ax.set_axis_off()
    ax.set(xlim=(0, WIDE), ylim=(KEY_ROW * len(answers) + 12, 0))
    for row, answer in enumerate(answers):
        y = 8 + KEY_ROW * row
        colour, marker = VERDICT_MARKS[answer.verdict]
        ax.text(20, y, str(answer.number), va="center", ha="right", size=SMALL)
        ax.plot(
            [36], [y], linestyle="none", marker=marker, markersize=8, color=colour, clip_on=False
        )
        ax.text(50, y, answer.verdict.value, va="center", size=SMALL, color=QUIET)
        ax.text(140, y, wrapped(answer.text, columns=KEY_COLUMNS, lines=1), va="center", size=SMALL)
