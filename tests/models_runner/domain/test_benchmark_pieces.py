"""What benchmarks are made of, piece by piece: files, weights, words, reports."""

import json
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.domain.measured import Measured
from models_runner.domain.benchmark_files.people import parse_people
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.stances import parse_stances
from models_runner.domain.benchmark_report.difference import DifferentKinds, compare_reports
from models_runner.domain.benchmark_report.markdown import report_markdown
from models_runner.domain.benchmark_report.numbers import (
    InvalidReport,
    Number,
    Report,
    Section,
    report_from_plain,
    section_tables,
    shown_value,
)
from models_runner.domain.distributional.probabilities import InvalidDistribution
from models_runner.domain.distributional.raking import rake
from models_runner.domain.elicitation import ElicitationMode
from models_runner.domain.elicitation.likelihoods import (
    InvalidLikelihoods,
    distribution_from_likelihoods,
)
from models_runner.domain.objectives.commensuration import commensurating_function
from models_runner.domain.steering.conditioning import (
    Conditioning,
    InvalidConditioning,
    conditioned_prompt,
)
from models_runner.domain.steering.reading import read_stance, refuses
from models_runner.domain.steering.stances import Stance
from models_runner.domain.steering.weighting import weighting_instruction


class TestPeopleFiles:
    def test_selections_as_python_writes_them(self) -> None:
        rows = (
            "question,selections,options\n"
            "Is it?,\"defaultdict(<class 'list'>, {'Japan': [0.25, 0.75], 'Chile': [0.5, 0.5]})\","
            "\"['Yes', 'No']\"\n"
        )
        read = parse_people(rows.encode(), file="g.csv")
        assert read.groups == ("Chile", "Japan")
        assert read.questions[0].groups["Japan"] == (0.25, 0.75)
        assert read.questions[0].options == ("Yes", "No")

    def test_counts_by_option_of_an_alignment_benchmark(self) -> None:
        content = {
            "Q1": {
                "MC_options": ["A lot", "A little", "Refused"],
                "question_text": "How much?",
                "Female": {"A little": 3.0, "A lot": 1.0},
                "Other": {"A little": 0.0},
            }
        }
        read = parse_people(json.dumps(content).encode(), file="s.json")
        assert read.questions[0].text == "How much?"
        assert read.questions[0].groups == {"Female": (1.0, 3.0, 0.0)}
        assert read.questions[0].counts == {"Female"}

    def test_questions_that_can_not_be_used_are_left_out_by_name(self) -> None:
        content = json.dumps(
            [
                {"question": "A?", "options": ["x", "y"], "attribute": "g",
                 "gold_distribution": [0.5, 0.5]},
                {"question": "B?", "options": ["x", "y"], "attribute": "g",
                 "gold_distribution": [0.5]},
                {"question": "C?", "options": ["x", "x"], "attribute": "g",
                 "gold_distribution": [0.5, 0.5]},
            ]
        ).encode()  # fmt: skip
        with pytest.raises(InvalidBenchmarkFile, match=r"entry 2.*1 numbers for 2 options"):
            parse_people(content, file="g.json")
        read = parse_people(content, file="g.json", leave_out=True)
        assert [question.text for question in read.questions] == ["A?"]
        assert len(read.left_out) == 2

    def test_the_same_words_with_other_options_are_another_question(self) -> None:
        entry = {"question": "A?", "attribute": "g", "gold_distribution": [0.5, 0.5]}
        content = [{**entry, "options": ["x", "y"]}, {**entry, "options": ["x", "z"]}]
        read = parse_people(json.dumps(content).encode(), file="g.json")
        assert [q.key for q in read.questions] == ["A? [x | y]", "A? [x | z]"]

    def test_one_group_twice_with_other_numbers(self) -> None:
        entry = {"question": "A?", "options": ["x", "y"], "attribute": "g"}
        content = [{**entry, "gold_distribution": p} for p in ([0.5, 0.5], [0.4, 0.6])]
        with pytest.raises(InvalidBenchmarkFile, match="twice, differently"):
            parse_people(json.dumps(content).encode(), file="g.json")

    def test_real_files(self, shared_data: object) -> None:
        folder = shared_data / "dist_align"  # type: ignore[operator]  # a path, from conftest
        read = parse_people((folder / "global_values_data.json").read_bytes(), file="v.json")
        assert len(read.questions) == 100
        sexes = (folder / "SEX_data.json").read_bytes()
        with pytest.raises(InvalidBenchmarkFile):
            parse_people(sexes, file="s.json")
        left = parse_people(sexes, file="s.json", leave_out=True)
        assert left.groups == ("Female", "Male")
        assert left.left_out


