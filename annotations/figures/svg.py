"""The house style of charts, and the one way from a matplotlib figure to an SVG in a page.

A chart is made with matplotlib's object interface (never pyplot), in the units of the page: a
figure of 720 by 300 is 720 by 300 CSS pixels at its natural size, and a font size of 13 is 13
pixels. A typical figure module reads::

    figure = new_figure(height=40 + 36 * len(groups))
    ax = add_axes(figure, left=180, right=16, top=8, bottom=44, grid="x")
    dot_strip(ax, utilities_by_group, limits=(0, 1), intervals=intervals)
    ax.set_xlabel("utility")
    svg = render_svg(figure, title="How ...?", description="Forty jurors ...")

What :func:`render_svg` returns has no `style` attribute, no `<style>`, no script and no id that
another chart on the page could share, so that it stands inline under a strict content security
policy. Ink (`INK`, `QUIET`, `LINE`) becomes `currentColor`: put the chart where the page's own
colour rules (`figure__plot--bare`) and it follows dark mode. The data colours (`DATA`, by Okabe and
Ito) hold on both grounds. The same figure gives the same bytes on every machine.

Rules of the house: people before averages; a hollow mark is predicted, a filled one was said; never
colour alone, so vary the shape too (`MARKERS`); text is text, so write α and ₁ as they are and use
no `$...$` (a dollar sign in a label stays a dollar sign).
"""

import hashlib
import io
import re
import textwrap
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

INK = "#211d17"
PAPER = "#fffdf8"
QUIET = "#5b5346"
LINE = "#ddd4c4"
BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
PINK = "#cc79a7"
ORANGE = "#e69f00"
SKY = "#56b4e9"
YELLOW = "#f0e442"
# In the order in which to use them. The pale yellow comes last and needs an edge of INK.
DATA = (BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, YELLOW)
MARKERS = ("o", "s", "D", "^", "v", "P", "X")

WIDTH = 720.0
TEXT = 13.0
SMALL = 12.0
FAMILY = "Public Sans, system-ui, sans-serif"

# One style for the process: matplotlib's own context managers are not safe between threads.
mpl.rcParams.update(
    {
        "font.family": "sans-serif",
        "font.size": TEXT,
        "svg.fonttype": "none",
        "svg.hashsalt": "venire",
        "text.parse_math": False,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.labelsize": TEXT,
        "axes.labelpad": 8,
        "axes.edgecolor": QUIET,
        "axes.facecolor": "none",
        "axes.linewidth": 1,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.facecolor": "none",
        "figure.edgecolor": "none",
        "grid.color": LINE,
        "grid.linewidth": 1,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.labelcolor": QUIET,
        "ytick.labelcolor": INK,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": TEXT,
        "xtick.major.size": 5,
        "ytick.major.size": 0,
        "ytick.major.pad": 8,
        "legend.frameon": False,
        "legend.fontsize": SMALL,
        "lines.linewidth": 2,
        "lines.solid_capstyle": "butt",
        "lines.markersize": 8,
        "savefig.facecolor": "none",
    }
)

