"""The command that measures jurors' functions on a table, without a database."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from fake_encoder import WordEncoder

from annotations.domain.tables import TableUnreadable
from models_runner.services.juror_evaluation import read_rating_file
from models_runner.services.vector_files import embed_with_file_cache

WORDS = ("calm", "rude", "kind", "loud", "plain", "odd")


@pytest.fixture(autouse=True)
def words(settings: LazySettings, tmp_path: Path) -> None:
    settings.ENCODER_BACKEND = "fake_encoder.WordEncoder"
    settings.VAR_DIR = tmp_path


def write(path: Path, *, words: bool = False, jurors: int = 24) -> Path:
    """Jurors of two kinds on thirty texts; some cells are empty."""
    rng = np.random.default_rng(0)
    lines = ["rater\titem\ttext\trating\tgender"]
    for juror in range(jurors):
        for item in range(30):
            if rng.random() < 0.3:
                continue
            liked = (item + juror) % 2
            number = int(np.clip(2 + 2 * liked + rng.integers(-1, 2), 1, 5))
            said: object = ("No", "Yes")[number > 3] if words else number
            trait = ("woman", "man", "")[juror % 3]
            text = f"{WORDS[item % 2]} {WORDS[2 + item % 4]} text {item}"
            lines.append(f"r{juror}\ti{item}\t{text}\t{said}\t{trait}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def evaluate(table: Path, *options: str) -> tuple[dict[str, Any], str, str]:
    out, errors = io.StringIO(), io.StringIO()
    target = table.parent / "result.json"
    call_command(
        "evaluate_jurors",
        str(table),
        *("--juror", "rater", "--item", "item", "--text", "text", "--rating", "rating"),
        *("--out", str(target), *options),
        stdout=out,
        stderr=errors,
    )
    return json.loads(target.read_text(encoding="utf-8")), out.getvalue(), errors.getvalue()


def test_every_method_and_situation_has_its_rows(tmp_path: Path) -> None:
    table = write(tmp_path / "t.tsv")
    options = ("--traits", "gender", "--scale", "1,5", "--seeds", "1", "--counts", "0,10")
    result, out, errors = evaluate(table, *options)
    found = {(row["jurors"], row["items"], row["n"]) for row in result["rows"]}
    assert found == {
        ("seen", "new", None),
        ("new", "new", 0),
        ("new", "new", 10),
        ("seen", "seen", None),
    }
    for row in result["rows"]:
        assert set(row) >= {"method", "jurors", "items", "n", "metric", "value", "low", "high"}
        assert (row["value"] is None) == (row["reason"] != "")
        assert row["value"] is None or row["low"] <= row["value"] <= row["high"]
    errors_of = {
        row["method"]: row["value"]
        for row in result["rows"]
        if (row["jurors"], row["n"], row["metric"]) == ("new", 10, "mae")
    }
    assert set(errors_of) == set(result["methods"])
    assert errors_of["hierarchical"] < errors_of["juror_mean"]
    assert result["scale"] == {"low": 1, "high": 5}
    assert "texts read" in errors
    assert "hierarchical is" in out
    # Everything is cached, and the same table gives the same bytes.
    before = (tmp_path / "result.json").read_bytes()
    _, _, errors = evaluate(table, *options)
    assert (tmp_path / "result.json").read_bytes() == before
    assert "texts read" not in errors


def test_one_method_and_words_for_ratings(tmp_path: Path) -> None:
    table = write(tmp_path / "t.tsv", words=True)
    result, _, errors = evaluate(table, "--method", "hierarchical", "--seeds", "1")
    assert result["methods"] == ["hierarchical"]
    assert result["gates"] == {}
    assert {"accuracy", "macro_f1", "log_loss"} <= {
        row["metric"] for row in result["rows"] if row["value"] is not None
    }
    assert any("'no' is read as 0" in note for note in result["notes"])
    assert any("No scale was declared" in note for note in result["notes"])
    assert "No scale was declared" in errors


class Judge:
    """As settings.ENTAILMENT_BACKEND: says yes where the two texts share their first word."""

    name, revision, weights_digest = "first words", "", "f" * 64

    def __init__(self, *, model: str, revision: str, dtype: str) -> None:
        pass

    def entails(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, progress: object = None
    ) -> np.ndarray:
        same = [p.split()[0] == h.split()[0] for p, h in zip(premises, hypotheses, strict=True)]
        yes = np.where(same, 0.9, 0.1)
        return np.column_stack([yes, 1 - yes, np.zeros(len(yes))])


def with_queries_and_opinions(table: Path) -> Path:
    """The same ratings; three queries, and each juror's opinion on most of them."""
    head, *lines = table.read_text(encoding="utf-8").splitlines()
    told = [f"{head}\tquery\topinion"]
    for line in lines:
        rater, item, *_ = line.split("\t")
        number, juror = int(item[1:]), int(rater[1:])
        opinion = "" if number % 3 == 2 else f"{WORDS[(juror + 1) % 2]} is best"
        told.append(f"{line}\tquery {number % 3}\t{opinion}")
    table.write_text("\n".join(told) + "\n", encoding="utf-8")
    return table


