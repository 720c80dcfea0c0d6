"""Tables of utilities: what is read, and every error with its row and column."""

from math import inf

import numpy as np
import pytest

from juries.domain.utility_files import Bounds, InvalidUtilityFile, parse_utilities

ANY = Bounds(0.0, inf, "a utility of 0 or more")
STARS = Bounds(1.0, 5.0, "a rating of 1 to 5")


def test_everything_is_read() -> None:
    content = "\ufeffid;w;g;a;b\n p1 ;1;x;5;\n\np2;0.5;y; 2 ;3\n".encode()
    found = parse_utilities(
        content=content,
        bounds=STARS,
        juror_column="id",
        weights_column="w",
        groups_column="g",
        strata_column="g",
    )
    assert found.responses == ("a", "b")
    assert found.jurors == ("p1", "p2")
    assert found.values.tolist() == [[5, pytest.approx(np.nan, nan_ok=True)], [2, 3]]
    assert found.weights is not None
    assert found.weights.tolist() == [1, 0.5]
    assert found.groups == found.strata == ("x", "y")


@pytest.mark.parametrize("header", ["who,a", ",a"])
def test_a_first_column_of_words_or_without_a_name_holds_ids(header: str) -> None:
    found = parse_utilities(content=f"{header}\nx,1\ny,2\n".encode(), bounds=ANY)
    assert (found.jurors, found.responses) == (("x", "y"), ("a",))
    assert found.values.tolist() == [[1], [2]]


def test_a_first_column_of_numbers_holds_ids_only_without_a_name() -> None:
    content = b"n,a\n0,1\n1,2\n"
    assert parse_utilities(content=content, bounds=ANY).responses == ("n", "a")
    unnamed = parse_utilities(content=content[1:], bounds=ANY)
    assert (unnamed.jurors, unnamed.responses) == (("0", "1"), ("a",))


def test_a_word_among_numbers_is_an_error_in_the_first_column_too() -> None:
    with pytest.raises(InvalidUtilityFile, match="'x' is no number"):
        parse_utilities(content=b"a,b\n1,1\nx,2\n", bounds=ANY)


def test_without_named_columns_all_are_responses() -> None:
    found = parse_utilities(content=b"a\tb\r\n0\t.5\r\n1e-1\t1\r\n", bounds=ANY)
    assert found.values.tolist() == [[0, 0.5], [0.1, 1]]
    assert found.jurors == ("2", "3")
    assert (found.weights, found.groups, found.strata) == (None, None, None)


@pytest.mark.parametrize(
    ("content", "columns", "places", "words"),
    [
        (b"a,b\n1,x\n", {}, [(2, "b")], "'x' is no number"),
        (b"a,b\n1,nan\n", {}, [(2, "b")], "nan can't stand here; give a rating of 1 to 5"),
        (b"a,b\n1,6\n0,1\n", {}, [(2, "b"), (3, "a")], "6 can't stand here"),
        (b"a,b\n1,\n2,\n", {}, [(1, "b")], "Nobody judged"),
        (b"a,b\n1,2,3\n", {}, [(2, "")], "3 cells under 2 names"),
        (b"a,a\n1,2\n", {}, [(1, "a")], "a name of its own"),
        (b"a,\n1,2\n", {}, [(1, "")], "a name of its own"),
        (b"a,b\n", {}, [(1, "")], "a row for each juror"),
        (b"", {}, [(1, "")], "a row for each juror"),
        (b'a,b\n1,"2\n', {}, [(2, "")], "no CSV"),
        (b"a,b\n1,\xff\n", {}, [(2, "")], "not UTF-8"),
        (b"a,b\n1,2\n", {"weights_column": "w"}, [(1, "w")], "no such column; .* a, b"),
        (b"a,w\n1,-2\n", {"weights_column": "w"}, [(2, "w")], "a number of 0 or more"),
        (b"a,w\n1,\n2,1\n", {"weights_column": "w"}, [(2, "w")], "needs a weight"),
        (b"a,w\n1,0\n", {"weights_column": "w"}, [(1, "w")], "All weights are 0"),
        (b"a,g\n1,\n2,x\n", {"groups_column": "g"}, [(2, "g")], "blank"),
        (b"a,id\n1,p\n2,p\n", {"juror_column": "id"}, [(3, "id")], "stands in row 2"),
        (b"id\np\n", {"juror_column": "id"}, [(1, "")], "No column is left"),
    ],
)
def test_errors_name_their_place(
    content: bytes, columns: dict[str, str], places: list[tuple[int, str]], words: str
) -> None:
    with pytest.raises(InvalidUtilityFile, match=words) as refusal:
        parse_utilities(content=content, bounds=STARS, **columns)
    assert [(error.row, error.column) for error in refusal.value.errors] == places


def test_many_errors_are_counted() -> None:
    with pytest.raises(InvalidUtilityFile, match="and 299 more") as refusal:
        parse_utilities(content=b"a\n" + b"9\n" * 300, bounds=STARS)
    assert (len(refusal.value.errors), refusal.value.omitted) == (200, 100)
