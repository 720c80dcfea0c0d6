from xml.etree import ElementTree as ET

import numpy as np
import pytest

from annotations.domain.measured import Measured
from overton.domain.windows import JudgementCode, compute_window
from overton.figures.coverage import coverage_svg, groups_svg
from overton.figures.windows import (
    BENCH,
    SAID_MARKS,
    PlacedAnswer,
    bench_chart,
    overview_svg,
    window_chart,
)

SVG = "{http://www.w3.org/2000/svg}"


def marks(svg: str, colour: str) -> list[ET.Element]:
    root = ET.fromstring(svg)
    shapes = {shape for defs in root.iter(f"{SVG}defs") for shape in defs}
    return [
        element
        for element in root.iter()
        if element.get("fill") == colour and element not in shapes
    ]


def texts(svg: str) -> str:
    return " ".join(element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text"))


@pytest.mark.parametrize("jurors", [3, BENCH, BENCH + 1, 200])
def test_the_bench_has_one_mark_for_each_verdict(jurors: int) -> None:
    rng = np.random.default_rng(jurors)
    verdicts = rng.integers(-1, 4, (jurors, 2)).astype(np.int8)
    svg = bench_chart(
        title="Who?", answers=["one", "two"], verdicts=verdicts, holds=np.zeros((jurors, 2))
    ).svg()
    for code in (JudgementCode.CORRECT, JudgementCode.REASONABLE, JudgementCode.UNREASONABLE):
        found = marks(svg, SAID_MARKS[code][1])
        assert len(found) == (verdicts == code).sum() + 1  # and the key
        assert len({(mark.get("x"), mark.get("y"), mark.get("d")) for mark in found}) == len(found)


def test_the_window_names_each_answer_its_verdict_and_the_thresholds() -> None:
    window = compute_window(
        judgements=np.array([[2, 0]] * 20), holds=np.array([[1, 0]] * 20, dtype=float)
    )
    answers = [
        PlacedAnswer(text=text, verdict=verdict)
        for text, verdict in zip(("A $5 fee", "No fee"), window.answers, strict=True)
    ]
    svg = window_chart(title="Fees?", answers=answers, rule=window.rule, jurors=20).svg()
    for words in (
        "A $5 fee",
        "No fee",
        "correct from 90 %",
        "reasonable from 25 %",
        "unreasonable",
    ):
        assert words in texts(svg)
    assert "No fee: unreasonable, acceptable to 0 %, held by 0 %." in svg


def test_an_answer_that_nobody_judged_has_words_but_no_mark() -> None:
    window = compute_window(judgements=np.array([[-1]]), holds=np.array([[np.nan]]))
    svg = window_chart(
        title="Fees?",
        answers=[PlacedAnswer(text="A fee", verdict=window.answers[0])],
        rule=window.rule,
        jurors=0,
    ).svg()
    assert "A fee" in texts(svg)
    assert "acceptable to nobody asked" in svg


def test_the_overview_has_a_row_for_each_query() -> None:
    window = compute_window(judgements=np.array([[2, 0]] * 20), holds=np.zeros((20, 2)))
    rows = [
        (
            f"Query {number}",
            [(v.everyone.acceptability.value or 0.0, v.verdict) for v in window.answers],
        )
        for number in range(14)
    ]
    svg = overview_svg(title="All", rows=rows, rule=window.rule)
    assert all(f"Query {number}" in texts(svg) for number in range(14))


def test_coverage_has_a_dot_per_query_that_has_a_value() -> None:
    known = Measured(value=0.5, low=0.2, high=0.8, count=3)
    svg = coverage_svg(
        title="How much?",
        values={"alpha": [0.0, 0.5, 1.0, float("nan")], "beta": [float("nan")]},
        means={"alpha": known, "beta": Measured.missing("no labels")},
    )
    assert len(marks(svg, "#0072b2")) == 3
    assert "alpha: mean 50 % over 3 queries." in svg


def test_groups_leave_out_what_can_not_be_computed() -> None:
    known = Measured(value=0.5, low=0.2, high=0.8, count=3)
    svg = groups_svg(
        title="Whose?",
        groups={
            "women": {"alpha": known, "beta": Measured.missing("nobody holds any")},
            "men": {"alpha": known, "beta": known},
        },
    )
    assert len(marks(svg, "#d55e00")) == 2  # one and the key
    assert "women" in texts(svg)
