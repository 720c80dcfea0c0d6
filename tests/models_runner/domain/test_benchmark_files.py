"""Files of distributions and matrices: every accepted shape, every error with its place."""

import json
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.domain.measured import Measured
from models_runner.domain.benchmark_files.answers import UNNAMED, parse_answers
from models_runner.domain.benchmark_files.declared import (
    InvalidDeclaration,
    declared_objectives,
    named_values,
)
from models_runner.domain.benchmark_files.matrices import parse_matrix, parse_replicates
from models_runner.domain.benchmark_files.problems import (
    MOST_PROBLEMS,
    InvalidBenchmarkFile,
)
from models_runner.domain.benchmark_files.results import plain_measured, plain_number, to_json
from models_runner.domain.objectives.table import Direction

Q = {"Q": {"Yes": 0.4, "No": 0.6}}


def answers(text: str | bytes, *, counts: bool = False) -> dict[str, dict[str, float]]:
    content = text if isinstance(text, bytes) else text.encode()
    read = parse_answers(content, file="f", counts=counts).answers
    return {question: dict(options) for question, options in read.items()}


def refused(text: str | bytes, *, counts: bool = False) -> str:
    with pytest.raises(InvalidBenchmarkFile) as caught:
        answers(text, counts=counts)
    return "\n".join(str(problem) for problem in caught.value.problems)


