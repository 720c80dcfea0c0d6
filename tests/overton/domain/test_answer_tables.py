"""Answers, judgements and conversations as tables: what is read, and what is told as wrong."""

import pytest

from annotations.domain.tables import ColumnMissing, OutsideTable, read_table
from overton.domain.answer_tables import (
    ANSWER_FIELDS,
    LATEST,
    ColumnsMissing,
    guessed_columns,
    read_answers,
    read_conversation,
    read_judgements,
)

SAME = {field: field for field in ANSWER_FIELDS}
SAID = {field: field for field in ("juror_id", "query_id", "answer_id", "verdict", "holds")}
VERDICTS = ("correct", "reasonable", "unreasonable", "cant_say")


def table(text: str) -> OutsideTable:
    return read_table(text.encode())


def lines(problems: object) -> list[str]:
    return [str(problem) for problem in problems.found]  # type: ignore[attr-defined] # Problems


def test_answers_are_read_in_order_without_blanks_around_them() -> None:
    found = read_answers(
        table("query_id,answer_id,text,origin\nq1,a, Yes. ,Expert\nq1,b,No.,\nq2,a,Yes.,import\n"),
        mapping=SAME,
        origins=("expert", "import"),
    )
    assert lines(found.problems) == []
    assert [(a.row, a.query_id, a.id, a.text, a.origin) for a in found.answers] == [
        (2, "q1", "a", "Yes.", "expert"),
        (3, "q1", "b", "No.", ""),
        (4, "q2", "a", "Yes.", "import"),
    ]


def test_each_problem_names_row_column_value_and_way_out() -> None:
    rows = [
        ",a,Yes.,",
        "q1,,Yes.,",
        f"q1,{'i' * 121},Yes.,",
        "q1,b, ,",
        f"q1,c,{'w' * 4001},",
        "q1,d,Yes.,gossip",
        "q1,e,Yes.,",
        "q1,e,No.,",
    ]
    text = "query_id,answer_id,text,origin\n" + "\n".join(rows) + "\n"
    found = read_answers(table(text), mapping=SAME, origins=("expert", "import"))
    assert [answer.id for answer in found.answers] == ["e"]
    told = lines(found.problems)
    for line, parts in zip(
        told,
        [
            ("row 2, query_id", "blank"),
            ("row 3, answer_id", "blank"),
            ("row 4, answer_id", "121 characters; up to 120"),
            ("row 5, text", "blank; give the position"),
            ("row 6, text", "4001 characters", "up to 4000"),
            ("row 7, origin", "'gossip'", "expert, import"),
            ("row 9, answer_id", "'e' of query 'q1' stands in row 8", "an id of its own"),
        ],
        strict=True,
    ):
        for part in parts:
            assert part in line


def test_judgements_are_read_and_wrong_ones_told() -> None:
    rows = [
        "p1,q,a,correct,yes",
        "p1,q,b,Can't say,",
        "p2,q,a,UNREASONABLE,0",
        "p2,q,b,fine,no",
        "p3,q,a,correct,perhaps",
        "p1,q,a,correct,yes",
        ",q,a,correct,",
    ]
    found = read_judgements(
        table("juror_id,query_id,answer_id,verdict,holds\n" + "\n".join(rows)),
        mapping=SAID,
        verdicts=VERDICTS,
    )
    assert [(j.juror_id, j.answer_id, j.verdict, j.holds) for j in found.judgements] == [
        ("p1", "a", "correct", True),
        ("p1", "b", "cant_say", None),
        ("p2", "a", "unreasonable", False),
    ]
    told = lines(found.problems)
    assert [line.split(":")[0] for line in told] == [
        "row 5, verdict",
        "row 6, holds",
        "row 7, answer_id",
        "row 8, juror_id",
    ]
    assert "'fine' is no verdict; legal are correct, reasonable, unreasonable, cant_say" in told[0]
    assert "in row 2 already" in told[2]


def test_columns_are_found_by_kindred_names_and_missing_ones_told() -> None:
    columns = ("Question ID", "id", "Position", "note")
    found = guessed_columns(columns, fields=ANSWER_FIELDS, needed=ANSWER_FIELDS[:3])
    assert found == {"query_id": "Question ID", "answer_id": "id", "text": "Position"}
    with pytest.raises(ColumnsMissing, match=r"no column text\. Needed are .* the table has id, q"):
        guessed_columns(("id", "query"), fields=ANSWER_FIELDS, needed=ANSWER_FIELDS[:3])
    with pytest.raises(ColumnsMissing, match="no field 'colour'"):
        read_answers(table("a\n1\n"), mapping={"colour": "a"}, origins=())
    with pytest.raises(ColumnMissing, match="no column 'b'"):
        read_answers(table("a\n1\n"), mapping={"text": "b"}, origins=())


# --- Pol.is ---------------------------------------------------------------------------------------

COMMENTS = """timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body
1,x,0,7,2,1,1,"Cats, too"
2,x,1,7,0,1,-1,Buy now
3,x,2,7,0,0,0,
"""
VOTES = """timestamp,datetime,comment-id,voter-id,vote
30,x,0,a,1
10,x,0,a,-1
20,x,0,b,1
40,x,1,b,-1
50,x,1,c,0
60,x,2,c,1
70,x,9,c,1
"""


def test_a_conversation_is_read_by_time() -> None:
    found = read_conversation(table(COMMENTS), table(VOTES))
    assert lines(found.comment_problems) == lines(found.vote_problems) == []
    assert [(c.id, c.text, c.hidden) for c in found.comments] == [
        ("0", "Cats, too", False),
        ("1", "Buy now", True),
    ]
    assert [(v.voter, v.comment, v.sign) for v in found.votes] == [
        ("a", "0", -1),
        ("b", "0", 1),
        ("a", "0", 1),
        ("b", "1", -1),
        ("c", "1", 0),
    ]
    assert (found.blank, found.stray) == (1, 2)


def test_swapped_signs_are_noticed() -> None:
    swapped = VOTES.replace(",-1\n", ",*\n").replace(",1\n", ",-1\n").replace(",*\n", ",1\n")
    found = read_conversation(table(COMMENTS), table(swapped))
    [line] = lines(found.vote_problems)
    assert "1 seems to stand for disagreement" in line
    assert "0 votes more or fewer if it does, 4 if it agrees" in line


def test_broken_rows_of_a_conversation_are_told() -> None:
    comments = COMMENTS.replace("2,x,1,", "2,x,0,") + "4,x,,7,0,0,0,Words\n"
    rows = ("soon,x,0,a,1", f"{LATEST + 1},x,0,a,1", "5,x,0,a,2", "5,x,0,,1")
    votes = "\n".join((VOTES.splitlines()[0], *rows))
    found = read_conversation(table(comments), table(votes))
    assert [line.split(":")[0] for line in lines(found.comment_problems)] == [
        "row 3, comment-id",
        "row 5, comment-id",
    ]
    assert [line.split(":")[0] for line in lines(found.vote_problems)] == [
        "row 2, timestamp",
        "row 3, timestamp",
        "row 4, vote",
        "row 5, voter-id",
    ]
    with pytest.raises(ColumnMissing, match="'vote'"):
        read_conversation(table(COMMENTS), table("timestamp,comment-id,voter-id\n"))