class TestRaking:
    def test_one_feature_by_hand(self) -> None:
        found = rake(traits={"sex": ["f", "f", "f", "m"]}, shares={"sex": {"f": 0.5, "m": 0.5}})
        assert found.weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
        assert found.effective == pytest.approx(16 / (3 * 4 / 9 + 4))

    @given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
    def test_both_margins_are_met(self, a: int, b: int, c: int, d: int) -> None:
        sex = ["f"] * (a + b) + ["m"] * (c + d)
        age = ["old"] * a + ["young"] * b + ["old"] * c + ["young"] * d
        shares = {"sex": {"f": 0.3, "m": 0.7}, "age": {"old": 0.6, "young": 0.4}}
        weights = rake(traits={"sex": sex, "age": age}, shares=shares).weights
        assert weights[np.array(sex) == "f"].sum() / weights.sum() == pytest.approx(0.3, abs=1e-6)
        assert weights[np.array(age) == "old"].sum() / weights.sum() == pytest.approx(0.6, abs=1e-6)

    def test_what_can_not_be_weighted(self) -> None:
        with pytest.raises(InvalidDistribution, match="Nobody who answered has 'm'"):
            rake(traits={"sex": ["f"]}, shares={"sex": {"f": 0.5, "m": 0.5}})
        with pytest.raises(InvalidDistribution, match="'x', which has no share"):
            rake(traits={"sex": ["x"]}, shares={"sex": {"f": 1.0}})


class TestLikelihoods:
    def test_totals_and_means(self) -> None:
        totals, tokens = np.log([0.2, 0.1]), [1, 2]
        whole = distribution_from_likelihoods(
            totals=totals, tokens=tokens, mode=ElicitationMode.LIKELIHOOD
        )
        assert whole.probabilities == pytest.approx([2 / 3, 1 / 3])
        mean = distribution_from_likelihoods(
            totals=totals, tokens=tokens, mode=ElicitationMode.LIKELIHOOD_MEAN
        )
        weights = np.array([0.2, 0.1**0.5])
        assert mean.probabilities == pytest.approx(weights / weights.sum())

    def test_what_is_no_likelihood(self) -> None:
        with pytest.raises(InvalidLikelihoods, match="at most 0"):
            distribution_from_likelihoods(
                totals=[0.5, -1], tokens=[1, 1], mode=ElicitationMode.LIKELIHOOD
            )
        none = distribution_from_likelihoods(
            totals=[-inf, -inf], tokens=[1, 1], mode=ElicitationMode.LIKELIHOOD
        )
        assert none.probabilities is None


