"""Tables from outside."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.domain.tables import (
    MOST_PROBLEMS,
    ColumnMissing,
    DeclaredScale,
    OutsideOption,
    RatingColumns,
    TableUnreadable,
    parse_options,
    read_queries,
    read_rater_matrix,
    read_ratings,
    read_table,
)

LIKERT = DeclaredScale(low=1, high=5)
COLUMNS = RatingColumns(juror="who", item="what", text="text", rating="stars", traits=("age",))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("id;größe\n1;drei, vier\n".encode(), ""),
        (b"\xef\xbb\xbf" + "id;größe\n1;drei, vier\n".encode(), ""),
        ("id;größe\n1;drei, vier\n".encode("utf-16"), ""),
        ("id;größe\n1;drei, vier\n".encode("cp1252"), "cp1252"),
        ('id\tgröße\r\n1\t"drei, vier"\r\n'.encode(), ""),
    ],
)
def test_encodings_and_separators(data: bytes, encoding: str) -> None:
    table = read_table(data, name="t.csv", encoding=encoding)
    assert table.columns == ("id", "größe")
    assert table.rows == ((2, ("1", "drei, vier")),)


def test_rows_are_numbered_as_in_a_spreadsheet() -> None:
    table = read_table(b'id,text\n1,"two\nlines"\n\n3,c\n4\n')
    assert [number for number, _ in table.rows] == [2, 4, 5]
    assert table.rows[-1][1] == ("4", "")
    lines = read_table('{"id": 1, "o": ["a"]}\n\n{"id": "x\u2028y", "n": null}\n'.encode())
    assert lines.columns == ("id", "o", "n")
    assert lines.rows == ((1, ("1", '["a"]', "")), (3, ("x\u2028y", "", "")))
    assert read_table(b'[{"a": 1}, {"a": true}]').rows == ((1, ("1",)), (2, ("true",)))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "empty"),
        (b"id,text\n1,gr\xfc\xdf\n", "line 2 holds the byte 0xfc"),
        (b"id,id\n1,2\n", "'id' stands more than once"),
        (b"id,\n1,2\n", "column 2 is blank"),
        (b"id,text\n1,a\n2,b,c\n", "Row 3 has 3 cells"),
        (b'id,text\n1,a\n2,"b\n3,c\n', "row 2"),
        (b'{"id": 1}\n{"id": \n', "Row 2 is no JSON"),
        (b'{"id": 1}\n[1]\n', "Row 2 is no JSON object"),
        (b"[" * 200_000, "JSON"),
        (b"id,text\n1,a\n2,b\0\n", "Row 3, 'text': character 2"),
        (b'{"id": "1", "text": "a\\ud83d"}\n', "Row 1, 'text': character 2"),
        (b'{"id": "1", "o": ["a\\u0000"]}\n{"id\\ud83d": "1"}\n', "can't be kept"),
    ],
)
def test_unreadable_files_say_where(data: bytes, match: str) -> None:
    with pytest.raises(TableUnreadable, match=match):
        read_table(data)


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(TableUnreadable, match="utf-16"):
        read_table(b"a\n1\n", encoding="ebcdic")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0")), min_size=1))
def test_json_lines_give_back_every_text(texts: list[str]) -> None:
    data = "".join(json.dumps({"t": text}, ensure_ascii=False) + "\n" for text in texts)
    assert [cells[0] for _, cells in read_table(data.encode()).rows] == texts


# --- Queries --------------------------------------------------------------------------------------

MAPPING = {"query_id": "id", "query": "q", "source": "who", "response": "r", "options": "o"}


def test_queries_with_responses() -> None:
    data = b"id,q,who,r,o\na,One?,m1,yes,x|y\na,One?,m2,no,\nb,Two?,m1,maybe,\n"
    found = read_queries(read_table(data), mapping=MAPPING)
    assert not found.problems.total
    assert [(one.id, one.text, len(one.options)) for one in found.queries] == [
        ("a", "One?", 2),
        ("b", "Two?", 0),
    ]
    assert [(one.query_id, one.id, one.text) for one in found.responses] == [
        ("a", "m1", "yes"),
        ("a", "m2", "no"),
        ("b", "m1", "maybe"),
    ]


def test_every_problem_has_its_row() -> None:
    data = (
        b"id,q,who,r,o\n"
        b",One?,m,r,\n"  # 2: blank id
        b"a,One?,m,r,\n"
        b"a,Other?,m2,r,\n"  # 4: another text
        b"a,One?,m,r,\n"  # 5: the same source again
        b"b,,m,r,\n"  # 6: blank query
        b"c,C?,,r,\n"  # 7: blank source
        b"c,C?,m,,\n"  # 8: blank response
        b"c,C?,m3,r,only\n"  # 9: one option
    )
    found = read_queries(read_table(data), mapping=MAPPING)
    assert [(one.row, one.column) for one in found.problems.found] == [
        (2, "id"),
        (4, "q"),
        (5, "who"),
        (6, "q"),
        (7, "who"),
        (8, "r"),
        (9, "o"),
    ]
    assert str(found.problems.found[0]).startswith("row 2, id: blank")


def test_a_table_of_queries_alone() -> None:
    table = read_table(b"id,q\na,One?\nb,Two?\na,One?\n")
    found = read_queries(table, mapping={"query_id": "id", "query": "q"})
    assert [one.row for one in found.problems.found] == [4]


def test_queries_alone_among_others() -> None:
    table = read_table(b"id,q,who,r,o\na,One?,m,yes,\nb,Two?,,,x|y\nb,Two?,,,\n")
    found = read_queries(table, mapping=MAPPING)
    assert [one.id for one in found.queries] == ["a", "b"]
    assert [one.query_id for one in found.responses] == ["a"]
    assert [(one.row, one.column) for one in found.problems.found] == [(4, "id")]


def test_the_mapping_is_checked() -> None:
    table = read_table(b"id,q\na,One?\n")
    with pytest.raises(ColumnMissing, match=r"'text'; there are: id, q"):
        read_queries(table, mapping={"query_id": "id", "query": "text"})
    with pytest.raises(ValueError, match="'query'"):
        read_queries(table, mapping={"query_id": "id"})
    with pytest.raises(ValueError, match="'source'"):
        read_queries(table, mapping={"query_id": "id", "query": "q", "response": "q"})
    with pytest.raises(ValueError, match="'colour'"):
        read_queries(table, mapping={"query_id": "id", "query": "q", "colour": "q"})


def test_problems_past_the_limit_are_counted() -> None:
    rows = b"".join(b",x\n" for _ in range(MOST_PROBLEMS + 50))
    found = read_queries(read_table(b"id,q\n" + rows), mapping={"query_id": "id", "query": "q"})
    assert len(found.problems.found) == MOST_PROBLEMS
    assert found.problems.total == MOST_PROBLEMS + 50


def test_options() -> None:
    assert parse_options("a | b") == (OutsideOption("a", "a"), OutsideOption("b", "b"))
    assert parse_options('["a|b", "c"]') == (OutsideOption("a|b", "a|b"), OutsideOption("c", "c"))
    assert parse_options('[{"key": "n", "text": "No", "code": 0}, {"text": "Yes"}]') == (
        OutsideOption("n", "No", 0.0),
        OutsideOption("Yes", "Yes"),
    )
    long = "x" * 61
    assert parse_options(f"{long}|b")[0] == OutsideOption("1", long)
    for bad in (
        "a",
        "a|",
        "a|a",
        "[1, 2]",
        '[{"text": "a", "code": true}, "b"]',
        '[{"text": "a", "code": NaN}, "b"]',
        '[{"text": "a", "code": 1e999}, "b"]',
        f'[{{"text": "a", "code": 1{"0" * 400}}}, "b"]',
        '["a", "\\ud83d"]',
        "[",
        "a|" + "x" * 401,
    ):
        with pytest.raises(ValueError, match=r"."):
            parse_options(bad)


# --- Ratings --------------------------------------------------------------------------------------


def long_table(*rows: str) -> bytes:
    return ("who,what,text,stars,age\n" + "\n".join(rows) + "\n").encode()


def test_long_ratings() -> None:
    table = read_table(long_table("u,i,Text,4.0,old", "v,i,Text,1,", "u,j,More,5,old"))
    found = read_ratings(table, columns=COLUMNS, scale=LIKERT)
    assert not found.problems.total
    assert found.raters == {"u": {"age": "old"}, "v": {}}
    assert [(one.rater, one.item, one.value) for one in found.ratings] == [
        ("u", "i", 4),
        ("v", "i", 1),
        ("u", "j", 5),
    ]
    assert found.items["j"].text == "More"


def test_problems_of_ratings() -> None:
    rows = (
        "u,i,Text,4,old",
        "u,j,More,4,young",  # 3: another age
        "u,i,Text,3,old",  # 4: twice
        "v,i,Other,3,old",  # 5: another text
        "v,j,More,6,old",  # 6: outside
        "v,k,More,2.5,old",  # 7: between the points
        "w,j,More,many,old",  # 8: no number
        "w,k,More,nan,old",  # 9: not finite
        ",k,More,2,old",  # 10: blank
        "x,i,,2,old",  # 11: no text
        "x,j,More,,old",  # 12: no rating
    )
    found = read_ratings(read_table(long_table(*rows)), columns=COLUMNS, scale=LIKERT)
    assert [(one.row, one.column) for one in found.problems.found] == [
        (3, "age"),
        (4, "stars"),
        (5, "text"),
        (6, "stars"),
        (7, "stars"),
        (8, "stars"),
        (9, "stars"),
        (10, "who"),
        (11, "text"),
        (12, "stars"),
    ]
    messages = [one.message for one in found.problems.found]
    assert "'young' here, but 'old' in row 2" in messages[0]
    assert "outside the scale from 1 to 5" in messages[3]


def test_words_for_numbers() -> None:
    scale = DeclaredScale(low=0, high=1, values={"Yes": 1, "No": 0, "": None})
    assert [scale.number(word) for word in ("Yes", "No", "", "1")] == [1, 0, None, 1]
    with pytest.raises(ValueError, match="'Yes', 'No'"):
        scale.number("Perhaps")
    assert DeclaredScale(low=0, high=1, step=None).number("0.123") == 0.123


def dices(scores: list[list[object]]) -> dict[str, object]:
    return {
        "instances": [
            {
                "id": number,
                "instance": {"user_prompt": f"Q{number}", "response": f"R{number}"},
                "annotations": {"safety": {"individual_human_scores": row}},
            }
            for number, row in enumerate(scores)
        ]
    }


def test_rater_matrix() -> None:
    scale = DeclaredScale(low=0, high=1, values={"Yes": 1, "No": 0, "Unsure": None})
    found = read_rater_matrix(dices([["Yes", "No", None], ["Unsure", "No", "Yes"]]), scale=scale)
    assert list(found.raters) == ["rater-1", "rater-2", "rater-3"]
    assert [(one.rater[-1], one.item, one.value) for one in found.ratings] == [
        ("1", "0", 1),
        ("2", "0", 0),
        ("1", "1", None),
        ("2", "1", 0),
        ("3", "1", 1),
    ]
    assert (found.items["1"].query, found.items["1"].text) == ("Q1", "R1")
    wrong = read_rater_matrix(dices([["Yes", "Perhaps"]]), scale=scale)
    assert [(one.row, one.column) for one in wrong.problems.found] == [(1, "rater-2")]
    with pytest.raises(TableUnreadable, match="Instance 2 has 1 ratings and the first 2"):
        read_rater_matrix(dices([["Yes", "No"], ["Yes"]]), scale=scale)
    damaged: tuple[object, ...] = (
        [],
        {},
        {"instances": [{}]},
        {"instances": [{"annotations": {"a": 1, "b": 2}}]},
    )
    for bad in damaged:
        with pytest.raises(TableUnreadable):
            read_rater_matrix(bad, scale=scale)