class TestAnswers:
    @pytest.mark.parametrize(
        "text",
        [
            "question,option,probability\nQ,Yes,0.4\nQ,No,.6\n",
            "probability;question;option\r\n0.4;Q;Yes\r\n6e-1;Q;No\r\n",
            "\ufeffOption\tQuestion\tProbability\tNote\nYes\tQ\t0.4\t\n\nNo\tQ\t0.6\tx\n",
            'question,option,probability,,\n"Q",Yes,0.4,,\nQ, No ,0.6\n,,,\n',
            '{"Q": {"Yes": 0.4, "No": 0.6}}',
            (
                '\ufeff [{"question": "Q", "option": "Yes", "probability": 0.4},'
                ' {"probability": "0.6", "option": "No", "question": "Q"}]'
            ),
            '[{"question": "Q", "options": ["Yes", "No"], "probabilities": [0.4, 0.6]}]',
            (
                '{"questions": [{"question": "Q", "options": ["Yes", "No"],'
                ' "probabilities": [0.4, 0.6], "codes": [1, null]}]}'
            ),
        ],
    )
    def test_accepted_shapes(self, text: str) -> None:
        assert answers(text) == Q

    @pytest.mark.parametrize(
        "text",
        [
            '{"Yes": 4, "No": 6}',
            "option,count\nYes,4\nNo,6",
            '[{"options": ["Yes", "No"], "counts": [4, 6]}]',
        ],
    )
    def test_a_single_question_needs_no_name(self, text: str) -> None:
        assert answers(text, counts=True) == {UNNAMED: {"Yes": 4, "No": 6}}

    def test_codes_and_unused_columns(self) -> None:
        found = parse_answers(
            b"option,count,code,note\na,1,1,x\nb,2,2.5,\ndk,3,,", file="f", counts=True
        )
        assert found.codes == {UNNAMED: {"a": 1, "b": 2.5, "dk": None}}
        assert found.unused == ("note",)

    def test_every_problem_is_told_by_row(self) -> None:
        told = refused(
            "question,option,probability\nQ,Yes,0.4\n\nQ,Yes,0.6\nQ,No,-1\nQ,,1\n,No,1\n"
            'Q,x,\nQ,y,"0,5"\nQ,z,50%\nQ,w,nan\nQ,v,1e999\n'
        )
        for line in (
            "row 4: Option 'Yes' of question 'Q' already stands in row 2.",
            "row 5: The probability of option 'No', question 'Q', is -1, below 0.",
            "row 6: The option is blank.",
            "row 7: The question is blank.",
            "row 8: The probability of option 'x', question 'Q', is blank.",
            "row 9: The probability of option 'y', question 'Q', is '0,5', no number;",
            "row 10: The probability of option 'z', question 'Q', is '50%', no number; write 25%",
            "row 11: The probability of option 'w', question 'Q', is 'nan', no number.",
            "row 12: The probability of option 'v', question 'Q', is '1e999', too large a number.",
        ):
            assert line in told

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "The file is empty"),
            ("option,probability\n", "no row below it"),
            ("option,probability\nYes,0.4\nNo,0.5", "question '(the only question)': The prob"),
            ("option,probability\nYes,1", "There is one option, 'Yes'; it needs two"),
            ("option,count\nYes,1\nNo,2", "these are counts: declare them with --counts"),
            ("option\nYes", "The column 'probability' is missing; there are: option."),
            ("option,option,probability\na,b,1", "'option' stands more than once"),
            ("option,,probability\na,b,1", "Column 2 has no name"),
            ("option,probability\nYes", "row 2: The row has 1 cells and the header 2"),
            ('option,probability\n"Yes,0.4', "row 2: The row can't be read"),
            (b"option,probability\nJ\xe4,1", "line 2: Byte 0xe4 is not UTF-8"),
            ("option,probability\n".encode("utf-16"), "UTF-16"),
            ("{", "line 1: The JSON is broken"),
            ("[]", "The list is empty"),
            ("{}", "There are no options"),
            ("[1]", "entry 1: Each entry of the list must be an object"),
            ("[" * 100_000, "nested too deeply"),
            ('{"Yes": 0.4, "Yes": 0.6}', "The key 'Yes' stands twice in one object"),
            ('{"Yes": NaN, "No": 1}', "NaN is no number"),
            ('{"Yes": true, "No": 0.5}', "is True, no number"),
            ('{"Yes": 1' + "0" * 400 + ', "No": 0}', "too large a number"),
            (
                (
                    '[{"question": "Q", "options": ["a", "b"], "probabilities": [1, 0]},'
                    ' {"question": "Q", "options": ["c", "d"], "probabilities": [1, 0]}]'
                ),
                "entry 2: The question 'Q' already stands in another entry",
            ),
            ('{"Yes": ' + "1" * 5000 + "}", "The JSON can't be read"),
            ('{"Yes": null, "No": 0.5}', "is blank"),
            ('{"Yes": [1], "No": 0.5}', "is [1], no number"),
            ('{"Q": {"a": 1, "b": 0}, "R": 3}', "question 'R': A question needs a name"),
            ('[{"options": ["a", "b"], "probabilities": [1]}]', "2 options, 1 probabilities"),
            ('[{"options": ["a", "b"], "counts": [1, 2]}]', "these are counts"),
            ('[{"options": ["a"], "probabilities": [1]}, {}]', "entry 2: Each entry must be"),
            (
                '[{"options": ["a", "b"], "probabilities": [1, 0], "codes": 5}]',
                "entry 1: The codes are 5; they must be a list",
            ),
            ('[{"option": 3, "probability": 1}]', "The option is blank"),
            ('[{"options": [["a"], "b"], "probabilities": [1, 0]}]', "The option is blank"),
        ],
    )
    def test_other_files_are_refused(self, text: str | bytes, words: str) -> None:
        assert words in refused(text)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"Yes": 0, "No": 0}', "Nobody answered: all counts are 0"),
            ('{"Yes": 0.4, "No": 0.6}', "add up to 1 and are no whole numbers"),
            ("option,probability\nYes,1\nNo,2", "these are probabilities, but counts were"),
        ],
    )
    def test_counts_that_are_none_are_refused(self, text: str, words: str) -> None:
        assert words in refused(text, counts=True)

    def test_problems_beyond_the_most_are_counted(self) -> None:
        rows = "\n".join(f"o{n},x" for n in range(MOST_PROBLEMS + 7))
        with pytest.raises(InvalidBenchmarkFile) as caught:
            answers("option,probability\n" + rows)
        assert (len(caught.value.problems), caught.value.omitted) == (MOST_PROBLEMS, 7)
        assert f"(and {MOST_PROBLEMS + 6} more)" in str(caught.value)

    @given(
        st.dictionaries(
            st.text(min_size=1, max_size=8).map(str.strip).filter(bool),
            st.integers(1, 1000),
            min_size=2,
            max_size=6,
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_json_comes_back(self, counts: dict[str, int]) -> None:
        assert answers(json.dumps({"Q": counts}), counts=True) == {"Q": counts}


class TestMatrices:
    @pytest.mark.parametrize(
        "text",
        [
            "model,x,y\nA,1,2\nB,3,-4.5",
            "x;Model;y\n1;A;2\n3;B;-4.5",
            "name,x,y\nA,1,2\nB,3,-4.5",
            ",x,y\nA,1,2\nB,3,-4.5",
            '[{"name": "A", "x": 1, "y": 2}, {"name": "B", "x": 3, "y": -4.5}]',
            '{"A": {"x": 1, "y": 2}, "B": {"y": -4.5, "x": 3}}',
            '[{"model": "A", "x": 1, "y": 2}, {"model": "B", "x": 3, "y": -4.5}]',
        ],
    )
    def test_accepted_shapes(self, text: str) -> None:
        found = parse_matrix(text.encode(), file="f", key="model")
        assert (found.rows, found.columns) == (("A", "B"), ("x", "y"))
        assert found.values.tolist() == [[1, 2], [3, -4.5]]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("z,x\n2,1", "The column 'model' is missing; there are: z, x."),
            ("model,,x\nA,1,2", "Column 2 has no name"),
            ("model\nA", "no column beside model"),
            ("model,x\nA,1\nA,2", "row 3: The model 'A' already stands in row 2."),
            ("model,x\n,1", "row 2: The model is blank."),
            ("model,x\nA,", "row 2: 'x' of 'A' is blank."),
            ('{"A": {"x": 1}, "B": {"y": 1}}', "entry 2: 'x' of 'B' is blank."),
            ('{"A": 1}', "Each model needs an object of numbers"),
            ('{"A": {"model": 1}}', "No column may be called 'model'"),
            ('["A"]', "must be an object"),
        ],
    )
    def test_other_files_are_refused(self, text: str, words: str) -> None:
        with pytest.raises(InvalidBenchmarkFile) as caught:
            parse_matrix(text.encode(), file="f", key="model")
        assert words in "\n".join(map(str, caught.value.problems))

    def test_replicates(self) -> None:
        matrix = parse_matrix(b"model,x,y\nA,1,2\nB,3,4", file="f", key="model")
        found = parse_replicates(
            b"replicate,y,x,model\n1,2,1,A\n2,6,5,B\n1,4,3,B\n2,8,7,A",
            file="r",
            matrix=matrix,
            key="model",
        )
        assert found.values.tolist() == [[[1, 2], [3, 4]], [[7, 8], [5, 6]]]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("replicate,model,x\n1,A,1", "The columns are x, but must be x, y"),
            ("model,x,y\nA,1,2", "The column 'replicate' is missing"),
            ("replicate,model,x,y\n1,A,1,2", "Replicate '1' lacks the model 'B'"),
            ("replicate,model,x,y\n1,C,1,2", "'C' is none of: A, B"),
            ("replicate,model,x,y\n,A,1,2", "The replicate is blank"),
            ("replicate,model,x,y\n1,A,1,2\n1,A,1,2", "'A' stands twice in replicate '1'"),
        ],
    )
    def test_other_replicates_are_refused(self, text: str, words: str) -> None:
        matrix = parse_matrix(b"model,x,y\nA,1,2\nB,3,4", file="f", key="model")
        with pytest.raises(InvalidBenchmarkFile) as caught:
            parse_replicates(text.encode(), file="r", matrix=matrix, key="model")
        assert words in "\n".join(map(str, caught.value.problems))