FloatArray = NDArray[np.float64]

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_DROPPED = frozenset({f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"})
# Page colours that follow the reader's scheme, with the opacity that makes them quieter.
_FROM_INK = {INK: None, "#000000": None, QUIET: "0.75", LINE: "0.2"}
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REFERENCE = re.compile(r"#([\w.-]+)")
_NO_TURN = re.compile(r"^rotate\(-?0(?: [^)]*)?\)$")
_FONT_SIZE = re.compile(r"([\d.]+px)")
_LOCK = threading.Lock()


class FigureProblem(ValueError):
    """A figure uses something that can't stand in a page."""


def new_figure(width: float = WIDTH, height: float = 320.0) -> Figure:
    """An empty figure on the page's own ground; width and height in CSS pixels."""
    return Figure(figsize=(width / 72, height / 72), dpi=72)


def add_axes(
    figure: Figure,
    *,
    left: float,
    right: float = 16.0,
    top: float = 12.0,
    bottom: float = 48.0,
    grid: Literal["x", "y", ""] = "",
) -> Axes:
    """Axes with margins in CSS pixels, without the upper and right spines.

    With `grid` the values run along that axis: it gets quiet lines, and the spine across it goes.
    """
    width, height = (float(side) * 72 for side in figure.get_size_inches())
    ax = figure.add_axes(
        (
            left / width,
            bottom / height,
            max(1.0, width - left - right) / width,
            max(1.0, height - top - bottom) / height,
        )
    )
    if grid:
        ax.grid(visible=True, axis=grid)
        ax.spines["left" if grid == "x" else "bottom"].set_visible(False)
        ax.tick_params(axis=grid, length=0)
    return ax


def wrapped(text: str, *, columns: int, lines: int = 2) -> str:
    """A label in at most so many lines of so many characters, with an ellipsis where it is cut."""
    return "\n".join(
        textwrap.wrap(
            " ".join(text.split()), width=columns, max_lines=lines, placeholder=" …"
        )  # an empty text gives no line
    )


def mean_mark(
    ax: Axes,
    *,
    y: float,
    mean: float,
    low: float | None = None,
    high: float | None = None,
    height: float = 0.6,
    colour: str = INK,
) -> None:
    """A mean as an upright line at row `y`, with its interval as a pale band across.

    Args:
        ax: axes whose rows are one unit apart.
        y: the row.
        mean: where the line stands, in data units.
        low: lower end of the interval; None for a mean without one.
        high: upper end.
        height: of the line, in rows.
        colour: of both.
    """
    if low is not None and high is not None:
        ax.plot(
            [low, high], [y, y], color=colour, linewidth=7, alpha=0.3, clip_on=False, zorder=2.5
        )
    ax.plot(
        [mean, mean],
        [y - height / 2, y + height / 2],
        color=colour,
        linewidth=2.5,
        clip_on=False,
        zorder=4,
    )


def dot_strip(
    ax: Axes,
    values_by_group: Mapping[str, Sequence[float]],
    *,
    limits: tuple[float, float],
    predicted: Mapping[str, Sequence[bool]] | None = None,
    intervals: Mapping[str, tuple[float, float, float]] | None = None,
    colours: Mapping[str, str] | None = None,
    size: float = 7.0,
) -> None:
    """One dot per person, a strip per group, the first group on top; the mean with its interval.

    Dots that would cover each other are stacked around the row's middle, closer together where a
    strip is crowded; nothing is jittered at random. NaN (not said) has no dot.

    Args:
        ax: empty axes with values along x (`add_axes(..., grid="x")`).
        values_by_group: values of each group's people, in data units, in the bench's order.
        limits: the scale's declared bounds, which become the axis.
        predicted: per group, True where the value is a model's guess: its mark is hollow.
        intervals: per group (mean, low, high).
        colours: per group; `DATA[0]` otherwise.
        size: diameter of a dot in CSS pixels.

    Raises:
        FigureProblem: `predicted` has another number of people than the values.
    """
    names = list(values_by_group)
    ax.set_xlim(*limits)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks(range(len(names)), labels=names)
    box = ax.get_window_extent()
    column = size * (limits[1] - limits[0]) / max(1.0, box.width)
    row = size / max(1.0, box.height / max(1, len(names)))
    for place, name in enumerate(names):
        values = np.asarray(values_by_group[name], dtype=float)
        hollow = np.zeros(values.shape, dtype=bool)
        if predicted is not None and name in predicted:
            hollow = np.asarray(predicted[name], dtype=bool)
            if hollow.shape != values.shape:
                raise FigureProblem(
                    f"{name}: {values.size} values but {hollow.size} marks of prediction; "
                    "give one for each value."
                )
        said = ~np.isnan(values)
        values, hollow = values[said], hollow[said]
        along, across = _stacked(values=values, column=column, row=row)
        colour = DATA[0] if colours is None else colours.get(name, DATA[0])
        for marks, filled in ((~hollow, True), (hollow, False)):
            if marks.any():
                ax.scatter(
                    values[marks] + along[marks],
                    place + across[marks],
                    s=(size - 1) ** 2,
                    facecolors=colour if filled else "none",
                    edgecolors=colour,
                    linewidths=1 if filled else 1.4,
                    clip_on=False,
                    zorder=3,
                )
        if intervals is not None and name in intervals:
            mean, low, high = intervals[name]
            mean_mark(ax, y=place, mean=mean, low=low, high=high, height=0.8)


def _stacked(*, values: FloatArray, column: float, row: float) -> tuple[FloatArray, FloatArray]:
    """Offsets (in data units, in rows) that put dots of about the same value beside each other.

    They stand in a heap around the row's middle: upwards and downwards first, then in as many
    columns as fit before the next heap; closer together where even those are too few.
    """
    across, along = np.zeros(values.size), np.zeros(values.size)
    places = np.round(values / column).astype(int)
    occupied = np.unique(places)
    gaps = np.diff(occupied)
    deep = max(1, 2 * int(0.42 / row) + 1)
    for number, place in enumerate(occupied):
        members = np.flatnonzero(places == place)
        room = int(min(gaps[max(0, number - 1) : number + 1], default=deep))
        columns = max(1, min(-(-members.size // deep), room - 1))
        ranks = np.arange(members.size)
        levels, files = ranks // columns, ranks % columns
        steps = np.where(levels % 2 == 1, -(levels + 1) // 2, levels // 2)
        span = max(1, int(np.abs(steps).max()))
        across[members] = steps * min(row, 0.42 / span)
        along[members] = (files - (columns - 1) / 2) * column
    return along, across


def render_svg(figure: Figure, *, title: str, description: str) -> str:
    """The figure as an SVG element for a page: no styles, no shared ids, text as text.

    It carries a `viewBox` and no size of its own, so that the page's sheet (or its container) sets
    the width. Same figure, title and description: same bytes.

    Args:
        figure: made by :func:`new_figure`.
        title: what the chart asks; read out first, and shown as a tooltip.
        description: what it shows, in words that stand without the picture.

    Raises:
        FigureProblem: a label was set in math text, which the house style does not use.
    """
    raw = io.BytesIO()
    with _LOCK, warnings.catch_warnings():
        # The browser's fonts draw the text; a glyph that the measuring font lacks is no trouble.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(raw, format="svg", dpi=72, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(raw.getvalue())  # noqa: S314 - matplotlib wrote it a line above
    for element in list(root.iter()):
        for child in [child for child in element if child.tag in _DROPPED]:
            element.remove(child)
        _plain_attributes(element)
    _drop_invisible(root)
    _flatten(root)
    _rename_ids(root, prefix="c" + _digest(root, title, description))
    _head(root, title=title, description=description)
    text = ET.tostring(root, encoding="unicode").replace("\n", " ")
    if "\\mathdefault" in text:
        raise FigureProblem(
            "A label is set in math text, as those of logarithmic axes are. Set the tick labels "
            "yourself, in plain characters."
        )
    return text


@dataclass(frozen=True)
class Chart:
    """A drawn figure with its title and description, as the forms in which it is handed out."""

    figure: Figure
    title: str
    description: str

    def svg(self) -> str:
        """For a page or a file: :func:`render_svg`."""
        return render_svg(self.figure, title=self.title, description=self.description)

    def png(self) -> bytes:
        """For a document: twice the page's pixels, on paper, its title and description within."""
        raw = io.BytesIO()
        with _LOCK, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
            self.figure.savefig(
                raw,
                format="png",
                dpi=144,
                facecolor=PAPER,
                metadata={
                    "Title": self.title,
                    "Description": self.description,
                    "Software": None,
                },
            )
        return raw.getvalue()


def _plain_attributes(element: ET.Element) -> None:
    """Declarations of `style` as attributes, ink as currentColor, numbers with two decimals."""
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            size = _FONT_SIZE.search(value)
            element.set("font-size", size.group(1) if size else f"{TEXT:g}px")
            if "italic" in value or "oblique" in value:
                element.set("font-style", "italic")
            if re.search(r"\b(bold|[6-9]00)\b", value):
                element.set("font-weight", "600")
        elif name and name != "font-family":
            element.set(name, value)
    for name in ("fill", "stroke"):
        colour = element.get(name, "").lower()
        if colour in _FROM_INK:
            element.set(name, "currentColor")
            opacity = _FROM_INK[colour]
            if opacity is not None and f"{name}-opacity" not in element.attrib:
                element.set(f"{name}-opacity", opacity)
    if element.tag == f"{{{_SVG}}}text" and "fill" not in element.attrib:
        element.set("fill", "currentColor")
    if _LINK in element.attrib:
        element.set("href", element.attrib.pop(_LINK))
    if _NO_TURN.match(element.get("transform", "")):
        del element.attrib["transform"]
    for name, value in element.attrib.items():
        if name != "id":
            element.set(name, " ".join(_NUMBER.sub(_short, value).split()))


def _short(number: re.Match[str]) -> str:
    text = f"{float(number.group()):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _drop_invisible(root: ET.Element) -> None:
    """Take out paths with neither fill nor stroke, such as the empty ground of the figure."""
    for parent in list(root.iter()):
        if parent.tag == f"{{{_SVG}}}defs" or parent.tag == f"{{{_SVG}}}clipPath":
            continue
        for child in list(parent):
            if child.tag == f"{{{_SVG}}}path" and (
                child.get("fill") == "none" and child.get("stroke", "none") == "none"
            ):
                parent.remove(child)


def _flatten(root: ET.Element) -> None:
    """Take out groups that say nothing: without attributes that matter, or empty."""
    used = set(_REFERENCE.findall(" ".join(_values(root))))
    for element in root.iter():
        if "id" in element.attrib and element.attrib["id"] not in used:
            del element.attrib["id"]
    _flatten_children(root)


def _values(root: ET.Element) -> list[str]:
    return [value for element in root.iter() for key, value in element.items() if key != "id"]


def _flatten_children(parent: ET.Element) -> None:
    children: list[ET.Element] = []
    for child in list(parent):
        _flatten_children(child)
        child.tail = None
        if child.tag == f"{{{_SVG}}}g" and not child.attrib:
            children.extend(child)
        elif len(child) or child.tag not in (f"{{{_SVG}}}g", f"{{{_SVG}}}defs"):
            children.append(child)
    for child in list(parent):
        parent.remove(child)
    parent.extend(children)
    if parent.tag not in (f"{{{_SVG}}}text", f"{{{_SVG}}}tspan"):
        parent.text = None


def _digest(root: ET.Element, title: str, description: str) -> str:
    content = ET.tostring(root, encoding="utf-8") + f"\0{title}\0{description}".encode()
    return hashlib.sha256(content).hexdigest()[:8]


def _rename_ids(root: ET.Element, *, prefix: str) -> None:
    """Short ids under a prefix of this chart's own, in the order in which they stand."""
    names: dict[str, str] = {}
    for element in root.iter():
        if "id" in element.attrib:
            names[element.attrib["id"]] = f"{prefix}-{len(names)}"
            element.set("id", names[element.attrib["id"]])
    for element in root.iter():
        for key, value in element.items():
            if key != "id" and "#" in value:
                element.set(
                    key, _REFERENCE.sub(lambda m: f"#{names.get(m.group(1), m.group(1))}", value)
                )
    root.set("id", prefix)


def _head(root: ET.Element, *, title: str, description: str) -> None:
    """Title, description, role and the attributes that all parts inherit."""
    prefix = root.attrib.pop("id")
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-desc")
    root.set("font-family", FAMILY)
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{prefix}-{tag}"})
        child.text = text
        root.insert(place, child)


ET.register_namespace("", _SVG)