class TestWords:
    @pytest.mark.parametrize(
        ("text", "refused"),
        [
            ("I'm sorry, but I can't help with that.", True),
            ("As an AI language model, I have no views.", True),
            ("I cannot answer this.", True),
            ("  ", True),
            ("I can see both sides.", False),
            ("Sorrow is part of life.", False),
            ("Rest matters, and I don't have to prove it.", False),
        ],
    )
    def test_refusals(self, text: str, refused: bool) -> None:
        assert refuses(text) is refused

    @pytest.mark.parametrize(
        ("text", "stance"),
        [
            ("Support", Stance.SUPPORT),
            ("\nOppose. It harms.", Stance.OPPOSE),
            ("I do not support this", Stance.OPPOSE),
            ("Either: one may support or oppose it", Stance.EITHER),
            ("support or oppose", None),
            ("No idea", None),
        ],
    )
    def test_stances(self, text: str, stance: Stance | None) -> None:
        assert read_stance(text) is stance

    def test_conditioning(self) -> None:
        system = conditioned_prompt("Q?", how=Conditioning.SYSTEM, description="a nurse")
        assert [role for role, _ in system.turns] == ["system", "user"]
        prefix = conditioned_prompt(
            "Q?\nAnswer:", how=Conditioning.PREFIX, description="a nurse", before=True
        )
        assert prefix.turns[0][1].endswith("Answer:")
        with pytest.raises(InvalidConditioning, match="has no examples"):
            conditioned_prompt("Q?", how=Conditioning.FEW_SHOT, description="a nurse")

    def test_functions_in_words(self) -> None:
        names = ("rest", "work")
        linear = commensurating_function("linear:rest=1,work=3", names=names)
        told = weighting_instruction(linear, wordings={"work": "getting work done"})
        assert "rest, 25%; getting work done, 75%" in told
        worst = weighting_instruction(commensurating_function("minimum", names=names))
        assert "comes off worst" in worst

    def test_stance_files_tell_every_problem(self) -> None:
        rows = b"situation,attribute,stance\n,rest,support\nResting,rest,maybe\nResting,,oppose\n"
        with pytest.raises(InvalidBenchmarkFile) as caught:
            parse_stances(rows, file="s.csv")
        assert [problem.place for problem in caught.value.problems] == ["row 2", "row 3", "row 4"]


def report(value: float | None, *, model: str = "m", seed: int = 0, kind: str = "objectives") -> (
    Report
):  # fmt: skip
    found = Measured(value, low=None if value is None else value - 1, high=value, reason="why")
    return Report(
        kind=kind, title="T | x", version="v", parameters={"seed": seed, "by": ["a"]},
        inputs={"file": "0" * 64}, sections=(Section("s", "S"), Section("none", "N")),
        numbers=(
            Number.of("s", "row", {"model": model, "group": "g"}, found, "mean"),
            Number("s", "other", {"model": model, "group": "h"}, inf, method="sum"),
        ),
    )  # fmt: skip


class TestReports:
    def test_there_and_back(self) -> None:
        before = report(0.25)
        assert report_from_plain(json.loads(json.dumps(before.to_plain()))) == before
        with pytest.raises(InvalidReport):
            report_from_plain({"format": "other"})

    def test_labels_that_all_columns_share_are_said_once(self) -> None:
        (table,) = section_tables(report(0.25))
        assert table.columns == ("g", "h")
        assert table.shared == ("m",)
        assert [name for name, _ in table.rows] == ["row", "other"]

    def test_markdown(self) -> None:
        text = report_markdown(report(0.25))
        assert text.startswith("# T \\| x\n")
        assert "| row | 0.250 (-0.750 to 0.250) |  |" in text
        assert "| other |  | ∞ |" in text
        assert "- Empty or ∞: row: why" in report_markdown(report(None))

    def test_two_runs(self) -> None:
        found = compare_reports(report(0.25), report(2.5, model="n", seed=1))
        pair = next(pair for pair in found.pairs if pair.row == "row")
        assert (pair.difference, pair.apart, pair.label) == (2.25, True, "g")
        assert [change.name for change in found.parameters] == ["seed"]
        assert not found.inputs
        assert not found.same_numbers
        assert compare_reports(report(0.25), report(0.25)).same_numbers
        with pytest.raises(DifferentKinds):
            compare_reports(report(1), report(1, kind="tradeoff"))


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (0.4123, 0.38, 0.4414, "0.412 (0.380 to 0.441)"),
        (1.0, 0.0, 1.0, "1.000 (0.000 to 1.000)"),
        (4.0, 3.5, 4.2, "4.000 (3.500 to 4.200)"),
        (1.0, None, None, "1"),
        (0.0, None, None, "0"),
        (0.25, None, None, "0.250"),
        (-0.0001, None, None, "0.000"),
        (inf, None, None, "∞"),
        (inf, 0.5, inf, "∞ (0.500 to ∞)"),
    ],
)
def test_a_number_is_shown_as_what_it_is(
    value: float, low: float | None, high: float | None, shown: str
) -> None:
    assert shown_value(value, low, high) == shown
