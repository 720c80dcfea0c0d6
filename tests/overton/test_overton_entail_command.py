"""`entail`: a table of pairs in, the same table with three columns more out."""

import csv
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from fake_entailment import WordJudge

from overton.services.pair_files import check_pair_file, judge_pair_file

HEADING = "id,said,claim\n"
ROWS = (
    '7,"Trees cool, and\nshade",Trees cool\n'
    "8,Cars are loud,Trees cool\n"
    "9,Cars are loud,Trees cool\n"
)


@pytest.fixture(autouse=True)
def judge(settings: LazySettings) -> type[WordJudge]:
    settings.ENTAILMENT_BACKENDS = {"words": "fake_entailment.WordJudge"}
    settings.ENTAILMENT_BACKEND = "words"
    settings.ENTAILMENT_MODEL = ""
    WordJudge.calls.clear()
    return WordJudge


def entail(table: Path, out: Path, **options: str) -> None:
    named = {"premise": "said", "hypothesis": "claim", **options}
    call_command("entail", str(table), out=out, **named)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text(HEADING + ROWS)
    return path


def test_three_columns_are_added_and_order_is_kept(
    table: Path, tmp_path: Path, judge: type[WordJudge], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scores.csv"
    entail(table, out)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "said", "claim", "entailment", "neutral", "contradiction"]
    assert [row["id"] for row in rows] == ["7", "8", "9"]
    assert rows[0]["said"] == "Trees cool, and\nshade"
    assert (rows[0]["entailment"], rows[1]["entailment"]) == ("0.980000", "0.020000")
    for row in rows:
        total = sum(float(row[name]) for name in ("entailment", "neutral", "contradiction"))
        assert total == pytest.approx(1, abs=2e-6)
    assert len(judge.calls) == 2, "equal pairs are judged once"
    assert "3 rows in" in capsys.readouterr().out


def test_pairs_of_different_portions_are_judged_once(
    table: Path, tmp_path: Path, judge: type[WordJudge], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overton.services.pair_files.ROWS_AT_ONCE", 2)
    checked = check_pair_file(path=table, premise="said", hypothesis="claim")
    told: list[tuple[int, int]] = []
    found = judge_pair_file(
        table=checked,
        backend=judge(),
        out=tmp_path / "o.csv",
        say=lambda done, total: told.append((done, total)),
    )
    assert (found.rows, found.distinct, len(judge.calls)) == (3, 2, 2)
    assert told == [(2, 3), (3, 3)]


def test_other_delimiters_encodings_and_a_prefix(tmp_path: Path) -> None:
    path, out = tmp_path / "p.csv", tmp_path / "o.csv"
    path.write_bytes("said;claim;entailment\nBäume kühlen;Bäume kühlen;x\n".encode("utf-16"))
    entail(path, out, prefix="nli_")
    assert out.read_text().splitlines() == [
        "said;claim;entailment;nli_entailment;nli_neutral;nli_contradiction",
        "Bäume kühlen;Bäume kühlen;x;0.980000;0.010000;0.010000",
    ]


def test_the_table_itself_may_be_overwritten(table: Path) -> None:
    entail(table, table)
    assert table.read_text().startswith("id,said,claim,entailment,")
    assert [path.name for path in table.parent.iterdir()] == ["pairs.csv"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "Row 1 is empty"),
        (b"said\nx\n", "no column 'claim'; there are: said"),
        (b"said,claim\n", "no row below"),
        (b"said,claim,claim\nx,y,z\n", "'claim' stands more than once"),
        (b"said,claim,neutral\nx,y,z\n", "give the new ones a --prefix"),
        (b"said,claim\nx,y\n\xff\xfe,y\n", "line 3 can't be read"),
        (b'said,claim\n"x,y\n', "After row 1"),
        (b"said,,claim\nx,y,z\n", "column 2 is blank"),
    ],
)
def test_what_is_no_table_of_pairs_ends_with_two(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path, out = tmp_path / "p.csv", tmp_path / "o.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=problem) as caught:
        entail(path, out)
    assert caught.value.returncode == 2
    assert not out.exists()


def test_every_bad_row_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "p.csv", tmp_path / "o.csv"
    path.write_text("said,claim\nx,\n , \nx,y\nx,y,z\n")
    with pytest.raises(CommandError, match="4 errors in the table; nothing was judged") as caught:
        entail(path, out)
    assert caught.value.returncode == 2
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "row 2, claim: blank; a pair needs a text on both sides.",
        "row 3, said: blank; a pair needs a text on both sides.",
        "row 3, claim: blank; a pair needs a text on both sides.",
        "row 5, all: 3 cells, but there are 2 headings.",
    ]


def test_files_that_are_not_there_end_with_two(table: Path, tmp_path: Path) -> None:
    for where, out in ((tmp_path / "none.csv", tmp_path / "o.csv"), (table, tmp_path / "no" / "o")):
        with pytest.raises(CommandError) as caught:
            entail(where, out)
        assert caught.value.returncode == 2


def test_a_judge_that_fails_leaves_no_file(
    table: Path, tmp_path: Path, judge: type[WordJudge], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match="no judge called missing") as caught:
        entail(table, tmp_path / "o.csv", backend="words:missing")
    assert caught.value.returncode == 1
    monkeypatch.setattr(judge, "entails", lambda *_: [[0.5, 0.5]])
    with pytest.raises(CommandError, match="shape"):
        entail(table, tmp_path / "o.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.csv"]
