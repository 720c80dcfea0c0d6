"""`manage.py draw`: the file it writes, and what it refuses."""

import hashlib
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from juries.domain.lottery import SELECTION_METHODS

ROOT = Path(__file__).resolve().parents[2]

CATEGORIES = "category,name,min,max\ng,f,2,3\ng,m,2,3\na,old,1,3\na,young,1,4\n"


def write_files(folder: Path, *, categories: str = CATEGORIES) -> list[str]:
    (folder / "categories.csv").write_text(categories)
    rows = [
        f"p{i:02d},{'fm'[i % 2]},{'old' if i % 3 == 0 else 'young'},h{i // 2}" for i in range(20)
    ]
    (folder / "respondents.csv").write_text("id,g,a,household\n" + "\n".join(rows) + "\n")
    return [
        f"--categories={folder / 'categories.csv'}",
        f"--respondents={folder / 'respondents.csv'}",
        f"--out={folder / 'draw.json'}",
    ]


def read(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "draw.json").read_text())
    return document


@pytest.mark.parametrize("objective", list(SELECTION_METHODS))
def test_chances_are_the_weights_of_the_panels(tmp_path: Path, objective: str) -> None:
    files = write_files(tmp_path)
    call_command("draw", *files, "--size=5", f"--objective={objective}", "--seed=dice 3 4")
    document = read(tmp_path)
    assert document["objective"] == objective
    chances = dict.fromkeys(document["probabilities"], Fraction(0))
    for panel, weight in zip(document["panels"], document["weights"], strict=True):
        assert len(set(panel)) == 5
        for member in panel:
            chances[member] += Fraction(weight)
    assert {who: float(chance) for who, chance in chances.items()} == document["probabilities"]
    assert sum(map(Fraction, document["weights"])) == 1
    assert document["lower_bound"] <= document["upper_bound"]
    assert document["is_proven"] is (objective != "greedy")
    assert (document["estimate"] is not None) is (objective == "greedy")
    drawn = document["drawn"]
    assert drawn["candidates"] == document["panels"][drawn["panel"]]
    assert document["seed"] == "dice 3 4"


