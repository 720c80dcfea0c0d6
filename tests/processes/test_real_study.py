"""`benchmarks/real_study.py` on invented ratings of the same shape as the real ones."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
RATERS, TEXTS, OWN = 48, 24, 12
COLUMNS = (
    *("instance_id", "user_id", "text", "offensiveness"),
    *("gender", "race", "age", "occupation", "education"),
)


def write_ratings(folder: Path) -> None:
    """Forty-eight people with five traits rate half of the texts each."""
    folder.mkdir(parents=True)
    with (folder / "raw_data.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for rater in range(RATERS):
            traits = (
                ("Woman", "Man")[rater % 2],
                ("One", "Two", "Three")[rater % 3],
                ("18-39", "40-64", ">65")[rater // 2 % 3],
                ("Employed", "Retired")[rater // 3 % 2],
                ("School", "College")[rater // 5 % 2],
            )
            for number in range(OWN):
                item = (rater + 2 * number) % TEXTS
                rating = 1 + (item * 7 + rater) % 5
                text = f"Remark {item} on the weather, the trains and the price of bread."
                writer.writerow((item, rater, text, f"{rating}.0", *traits))


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "real_study.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_the_whole_road_and_what_is_missing(tmp_path: Path) -> None:
    write_ratings(tmp_path / "data" / "popquorn")
    done = run("--data", str(tmp_path / "data"), "--keep", str(tmp_path / "kept"))
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert f"{RATERS} raters, {TEXTS} texts, {RATERS * OWN} ratings" in told
    assert "Draw (leximin, seed 'real-study'): 40 of 48 under 8 quotas" in told
    assert f"pandas: all {40 * OWN} ratings are those of the source" in told
    for stage in ("quotas and draw", "train hierarchical", "results page", "export"):
        assert f"\n  {stage} " in told
    for method in ("juror_mean", "population_ridge", "hierarchical", "population_offset"):
        assert f"\n  {method} " in told
    assert "Welfare by inoffensiveness along α" in told
    assert "dices: skipped, there is no " in told
    assert (tmp_path / "kept" / "real_study.sqlite3").exists()


def test_a_study_that_does_not_exist_is_refused() -> None:
    done = run("gallup")
    assert done.returncode == 2
    assert "known: popquorn, dices" in done.stderr