class TestDeclared:
    def test_a_range_says_the_direction(self) -> None:
        found = declared_objectives(
            ["a", "b", "c"], directions=["c=lower"], ranges=["a=0:1", "b=10:0"]
        )
        assert [o.direction for o in found] == [
            Direction.HIGHER,
            Direction.LOWER,
            Direction.LOWER,
        ]
        assert (found[1].worst, found[1].best, found[2].best) == (10, 0, None)

    @pytest.mark.parametrize(
        ("directions", "ranges", "words"),
        [
            (["a"], [], "must be written NAME=VALUE"),
            (["z=lower"], [], "there is no 'z'; there are: a"),
            (["a=down"], [], "write a=higher or a=lower"),
            (["a=lower", "a=lower"], [], "'a' stands twice"),
            ([], ["a=1"], "a=WORST:BEST"),
            ([], ["a=0:much"], "The best of 'a' is 'much', no number"),
            ([], ["a=1:1"], "no range"),
            ([], ["a=nan:1"], "no range"),
            (["a=lower"], ["a=0:1"], "turn the range round"),
        ],
    )
    def test_what_cannot_be_used_is_refused(
        self, directions: list[str], ranges: list[str], words: str
    ) -> None:
        with pytest.raises(InvalidDeclaration, match=words):
            declared_objectives(["a"], directions=directions, ranges=ranges)

    def test_a_name_may_hold_an_equals_sign(self) -> None:
        assert named_values(["a=b=1"], option="--x", known=["a=b"]) == {"a=b": "1"}


class TestResults:
    def test_infinity_is_a_text_and_nothing_is_null(self) -> None:
        assert plain_number(inf) == "Infinity"
        assert plain_number(-inf) == "-Infinity"
        assert plain_number(float("nan")) is None
        assert plain_number(None) is None
        assert plain_number(np.float64(1 / 3)) == 0.333333333333
        assert str(plain_number(-0.0)) == "0.0"

    def test_json_is_strict(self) -> None:
        with pytest.raises(ValueError, match="JSON"):
            to_json({"x": inf})
        found = json.loads(to_json(plain_measured(Measured.missing("no one said so"))))
        assert found["value"] is None
        assert found["reason"] == "no one said so"
