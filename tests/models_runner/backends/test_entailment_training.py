"""The command that trains the embedded judge, on a tiny encoder; and the judge that comes of it."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

from models_runner.backends.entailment import weights
from models_runner.backends.entailment.cross_encoder import PairTokenizer, build, is_tuned
from models_runner.backends.entailment.embedded import EmbeddedEntailment
from models_runner.backends.entailment.inference import probabilities
from models_runner.backends.entailment.training import (
    TrainingPlan,
    batches_of,
    epoch_of,
    loss_of,
    train,
)
from models_runner.domain.contrast.pairs import LabelledPair, Relation
from models_runner.ports import EncoderUnavailable
from overton.ports import EntailmentUnavailable

E, N, C, NOT = Relation
KINDS = ("cats", "dogs", "birds")
VERBS = ("purr", "bark", "sing")
PAIRS = [
    LabelledPair(f"{kind} can {verb}.", f"{other} can {verb}.", E if kind == other else N, "toy")
    for kind in KINDS
    for other in KINDS
    for verb in VERBS
]
LINES = "\n".join(
    json.dumps(
        {
            "premise": pair.premise,
            "hypothesis": pair.hypothesis,
            "label": pair.label,
            "source": pair.source,
        }
    )
    for pair in PAIRS
)


def train_by_command(folder: Path, encoder: Path, **options: Any) -> tuple[Path, str]:
    data = folder / "pairs.jsonl"
    data.write_text(LINES)
    out = StringIO()
    given = {
        "threads": 1,
        "pairs": 200,
        "contrast": 0.2,
        "base": str(encoder),
        "rate": 1e-2,
        "float32": True,
    }
    call_command(
        "train_entailment",
        data=[data],
        dev=data,
        out=folder / "judge",
        stdout=out,
        **(given | options),
    )
    return folder / "judge", out.getvalue()


@pytest.fixture(scope="module")
def judge_folder(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    folder, _ = train_by_command(tmp_path_factory.mktemp("judge"), tiny_base)
    return folder


class TestCommand:
    def test_manifest_traces_the_weights(
        self, judge_folder: Path, tiny_base: Path, tmp_path: Path
    ) -> None:
        manifest = json.loads((judge_folder / "manifest.json").read_text())
        stored = judge_folder / "tuned.safetensors"
        assert manifest["weights"]["sha256"] == weights.file_digest(stored)
        assert manifest["weights"]["bytes"] == stored.stat().st_size
        assert manifest["data"]["pairs_read"] == len(PAIRS)
        assert manifest["plan"]["pairs"] == 200
        assert 200 <= manifest["seen"]["pairs"] < 300
        assert manifest["seen"]["by_source"]["toy"] > manifest["seen"]["pairs"] / 2
        assert [row["source"] for row in manifest["held_out_scores"]] == ["toy", "all"]
        again, _ = train_by_command(tmp_path, tiny_base)
        assert weights.file_digest(again / "tuned.safetensors") == manifest["weights"]["sha256"]

    def test_texts_kept_for_measuring_are_left_out(self, tmp_path: Path, tiny_base: Path) -> None:
        (tmp_path / "kept.txt").write_text("Cats  can purr.\n")
        folder, said = train_by_command(
            tmp_path, tiny_base, without=tmp_path / "kept.txt", pairs=20
        )
        gone = sum("cats can purr." in (pair.premise, pair.hypothesis) for pair in PAIRS)
        assert gone == 5
        assert f"{len(PAIRS)} pairs read, {gone} left out" in said
        assert json.loads((folder / "manifest.json").read_text())["data"]["pairs_left_out"] == gone

    def test_goes_on_from_weights_and_writes_checkpoints(
        self, tmp_path: Path, tiny_base: Path, judge_folder: Path
    ) -> None:
        folder, _ = train_by_command(
            tmp_path,
            tiny_base,
            start_from=judge_folder,
            rate=1e-9,
            pairs=450,
            tokens=64,
            checkpoint_minutes=0.0,
        )
        before, _ = weights.load(judge_folder)
        after, manifest = weights.load(folder)
        name = "encoder.encoder.layer.0.attention.self.query.weight"
        assert torch.allclose(before[name], after[name], atol=1e-3)
        assert manifest["start_from"] == weights.file_digest(judge_folder / "tuned.safetensors")
        assert (folder / "checkpoint" / "tuned.safetensors").is_file()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"without": Path("/nowhere.txt")}, r"nowhere\.txt can't be read"),
            ({"base": "/nowhere"}, "could not be loaded"),
            ({"start_from": Path("/nowhere")}, "holds no weights"),
        ],
    )
    def test_bad_input_is_named(
        self, tmp_path: Path, tiny_base: Path, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(CommandError, match=message):
            train_by_command(tmp_path, tiny_base, **options)

    def test_bad_pairs_are_named_by_line(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.jsonl"
        bad.write_text(LINES + '\n{"premise": "a", "hypothesis": "b", "label": "maybe"}\n')
        with pytest.raises(CommandError, match=rf"line {len(PAIRS) + 1}: the label 'maybe'"):
            call_command("train_entailment", data=[bad], dev=bad, out=tmp_path / "out")

    def test_all_left_out(self, tmp_path: Path, tiny_base: Path) -> None:
        (tmp_path / "kept.txt").write_text("\n".join(pair.premise for pair in PAIRS))
        with pytest.raises(CommandError, match="No pair is left"):
            train_by_command(tmp_path, tiny_base, without=tmp_path / "kept.txt")


class TestAverage:
    def average(self, *folders: Path, out: Path) -> dict[str, Any]:
        (out.parent / "dev.jsonl").write_text(LINES)
        call_command(
            "average_entailment",
            *map(str, folders),
            dev=out.parent / "dev.jsonl",
            out=out,
            form="float16",
            stdout=StringIO(),
        )
        manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text())
        return manifest

    def test_is_half_of_each_and_tells_of_both(
        self, tmp_path: Path, tiny_base: Path, judge_folder: Path
    ) -> None:
        further, _ = train_by_command(tmp_path, tiny_base, start_from=judge_folder, seed=3)
        manifest = self.average(judge_folder, further, out=tmp_path / "mean")
        one, other = weights.load(judge_folder)[0], weights.load(further)[0]
        mean, _ = weights.load(tmp_path / "mean")
        name = "encoder.encoder.layer.0.attention.self.query.weight"
        assert not torch.allclose(one[name], other[name], atol=1e-3)
        for key, value in mean.items():
            torch.testing.assert_close(value, (one[key] + other[key]) / 2, atol=2e-3, rtol=2e-3)
        trained = [weights.load(folder)[1] for folder in (judge_folder, further)]
        assert [was["weights"] for was in manifest["averaged"]] == [
            was["weights"] for was in trained
        ]
        assert manifest["averaged"][1]["start_from"] == trained[0]["weights"]["sha256"]
        assert manifest["base"] == trained[0]["base"]
        assert [row["source"] for row in manifest["held_out_scores"]] == ["toy", "all"]
        judge = EmbeddedEntailment(model=str(tmp_path / "mean"))
        assert judge.entails(["cats can purr"], ["cats purr"]).shape == (1, 3)

    def test_what_can_not_be_averaged(
        self, tmp_path: Path, tiny_base: Path, judge_folder: Path
    ) -> None:
        with pytest.raises(CommandError, match="name two or more"):
            self.average(judge_folder, out=tmp_path / "mean")
        with pytest.raises(CommandError, match="holds no weights"):
            self.average(judge_folder, tmp_path, out=tmp_path / "mean")
        (tmp_path / "about.json").write_text('{"licence": "CC0-1.0"}')
        free, _ = train_by_command(tmp_path, tiny_base, about=tmp_path / "about.json", pairs=20)
        with pytest.raises(CommandError, match="differ in 'licence'"):
            self.average(judge_folder, free, out=tmp_path / "mean")
        tensors, manifest = weights.load(judge_folder)
        tensors.pop(next(iter(tensors)))
        weights.save(tmp_path / "less", tensors, manifest, form="int8")
        with pytest.raises(CommandError, match="different nets"):
            self.average(judge_folder, tmp_path / "less", out=tmp_path / "mean")


class TestTraining:
    def test_learns_to_tell_kinds_apart(self, tiny_base: Path) -> None:
        torch.manual_seed(3)
        model, tokenizer = build(str(tiny_base), dropout=0.0), PairTokenizer(str(tiny_base))
        plan = TrainingPlan(
            pairs=13_000,
            contrast=0.0,
            rate=3e-3,
            head_rate=1e-2,
            smoothing=0.0,
            averaging=0.9,
            bfloat16=False,
        )
        frozen = model.state_dict()["encoder.embeddings.word_embeddings.weight"].clone()
        end, seen = train(model, tokenizer, PAIRS * 4, plan)
        assert end.pairs >= plan.pairs
        assert seen["toy"] == end.pairs
        found = probabilities(
            model, tokenizer, [p.premise for p in PAIRS], [p.hypothesis for p in PAIRS]
        )
        right = [
            (row.argmax() == 0) == (pair.label is E) for row, pair in zip(found, PAIRS, strict=True)
        ]
        assert np.mean(right) == 1.0
        after = model.state_dict()["encoder.embeddings.word_embeddings.weight"]
        assert torch.equal(frozen, after), "words' vectors stay as the package has them"

    def test_clock_ends_it(self, tiny_base: Path) -> None:
        model, tokenizer = build(str(tiny_base)), PairTokenizer(str(tiny_base))
        ticks = iter(range(0, 100_000, 10))
        plan = TrainingPlan(pairs=10**6, minutes=2.0, contrast=0.0, bfloat16=False)
        end, _ = train(model, tokenizer, PAIRS, plan, clock=lambda: float(next(ticks)))
        assert end.steps == 11, "one step each ten seconds, from ten to 110 of 120"

    def test_loss_by_hand(self) -> None:
        logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]]))
        known = loss_of(logits, torch.tensor([0, 2]), smoothing=0.0)
        assert float(known) == pytest.approx(np.log(2), abs=1e-6)
        unknown = loss_of(logits, torch.tensor([3, 3]), smoothing=0.0)
        assert float(unknown) == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2, abs=1e-6)
        smoothed = loss_of(logits[:1], torch.tensor([0]), smoothing=0.3)
        assert float(smoothed) == pytest.approx(0.8 * np.log(2) + 0.2 * np.log(4), abs=1e-6)

    def test_epochs_weigh_sources_and_differ(self) -> None:
        plan = TrainingPlan(contrast=0.25, weights={"toy": 2.0}, seed=4)
        first = epoch_of(PAIRS, plan, epoch=0)
        assert first == epoch_of(PAIRS, plan, epoch=0)
        assert first != epoch_of(PAIRS, plan, epoch=1)
        assert sum(pair.source == "toy" for pair in first) == 2 * len(PAIRS)
        assert len(first) == round(2 * len(PAIRS) / 0.75)
        assert not any(
            pair.source == "toy"
            for pair in epoch_of(PAIRS, TrainingPlan(weights={"toy": 0}), epoch=0)
        )

    def test_batches_hold_every_pair_once_within_the_limit(self) -> None:
        rng = np.random.default_rng(0)
        lengths = [int(value) for value in rng.integers(5, 60, size=5000)]
        batches = list(batches_of(lengths, tokens=512, seed=1))
        assert sorted(index for batch in batches for index in batch) == list(range(5000))
        assert all(len(batch) * max(lengths[i] for i in batch) <= 512 for batch in batches)


class TestWeights:
    def test_int8_is_near_and_small(self, tmp_path: Path) -> None:
        torch.manual_seed(0)
        tensors = {"a.weight": torch.randn(40, 64), "a.bias": torch.randn(40)}
        manifest = weights.save(tmp_path, tensors, {"note": "x"}, form="int8")
        back, read = weights.load(tmp_path)
        assert read == manifest
        step = tensors["a.weight"].abs().amax(dim=1, keepdim=True) / 127
        assert ((back["a.weight"] - tensors["a.weight"]).abs() <= step * 0.5001).all()
        assert torch.equal(back["a.bias"], tensors["a.bias"])
        assert manifest["weights"]["bytes"] < 40 * 64 * 2

    def test_a_row_of_noughts_stays_one(self) -> None:
        back = weights.unpack(weights.pack({"w": torch.zeros(2, 3)}, form="int8"))
        assert torch.equal(back["w"], torch.zeros(2, 3))

    def test_unknown_form(self) -> None:
        with pytest.raises(ValueError, match="int8 or float16"):
            weights.pack({}, form="int4")

    def test_changed_or_missing_files_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(EncoderUnavailable, match="train_entailment"):
            weights.load(tmp_path)
        weights.save(tmp_path, {"w": torch.ones(2, 2)}, {}, form="float16")
        with (tmp_path / weights.WEIGHTS_FILE).open("ab") as file:
            file.write(b"x")
        with pytest.raises(EncoderUnavailable, match="not the file that its manifest describes"):
            weights.load(tmp_path)


class TestJudge:
    def test_gives_probabilities_in_order(self, judge_folder: Path) -> None:
        judge = EmbeddedEntailment(model=str(judge_folder))
        premises = ["cats can purr. " * 3, "dogs bark", "the birds sing and the dogs bark"]
        calls: list[tuple[int, int]] = []
        found = judge.entails(
            premises,
            ["cats can purr", "birds sing", "dogs bark"],
            progress=lambda *c: calls.append(c),
        )
        assert found.shape == (3, 3)
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        assert calls[-1] == (3, 3)
        for place, premise in enumerate(premises):
            alone = judge.entails([premise], [["cats can purr", "birds sing", "dogs bark"][place]])
            np.testing.assert_allclose(alone[0], found[place], atol=1e-5)
        assert judge.entails([], []).shape == (0, 3)
        with pytest.raises(ValueError, match="1 premises, but 2 hypotheses"):
            judge.entails(["a"], ["b", "c"])

    def test_names_all_that_decides_the_numbers(self, judge_folder: Path) -> None:
        plain = EmbeddedEntailment(model=str(judge_folder))
        half = EmbeddedEntailment(model=str(judge_folder), dtype="bfloat16")
        assert plain.name == f"embedded:{judge_folder}"
        assert plain.revision == ""
        assert len(plain.weights_digest) == 64
        assert plain.weights_digest != half.weights_digest

    def test_refuses_what_it_can_not_do(self, judge_folder: Path, tmp_path: Path) -> None:
        with pytest.raises(EntailmentUnavailable, match="use float32, bfloat16, auto"):
            EmbeddedEntailment(model=str(judge_folder), dtype="int4")
        with pytest.raises(EntailmentUnavailable, match="no revisions"):
            EmbeddedEntailment(model=str(judge_folder), revision="v2")
        with pytest.raises(EntailmentUnavailable, match="holds no weights"):
            EmbeddedEntailment(model=str(tmp_path))

    def test_refuses_weights_of_another_base(self, judge_folder: Path, tmp_path: Path) -> None:
        tensors, manifest = weights.load(judge_folder)
        other = manifest | {"base": manifest["base"] | {"sha256": "0" * 64}}
        weights.save(tmp_path / "other", tensors, other, form="int8")
        with pytest.raises(EntailmentUnavailable, match="trained on other vectors"):
            EmbeddedEntailment(model=str(tmp_path / "other"))
        tensors.pop("head.0.bias")
        weights.save(tmp_path / "less", tensors, manifest, form="int8")
        with pytest.raises(EntailmentUnavailable, match=r"do not fit the net: head\.0\.bias"):
            EmbeddedEntailment(model=str(tmp_path / "less"))
        weights.save(tmp_path / "unnamed", tensors, {}, form="int8")
        with pytest.raises(EntailmentUnavailable, match="does not name its base"):
            EmbeddedEntailment(model=str(tmp_path / "unnamed"))

    def test_long_pairs_lose_words_of_the_premise_only(self, tiny_base: Path) -> None:
        tokenizer = PairTokenizer(str(tiny_base))
        pairs = tokenizer.pairs(["cats purr " * 300, "cats"], ["dogs bark " * 40, "dogs"])
        assert pairs.lengths() == [256, 5]
        assert sum(pairs.token_type_ids[0]) == 81, "80 words and the mark at the end"
        assert pairs.token_type_ids[1] == [0, 0, 0, 1, 1]

    def test_only_layers_and_head_are_tuned(self, tiny_base: Path) -> None:
        model = build(str(tiny_base))
        kept = {name for name, _ in model.named_parameters() if not is_tuned(name)}
        assert kept == {
            "encoder.embeddings.word_embeddings.weight",
            "encoder.embeddings.position_embeddings.weight",
        }
