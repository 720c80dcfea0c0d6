"""The commands of benchmarks: from files to tables and JSON, without a database."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[2]
P, Q = {"a": 0.5, "b": 0.3, "c": 0.2}, {"c": 0.7, "a": 0.1, "b": 0.2}


def file(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def run(*arguments: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def refusal(*arguments: object) -> str:
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*map(str, arguments), stdout=out, stderr=out)
    assert caught.value.returncode == 2
    return out.getvalue() + str(caught.value)


class TestCompareDistributions:
    def test_published_numbers(self, tmp_path: Path) -> None:
        out = tmp_path / "result.json"
        table = run(
            "compare_distributions",
            file(tmp_path, "p.json", P),
            file(tmp_path, "q.json", Q),
            "--ordinal",
            "--out",
            out,
        )
        assert "0.4673" in table
        assert "Not computed: noise_floor_nats. How many people answered is not known." in table
        result = json.loads(out.read_text())
        assert result["format"] == "venire.compare_distributions/1"
        found = {m["measure"]: m["mean"] for m in result["measures"]}
        expected = {
            "js_distance_bits": 0.467294,
            "js_distance_nats": 0.389048,
            "js_divergence_bits": 0.218364,
            "js_divergence_nats": 0.151358,
            "kl_human_model_nats": 0.675806,
            "total_variation": 0.5,
            "wasserstein_1": 0.9,
            "wasserstein_1_normalised": 0.45,
            "representativeness": 0.55,
            "mode_accuracy": 0,
            "entropy_human_nats": 1.029653,
            "shuffled_js_distance_bits": 0.342879,
        }
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=5e-7), name
        assert found["noise_floor_nats"] is None
        assert result["by_question"][0]["model"] == [0.1, 0.2, 0.7]
        assert "not known" in result["by_question"][0]["reasons"]["noise_floor_nats"]

    def test_many_questions_with_counts_refusals_and_infinity(self, tmp_path: Path) -> None:
        human = file(
            tmp_path,
            "h.csv",
            "\ufeffcount;option;question\n30;Yes;One\n70;No;One\n10;a;Two\n20;b;Two\n5;dk;Two\n",
        )
        model = file(
            tmp_path, "m.json", {"Two": {"dk": 0, "b": 1, "a": 0}, "One": {"No": 0.5, "Yes": 0.5}}
        )
        out = tmp_path / "result.json"
        arguments = ["compare_distributions", human, model, "--human-counts", "--ordinal"]
        table = run(*arguments, "--refusal", "dk", "--bootstraps", "50", "--out", out)
        first = out.read_bytes()
        assert "∞" in table
        assert "kl_human_model_nats is ∞ in 1 question(s)" in table
        result = json.loads(first)
        kl = next(m for m in result["measures"] if m["measure"] == "kl_human_model_nats")
        assert (kl["mean"], kl["infinite"]) == ("Infinity", 1)
        two = result["by_question"][1]
        assert two["measures"]["wasserstein_1_normalised"] == pytest.approx(1 / 3)
        assert two["respondents"] == 35
        assert two["measures"]["refused_human"] == pytest.approx(1 / 7)
        assert two["measures"]["refused_model"] == 0
        assert two["measures"]["noise_floor_nats"] == pytest.approx(2 / 8 / 35)
        run(*arguments, "--refusal", "dk", "--bootstraps", "50", "--out", out)
        assert out.read_bytes() == first

    def test_options_that_differ_are_named_on_both_sides(self, tmp_path: Path) -> None:
        told = refusal(
            "compare_distributions",
            file(tmp_path, "h.json", {"Yes": 0.5, "No": 0.5}),
            file(tmp_path, "m.json", {"Yes": 0.5, "Nay": 0.5}),
        )
        assert "Only people have: 'No'. Only the model has: 'Nay'" in told

    def test_questions_that_one_file_lacks(self, tmp_path: Path) -> None:
        files = (
            file(tmp_path, "h.json", {"One": P, "Two": P}),
            file(tmp_path, "m.json", {"One": Q, "Three": Q}),
        )
        told = refusal("compare_distributions", *files)
        assert "Only people answered: 'Two'. Only the model answered: 'Three'" in told
        assert "Left out, answered by people alone: 1" in run(
            "compare_distributions", *files, "--common-questions", "--bootstraps", 0
        )

    def test_bad_rows_are_listed(self, tmp_path: Path) -> None:
        bad = file(tmp_path, "h.csv", "option,probability\nYes,0.5\nNo,-1\nYes,0.1\n")
        told = refusal("compare_distributions", bad, file(tmp_path, "m.json", P))
        assert "h.csv, row 3: The probability of option 'No'" in told
        assert "h.csv, row 4: Option 'Yes'" in told
        assert "2 error(s) in h.csv" in told

    def test_sums_and_rounding(self, tmp_path: Path) -> None:
        files = (
            file(tmp_path, "h.json", {"Q": {"a": 0.33, "b": 0.66}}),
            file(tmp_path, "m.json", {"Q": {"a": 0.5, "b": 0.5}}),
        )
        assert "question 'Q': The probabilities add up to 0.99, not 1" in refusal(
            "compare_distributions", *files
        )
        assert "js_distance_bits" in run("compare_distributions", *files, "--sum-within", "0.02")

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--refusal", "c"], "needs --ordinal"),
            (["--ordinal", "--refusal", "z"], "no question has this option"),
            (["--ordinal", "--refusal", "a", "--refusal", "b"], "fewer than two different codes"),
            (["--smoothing", "-1"], "The smoothing is -1"),
            (["--bootstraps", "-1"], "--bootstraps is -1"),
            (["--seed", "-1"], "--seed is -1"),
            (["--sum-within", "nan"], "--sum-within is nan"),
            (["--respondents", "0"], "0 respondents"),
            (["--samples", "inf"], "inf respondents"),
            (["--counts", "--respondents", "9"], "--respondents is for probabilities"),
        ],
    )
    def test_options_that_cannot_be_used(
        self, tmp_path: Path, arguments: list[str], words: str
    ) -> None:
        files = (file(tmp_path, "h.json", P), file(tmp_path, "m.json", Q))
        assert words in refusal("compare_distributions", *files, *arguments)

    def test_files_that_are_not_there(self, tmp_path: Path) -> None:
        here = file(tmp_path, "h.json", P)
        assert "can't be read" in refusal("compare_distributions", here, tmp_path / "none.json")
        assert "can't be written" in refusal(
            "compare_distributions", here, here, "--out", tmp_path / "no" / "folder.json"
        )

    def test_no_database_is_asked_and_the_status_is_2(self, tmp_path: Path) -> None:
        def process(*arguments: Path) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [sys.executable, "manage.py", "compare_distributions", *arguments],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"},
                capture_output=True,
                text=True,
                check=False,
            )

        here = file(tmp_path, "h.json", P)
        assert process(here, here).returncode == 0
        broken = process(here, file(tmp_path, "m.json", "{"))
        assert broken.returncode == 2
        assert "m.json, line 1: The JSON is broken" in broken.stderr


OBJECTIVES = "model,freedom,harm\nA,0.9,9\nB,0.5,4\nC,0.2,0\nD,0.2,5\n"


class TestPareto:
    def test_front_and_rankings(self, tmp_path: Path) -> None:
        out = tmp_path / "result.json"
        told = run(
            *("pareto", file(tmp_path, "o.csv", OBJECTIVES)),
            *("--ranges", "freedom=0:1", "harm=10:0"),
            *("--function", "linear", "--function", "minimum", "--out", out),
        )
        assert "On the front: A, B, C." in told
        assert "B before C by minimum; after it by linear (equal weights)." in told
        result = json.loads(out.read_text())
        assert result["front"] == ["A", "B", "C"]
        assert result["models"][3]["improved_by"] == ["B", "C"]
        linear = result["rankings"]["functions"][0]
        assert linear["scores"] == {"A": 0.5, "B": 0.55, "C": 0.6, "D": 0.35}
        assert linear["ranks"] == {"A": 3, "B": 2, "C": 1, "D": 4}

    def test_directions_without_ranges(self, tmp_path: Path) -> None:
        path = file(tmp_path, "o.csv", OBJECTIVES)
        assert "On the front: A." in run("pareto", path)
        assert "On the front: A, B, C." in run("pareto", path, "--directions", "harm=lower")

    def test_front_probabilities(self, tmp_path: Path) -> None:
        replicates = "replicate,model,x\n1,A,1\n1,B,2\n2,A,3\n2,B,2\n3,A,1\n3,B,2\n4,A,1\n4,B,2\n"
        out = tmp_path / "result.json"
        told = run(
            *("pareto", file(tmp_path, "o.csv", "model,x\nA,1\nB,2\n")),
            *("--replicates", file(tmp_path, "r.csv", replicates), "--out", out),
        )
        assert "P(front)" in told
        models = json.loads(out.read_text())["models"]
        assert [m["front_probability"]["value"] for m in models] == [0.25, 0.75]

    @pytest.mark.parametrize(
        ("content", "arguments", "words"),
        [
            (OBJECTIVES, ["--function", "linear"], "'freedom' has no declared range"),
            (OBJECTIVES, ["--function", "best"], "no commensurating function 'best'"),
            (
                OBJECTIVES,
                ["--ranges", "freedom=0:1", "harm=8:0"],
                "Model 'A' has 9 for 'harm', outside the declared worst 8 to best 0",
            ),
            (OBJECTIVES, ["--ranges", "harm=8:0"], "Model 'A' has 9 for 'harm'"),
            (OBJECTIVES, ["--directions", "wealth=lower"], "there is no 'wealth'"),
            ("model,x\nA,\n", [], "row 2: 'x' of 'A' is blank."),
        ],
    )
    def test_bad_input(
        self, tmp_path: Path, content: str, arguments: list[str], words: str
    ) -> None:
        assert words in refusal("pareto", file(tmp_path, "o.csv", content), *arguments)


MATRIX = "plain,function,free,safe\n0.5,safe,0.3,0.7\n0.6,free,0.8,0.9\n"


class TestTradeoff:
    def test_score_gain_and_hypervolume(self, tmp_path: Path) -> None:
        points = file(tmp_path, "p.csv", "model,x,y\na,0.9,0.1\nb,0.6,0.6\nc,0.1,0.9\nd,-1,2\n")
        out = tmp_path / "result.json"
        told = run(
            *("tradeoff", file(tmp_path, "T.csv", MATRIX), "--static", "plain"),
            *("--points", points, "--reference", "x=0", "y=0", "--out", out),
        )
        assert "Steerable: no (50% of rows satisfied, regret 0.1000)." in told
        assert "-0.1000 over the model steered to safe for everything" in told
        assert "Hypervolume 0.42; 1 point(s) not better" in told
        result = json.loads(out.read_text())
        assert result["score"] == 1.5
        assert result["functions"][1]["values"] == {"safe": 0.9, "free": 0.8}
        assert result["gain_over_static"] == 0.4
        assert result["hypervolume"]["value"] == 0.42

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ([], "Columns without a function: plain; declare"),
            (["--static", "other"], "'other' is no column"),
            (["--static", "free"], "'free' is a function's own column"),
            (["--static", "plain", "--reference", "x=0"], "belong to --points"),
        ],
    )
    def test_bad_input(self, tmp_path: Path, arguments: list[str], words: str) -> None:
        assert words in refusal("tradeoff", file(tmp_path, "T.csv", MATRIX), *arguments)

    @pytest.mark.parametrize(
        ("reference", "words"),
        [(["x=0"], "--reference lacks 'y'"), (["x=0", "y=up"], "'y' is 'up', no number")],
    )
    def test_a_reference_is_declared_for_each_objective(
        self, tmp_path: Path, reference: list[str], words: str
    ) -> None:
        points = file(tmp_path, "p.csv", "model,x,y\na,1,1\n")
        told = refusal(
            *("tradeoff", file(tmp_path, "T.csv", MATRIX), "--static", "plain"),
            *("--points", points, "--reference", *reference),
        )
        assert words in told
