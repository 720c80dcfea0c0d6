"""Tables of ratings from outside: what is understood, what is told, what is refused."""

import numpy as np
import pytest

from annotations.domain.tables import ColumnMissing, read_table
from models_runner.domain.opinions import (
    OpinionColumns,
    OpinionsRefused,
    OpinionTable,
    read_opinions,
)

COLUMNS = OpinionColumns(juror="who", item="what", text="text", rating="score", traits=("sex",))
HEADING = "who,what,text,score,sex\n"


def read(body: str, heading: str = HEADING, **options: object) -> OpinionTable:
    table = read_table((heading + body).encode(), name="x.csv")
    return read_opinions(table, **{"columns": COLUMNS, **options})  # type: ignore[arg-type]  # a mixed dict


def test_a_table_becomes_codes_in_the_order_of_the_rows() -> None:
    found = read("b,x,One.,3,m\na,y,Two.,5,\na,x,One.,1,f\n", scale=(1, 5))
    assert found.texts == ("One.", "Two.")
    assert found.queries == ("", "")
    assert found.items.tolist() == [0, 1, 0]
    assert found.jurors.tolist() == [0, 1, 1]
    assert found.ratings.tolist() == [3, 5, 1]
    assert found.groups.tolist() == [[1], [0]], "m after f; a trait may be told later"
    assert (found.low, found.high, found.notes) == (1, 5, ())
    table = found.table(features=np.eye(2), blocks=(1, 1))
    assert (table.juror_count, table.blocks) == (2, (1, 1))


def test_what_is_taken_for_granted_is_told() -> None:
    found = read("a,y,Two.,2,m\na,x,One.,3,m\na,x,One.,4,w\nb,x,One.,NaN,\nb,y,Two.,1,NA\n")
    assert found.ratings.tolist() == [2, 4, 1], "the last one counts"
    assert found.groups.tolist() == [[0], [-1]]
    assert (found.low, found.high) == (1, 4)
    told = " ".join(found.notes)
    for part in ("1 rows without", "the last one counts", "another trait", "1 and 4, are taken"):
        assert part in told


@pytest.mark.parametrize(
    ("first", "second", "numbers"),
    [("Yes", "no", [1, 0]), ("TRUE", "FALSE", [1, 0]), ("alpha", "beta", [0, 1])],
)
def test_two_words_are_zero_and_one(first: str, second: str, numbers: list[int]) -> None:
    found = read(f"a,x,One.,{first},\na,y,Two.,{second},\n")
    assert found.ratings.tolist() == numbers
    assert "is read as 0" in found.notes[0]


def test_more_words_need_their_numbers() -> None:
    body = "a,x,One.,Yes,\na,y,Two.,Unsure,\nb,x,One.,No,\n"
    with pytest.raises(OpinionsRefused, match=r"3 different words .*--values"):
        read(body)
    found = read(body, values={"yes": 1, "no": 0, "unsure": None})
    assert found.ratings.tolist() == [1, 0]
    assert "stands for no rating" in " ".join(found.notes)


def test_problems_are_listed_by_row() -> None:
    body = "a,x,One.,3,\n,y,Two.,3,\na,z,,3,\nb,x,Another.,9,\nb,y,Two.,many,\n"
    with pytest.raises(OpinionsRefused) as refused:
        read(body, scale=(1, 5))
    told = [str(problem) for problem in refused.value.problems]
    assert refused.value.total == len(told) == 5
    assert "row 6, score: 'many' is no rating" in told[0]
    assert told[1] == "row 3, who: is empty"
    assert told[2].startswith("row 4, text: is empty")
    assert "another text here than in row 2" in told[3]
    assert told[4] == "row 5, score: 9 lies outside the scale from 1 to 5"


def test_tables_that_show_nothing_are_refused() -> None:
    with pytest.raises(OpinionsRefused, match="--scale LOW,HIGH"):
        read("a,x,One.,3,\n")
    with pytest.raises(OpinionsRefused, match="no ratings in the column 'score'"):
        read("a,x,One.,,\n")
    with pytest.raises(ColumnMissing, match="'who'"):
        read("a,x,One.,3,\n", heading="whom,what,text,score,sex\n")
