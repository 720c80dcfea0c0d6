"""A drawing with its words, as SVG and PNG."""

import io
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from annotations.figures.svg import render_svg
from annotations.ports import Table

PNG_DPI = 144


@dataclass(frozen=True)
class Drawing:
    """A figure of a report.

    Attributes:
        key: part of file names and addresses.
        title: the question that it answers.
        description: what it shows, in words that stand without the picture.
        caption: units and caveats.
        finding: the answer, in a sentence.
        interval: what the intervals are.
        n: how many of what.
        table: the numbers.
        draw: makes the picture anew.
    """

    key: str
    title: str
    description: str
    caption: str
    finding: str
    interval: str
    n: str
    table: Table
    draw: Callable[[], Figure]

    def svg(self) -> str:
        """For a page."""
        return render_svg(self.draw(), title=self.title, description=self.description)

    def png(self) -> bytes:
        """On white, at twice the size of the page; the same bytes for the same numbers."""
        raw = io.BytesIO()
        self.draw().savefig(
            raw, format="png", dpi=PNG_DPI, facecolor="white", metadata={"Software": None}
        )
        return raw.getvalue()