def test_preferences_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    table = with_queries_and_opinions(write(tmp_path / "t.tsv"))
    options = ("--query", "query", "--seeds", "1", "--counts", "0,5", "--method", "low_rank")
    result, out, _ = evaluate(table, *options, "--method", "juror_mean")
    assert result["methods"][0] == "juror_mean"
    assert set(result["methods"]) == {
        "juror_mean",
        "low_rank",
        "longer",
        "population_logistic",
        "independent_logistic",
    }
    assert result["comparisons"] > 0
    assert set(result["gates"]) == {"low_rank"}
    assert "low_rank: new jurors after 5 comparisons, new items: right in" in out
    ours = {
        row["metric"]: row["value"]
        for row in result["rows"]
        if (row["method"], row["jurors"], row["items"]) == ("low_rank", "seen", "seen")
    }
    assert ours["accuracy"] > 0.6
    assert ours["mae"] is None
    assert {row["juror"] for row in result["by_juror"]} <= {f"r{number}" for number in range(24)}
    assert {row["method"] for row in result["by_juror"]} == {"juror_mean", "low_rank"}


def test_statements_are_judged_and_beat_who_reads_nothing(
    tmp_path: Path, settings: LazySettings
) -> None:
    settings.ENTAILMENT_BACKEND = "test_models_runner_evaluate.Judge"
    table = with_queries_and_opinions(write(tmp_path / "t.tsv"))
    options = ("--query", "query", "--opinion", "opinion", "--seeds", "1", "--counts", "0,5")
    methods = ("--method", "statement", "--method", "juror_mean", "--link", "probit")
    result, _, errors = evaluate(table, *options, *methods)
    assert any("ratings without an opinion were left out" in note for note in result["notes"])
    assert result["link"] == "probit"
    assert "held against opinions" in errors
    value = {
        (row["method"], row["n"]): row["value"]
        for row in result["rows"]
        if (row["metric"], row["jurors"]) == ("mae", "new")
    }
    assert value["statement", 0] < value["juror_mean", 0] - 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "low_rank"), "--query"),
        (("--method", "statement"), "--opinion"),
        (("--method", "magic"), "Known: global_mean"),
        (("--scale", "5"), "two numbers"),
        (("--scale", "5,1"), "must be the smaller"),
        (("--scale", "1,3"), "cells can't be read"),
        (("--values", "Yes"), "WORD=NUMBER"),
        (("--counts", "few"), "give numbers"),
        (("--counts", "-1"), "fewer than 0"),
        (("--seeds", "0"), "at least 1"),
        (("--confidence", "90"), "in \\(0, 1\\)"),
        (("--traits", "age"), "no column 'age'"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    table = write(tmp_path / "t.tsv", jurors=2)
    with pytest.raises(CommandError, match=message):
        evaluate(table, *options)
    assert not (tmp_path / "result.json").exists()


def test_problems_are_told_by_row(tmp_path: Path) -> None:
    table = write(tmp_path / "t.tsv", jurors=2)
    errors = io.StringIO()
    with pytest.raises(CommandError, match="nothing was computed") as caught:
        call_command(
            "evaluate_jurors",
            str(table),
            *("--juror", "rater", "--item", "item", "--text", "text", "--rating", "rating"),
            *("--out", str(tmp_path / "r.json"), "--scale", "1,2"),
            stderr=errors,
        )
    assert "row 2" in errors.getvalue() or "row 3" in errors.getvalue()
    assert "outside the scale" in errors.getvalue()
    assert caught.value.returncode == 2


def test_parquet_is_a_table_too(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"rater": ["a", "b"], "rating": [1.5, None]}), path)
    table = read_rating_file(path)
    assert table.columns == ("rater", "rating")
    assert table.rows == ((1, ("a", "1.5")), (2, ("b", "")))
    path.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(TableUnreadable, match="no Parquet file"):
        read_rating_file(path)


def test_vectors_are_kept_by_text_and_encoder(tmp_path: Path) -> None:
    encoder = WordEncoder(model="", revision="", dtype="f")
    told: list[tuple[int, int]] = []
    first = embed_with_file_cache(
        texts=["a b", "c", "a b"],
        encoder=encoder,
        folder=tmp_path / "deep" / "cache",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(2, 2)]
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(first, encoder.encode(["a b", "c", "a b"]))
    again = embed_with_file_cache(
        texts=["c", "d"],
        encoder=encoder,
        folder=tmp_path / "deep" / "cache",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (1, 1)
    np.testing.assert_array_equal(again[0], first[1])
    assert embed_with_file_cache(texts=[], encoder=encoder, folder=tmp_path).shape == (0, 16)
