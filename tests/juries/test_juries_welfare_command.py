"""`manage.py welfare`: what it prints and writes, and how it refuses."""

import hashlib
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

TABLE = (
    "id,age,weight,fair,split\n"
    "p1,old,1,3,5\n"
    "p2,old,1,3,5\n"
    "p3,young,2,3,1\n"
    "p4,young,1,3,5\n"
    "p5,young,1,3,\n"
)
OPTIONS = ("--scale=1,5", "--juror=id", "--groups=age", "--strata=age", "--weights=weight")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.csv"
    path.write_text(TABLE)
    return path


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("welfare", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_prints_and_writes(table: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    printed = run(table, *OPTIONS, "--bootstraps=50", f"--out={target}")
    written = json.loads(target.read_text())
    assert written["format"] == "venire-welfare/1"
    assert written["input"]["sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert (written["seed"], written["jurors"], written["bootstraps"]) == (0, 5, 50)
    rows = {row["alpha"]: row for row in written["welfare"]}
    assert rows[0.0]["winners"] == ["split"]
    assert rows[0.0]["responses"]["split"]["welfare"] == pytest.approx((3 + 2 * 0.01) / 5)
    assert rows["inf"]["winners"] == ["fair"]
    assert rows["inf"]["responses"]["fair"]["lower"] is None
    (crossing,) = written["crossings"]
    assert (crossing["before"], crossing["after"]) == ("split", "fair")
    assert [found["judged_by"] for found in written["responses"]] == [5, 4]
    left = written["failures"][0]["left_below"]
    assert [(found["winner"], found["group"]) for found in left] == [("split", "young")]
    assert written["failures"][0]["worst_group"]["split"]["group"] == "young"
    lottery = next(rule for rule in written["rules"] if rule["rule"] == "von_neumann")
    assert lottery["is_unique"]
    assert lottery["resamples"] == 50
    assert sum(lottery["chance_to_win"].values()) == pytest.approx(1)
    for words in ("overtakes split", "alpha 0: split leaves young", "von_neumann", "p3"):
        assert words in printed


def test_same_input_same_bytes(table: Path, tmp_path: Path) -> None:
    for name in ("one.json", "other.json"):
        run(table, *OPTIONS, "--bootstraps=20", "--seed=3", f"--out={tmp_path / name}")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()


def test_some_alphas_and_rules(table: Path) -> None:
    printed = run(table, *OPTIONS, "--bootstraps=20", "--alpha=1,0", "--rule=borda,schulze")
    assert "schulze" in printed
    assert "copeland" not in printed
    assert "inf" not in printed


def test_one_juror_and_one_response(tmp_path: Path) -> None:
    path = tmp_path / "tiny.csv"
    path.write_text("a\n0.5\n")
    target = tmp_path / "tiny.json"
    assert "1 strata have one juror" in run(path, "--bootstraps=10", f"--out={target}")
    assert json.loads(target.read_text())["welfare"][0]["responses"]["a"]["lead"] is None


def test_a_rule_by_which_nobody_counts_gives_no_score(tmp_path: Path) -> None:
    path = tmp_path / "even.csv"
    path.write_text("id,a,b\n1,3,3\n2,4,4\n")
    printed = run(path, "--scale=1,5", "--juror=id", "--bootstraps=10")
    assert "nan" not in printed
    rule = next(line for line in printed.splitlines() if line.startswith("relative_utilitarian"))
    assert rule.split() == ["relative_utilitarian", "none", "none", "nobody"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "error"),
        (("--scale=1,4", "--juror=id"), "error"),
        ((*OPTIONS, "--bootstraps=0"), "Bootstraps"),
        ((*OPTIONS, "--bootstraps=-1"), "Bootstraps"),
        ((*OPTIONS, "--epsilon=1"), "Epsilon"),
    ],
)
def test_bad_input_ends_with_status_2(table: Path, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words) as refusal:
        call_command("welfare", str(table), *arguments, stderr=StringIO())
    assert refusal.value.returncode == 2


def test_errors_are_told_by_row_and_column(table: Path) -> None:
    errors = StringIO()
    table.write_text(TABLE.replace("p3,young,2,3,1", "p3,young,2,x,9"))
    with pytest.raises(CommandError, match=r"2 error"):
        call_command("welfare", str(table), *OPTIONS, stderr=errors)
    assert "row 4, column fair: 'x' is no number" in errors.getvalue()
    assert "row 4, column split: 9 can't stand here; give a rating of 1 to 5" in errors.getvalue()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--alpha=0,x", "no list of numbers"),
        ("--alpha=-1", "no list of numbers"),
        ("--scale=5,1", "no pair of bounds"),
        ("--scale=5", "no pair of bounds"),
        ("--rule=kemeny", "There is no voting rule 'kemeny'; there are: utilitarian"),
        ("--seed=-1", "no whole number"),
        ("--threshold=nan", "no number"),
    ],
)
def test_bad_options_are_refused(table: Path, option: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("welfare", str(table), option)


def test_files_that_cannot_be_read_or_written(table: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be read"):
        run(tmp_path / "none.csv")
    with pytest.raises(CommandError, match="can't be written"):
        run(table, *OPTIONS, "--bootstraps=5", f"--out={tmp_path}/none/out.json")