def test_only_the_seconds_differ_between_two_processes_without_a_database(tmp_path: Path) -> None:
    told = []
    for number in ("1", "2"):
        folder = tmp_path / number
        folder.mkdir()
        subprocess.run(
            [sys.executable, "manage.py", "draw", *write_files(folder), "--size=5", "--seed=s"],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONHASHSEED": number,
                "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
            },
            check=True,
            capture_output=True,
        )
        document = read(folder)
        document.pop("seconds")
        told.append(document)
    assert told[0] == told[1]
    digest = told[0].pop("digest")
    text = json.dumps(told[0], sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(text.encode()).hexdigest()


def test_without_a_seed_nobody_is_drawn(tmp_path: Path) -> None:
    call_command("draw", *write_files(tmp_path), "--size=5")
    assert read(tmp_path)["drawn"] is None
    assert read(tmp_path)["objective"] == "leximin"


def test_households_and_lists_are_kept(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    (tmp_path / "out.txt").write_text("p01\n\np02\n")
    call_command(
        "draw",
        *files,
        "--size=5",
        "--household-limit=1",
        "--must-sit=p00, p05",
        f"--must-not-sit=@{tmp_path / 'out.txt'}",
    )
    document = read(tmp_path)
    for panel in document["panels"]:
        assert {"p00", "p05"} <= set(panel)
        assert not {"p01", "p02"} & set(panel)
        homes = [int(member[1:]) // 2 for member in panel]
        assert len(set(homes)) == 5
    # Who shares a household with somebody who must sit can't.
    assert {"p01", "p02", "p04"} <= set(document["cannot_sit"])


def test_quotas_that_cannot_be_met_end_with_status_2(tmp_path: Path) -> None:
    files = write_files(tmp_path, categories=CATEGORIES.replace("g,f,2,3", "g,f,4,5"))
    with pytest.raises(CommandError, match="No panel of 5") as caught:
        call_command("draw", *files, "--size=5")
    assert caught.value.returncode == 2
    error = read(tmp_path)["error"]
    assert error["kind"] == "infeasible_quotas"
    assert error["problems"][0]["code"] == "minima_above_size"
    assert error["problems"][0]["needed"] == 6
    assert error["conflict"]["members"][0] == "g: f at least 4"
    assert error["conflict"]["is_minimal"]
    assert error["relaxations"][0]["changes"] == error["changes"]
    assert error["changes"][0]["in_words"] in error["message"]


FLEXIBLE = "category,name,min,max,min_flex,max_flex\n"


@pytest.mark.parametrize(
    ("rows", "within", "first", "flex"),
    [
        # Five seats, and six are asked for: the women may give way, the men may not.
        ("g,f,4,5,2,5\ng,m,2,3,,\na,old,1,3,,\na,young,1,4,,\n", "yes", "g: f minimum 4 -> 3",
         {"min_flex": 2, "max_flex": 5}),
        ("g,f,4,5,4,5\ng,m,2,3,2,\na,old,1,3,0,\na,young,1,4,0,\n", "no", None, None),
    ],
)  # fmt: skip
def test_how_far_bounds_may_give_decides_what_is_proposed_first(
    tmp_path: Path, rows: str, within: str, first: str | None, flex: dict[str, int] | None
) -> None:
    files = write_files(tmp_path, categories=FLEXIBLE + rows)
    with pytest.raises(CommandError) as caught:
        call_command("draw", *files, "--size=5")
    error = read(tmp_path)["error"]
    assert error["within_flex"] == within
    assert [way["is_within_flex"] for way in error["relaxations"]] == [within == "yes", False]
    if first is not None:
        assert error["changes"][0]["in_words"] == first
        assert error["changes"][0]["flex"] == flex
        assert f"(1) {first} (within the bounds you allowed)." in str(caught.value)
    else:
        assert "No change within the bounds you allowed is enough." in str(caught.value)


def test_a_lottery_does_not_depend_on_how_far_bounds_may_give(tmp_path: Path) -> None:
    lines = CATEGORIES.splitlines()[1:]
    flexible = FLEXIBLE + "".join(f"{line},0,5\n" for line in lines)
    told = []
    for number, categories in enumerate((CATEGORIES, flexible)):
        folder = tmp_path / str(number)
        folder.mkdir()
        call_command("draw", *write_files(folder, categories=categories), "--size=5", "--seed=s")
        told.append(read(folder)["digest"])
    assert told[0] == told[1]


def test_bad_rows_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = write_files(tmp_path)
    with (tmp_path / "respondents.csv").open("a") as file:
        file.write("p00,f,old,\np99,x,old,\n")
    with pytest.raises(CommandError) as caught:
        call_command("draw", *files, "--size=5")
    assert caught.value.returncode == 2
    assert [row["row"] for row in read(tmp_path)["error"]["rows"]] == [22, 23]
    assert "respondents.csv, row 23" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "status", "kind"),
    [
        (["--must-sit=nobody"], 2, "invalid_request"),
        (["--seed="], 2, "invalid_request"),
        (["--household-limit=0"], 2, "invalid_request"),
        (["--household-limit=1", "--household-columns="], 2, "invalid_request"),
        (["--time-limit=0"], 1, "no_lottery_found"),
    ],
)
def test_other_refusals(tmp_path: Path, options: list[str], status: int, kind: str) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("draw", *write_files(tmp_path), "--size=5", *options)
    assert caught.value.returncode == status
    assert read(tmp_path)["error"]["kind"] == kind


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    (tmp_path / "categories.csv").unlink()
    with pytest.raises(CommandError, match=r"categories\.csv can't be read") as caught:
        call_command("draw", *files, "--size=5")
    assert caught.value.returncode == 2
