import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from annotations.figures.svg import (
    DATA,
    INK,
    FigureProblem,
    add_axes,
    dot_strip,
    mean_mark,
    new_figure,
    render_svg,
    wrapped,
)

SVG = "{http://www.w3.org/2000/svg}"


def chart(title: str = "Who <agrees>?", *, value: float = 0.4) -> str:
    figure = new_figure(height=160)
    ax = add_axes(figure, left=120, grid="x")
    dot_strip(
        ax,
        {"women & men": [0.1, value, value, float("nan")], "cost $5 $6": [0.9]},
        limits=(0, 1),
        predicted={"cost $5 $6": [True]},
        intervals={"women & men": (0.4, 0.2, 0.6)},
    )
    ax.plot([0, 1], [0, 1], color=INK)
    ax.set_xlabel("utility α")
    return render_svg(figure, title=title, description="Five people & two groups.")


def test_no_styles_scripts_or_sizes_and_a_name_and_description() -> None:
    svg = chart()
    root = ET.fromstring(svg)
    assert not re.search(r"style|script|metadata|font-family: |xlink", svg)
    assert root.get("viewBox") == "0 0 720 160"
    assert root.get("width") is None
    assert root.get("height") is None
    assert root.get("role") == "img"
    named = [root.find(f".//*[@id='{name}']") for name in root.get("aria-labelledby", "").split()]
    assert [element.text for element in named if element is not None] == [
        "Who <agrees>?",
        "Five people & two groups.",
    ]


def test_text_stays_text_and_dollars_are_not_mathematics() -> None:
    texts = [element.text for element in ET.fromstring(chart()).iter(f"{SVG}text")]
    assert {"women & men", "cost $5 $6", "utility α"} <= set(texts)


def test_ink_follows_the_page_and_data_colours_stay() -> None:
    svg = chart()
    assert "currentColor" in svg
    assert DATA[0] in svg
    assert INK not in svg
    assert "#000000" not in svg


def test_one_filled_dot_per_person_who_spoke_and_hollow_ones_for_predicted() -> None:
    root = ET.fromstring(chart())
    shapes = {shape for defs in root.iter(f"{SVG}defs") for shape in defs}
    dots = [
        element
        for element in root.iter()
        if element.get("stroke") == DATA[0] and element not in shapes
    ]
    assert sorted(dot.get("fill", "") for dot in dots) == [DATA[0]] * 3 + ["none"]
    assert len({(dot.get("x"), dot.get("y"), dot.get("d")) for dot in dots}) == 4


def test_crowded_dots_keep_their_row_and_do_not_cover_each_other() -> None:
    figure = new_figure(height=200)
    ax = add_axes(figure, left=120, grid="x")
    dot_strip(ax, {"a": [0.5] * 60, "b": [0.5] * 3}, limits=(0, 1))
    dots = [
        (float(dot.get("x", "0")), float(dot.get("y", "0")))
        for dot in ET.fromstring(render_svg(figure, title="t", description="d")).iter(f"{SVG}use")
        if dot.get("fill") == DATA[0]
    ]
    assert len(set(dots)) == 63
    assert sum(y < 82 for _, y in dots) == 60  # the row of "a" is the upper half of 140 pixels
    points = np.array(dots)
    distances = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    assert distances[~np.eye(63, dtype=bool)].min() >= 5


def test_ids_are_this_charts_own() -> None:
    ids = [set(re.findall(r'id="([^"]+)"', chart(value=value))) for value in (0.4, 0.6)]
    assert ids[0]
    assert ids[0].isdisjoint(ids[1])
    svg = chart()
    assert set(re.findall(r'#(c[\w-]+)[")]', svg)) <= set(re.findall(r'id="([^"]+)"', svg))


def test_same_bytes_again_in_threads_and_under_another_hash_seed() -> None:
    first = chart()
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: chart(), range(8))) == {first}
    code = (
        "import sys; sys.path[:0] = ['.', 'tests/annotations'];"
        "from test_annotations_svg import chart; sys.stdout.write(chart())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": "7", "PYTHONUTF8": "1", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout == first


def test_glyphs_that_the_measuring_font_lacks_raise_no_warning() -> None:
    figure = new_figure(height=80)
    add_axes(figure, left=40).set_xlabel("意見")
    assert "意見" in render_svg(figure, title="t", description="d")


def test_math_text_is_refused() -> None:
    figure = new_figure(height=120)
    ax = add_axes(figure, left=40)
    ax.set_xscale("log")
    ax.plot([1, 100], [1, 2])
    with pytest.raises(FigureProblem, match="tick labels"):
        render_svg(figure, title="t", description="d")


def test_marks_of_prediction_must_fit_the_values() -> None:
    ax = add_axes(new_figure(height=80), left=40)
    with pytest.raises(FigureProblem, match="2 values but 1 marks"):
        dot_strip(ax, {"a": [0.1, 0.2]}, limits=(0, 1), predicted={"a": [True]})


def test_mean_mark_without_interval_is_one_line() -> None:
    figure = new_figure(height=80)
    ax = add_axes(figure, left=40, grid="x")
    ax.set(xlim=(0, 1), ylim=(1, -1))
    before = len(ax.lines)
    mean_mark(ax, y=0, mean=0.5)
    assert len(ax.lines) == before + 1


def test_wrapped_cuts_with_an_ellipsis() -> None:
    assert wrapped("one two three four five", columns=9, lines=2) == "one two\nthree …"
    assert wrapped("  short ", columns=9) == "short"
    assert wrapped("", columns=9) == ""
