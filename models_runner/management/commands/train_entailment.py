"""`manage.py train_entailment`: the embedded judge of entailment, trained from labelled pairs."""

import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from models_runner.domain.contrast.pairs import LabelledPair, without_texts
from models_runner.domain.entailment_scores import scores_by_source
from models_runner.management.benchmark_output import refusal
from models_runner.management.judge_weights import (
    command_as_run,
    read_pairs,
    read_text,
    score_table,
    software_and_machine,
)
from models_runner.ports import EncoderUnavailable

CHECKPOINT = "checkpoint"


class Command(BaseCommand):
    help = (
        "Train the embedded judge of entailment: MiniLM reads premise and hypothesis together. "
        "Writes the tuned weights and a manifest into a folder."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data", type=Path, nargs="+", required=True, help="JSON Lines of labelled pairs"
        )
        parser.add_argument("--dev", type=Path, required=True, help="the same, kept for measuring")
        parser.add_argument("--out", type=Path, required=True, help="folder to write")
        parser.add_argument(
            "--without",
            type=Path,
            help="texts, one a line: pairs that hold one of them are left out of training",
        )
        parser.add_argument(
            "--about",
            type=Path,
            help="JSON object for the manifest: sources, their licences, the weights' licence",
        )
        parser.add_argument("--base", help="encoder to start from, as VENIRE_ENCODER_MODEL")
        parser.add_argument("--start-from", type=Path, help="weights to go on from, a folder")
        parser.add_argument("--seed", type=int, default=0, help="of all that is drawn")
        parser.add_argument(
            "--pairs", type=_count, default=300_000, help="pairs to see, repeats counted"
        )
        parser.add_argument(
            "--minutes",
            type=float,
            help="end after this time in any case; a seed then no longer fixes every bit",
        )
        parser.add_argument(
            "--contrast", type=_share, default=0.35, help="share of rule-made contrast pairs"
        )
        parser.add_argument(
            "--weight",
            type=_weight,
            action="append",
            default=[],
            metavar="SOURCE=NUMBER",
            help="how often a source's pairs are seen in an epoch; 1 unless given",
        )
        parser.add_argument("--rate", type=float, default=1e-4, help="highest learning rate")
        parser.add_argument(
            "--tokens", type=_count, default=1024, help="tokens in a batch, at most"
        )
        parser.add_argument("--threads", type=_count, help="of torch; its own choice unless given")
        parser.add_argument("--float32", action="store_true", help="no bfloat16 in training")
        parser.add_argument(
            "--form", choices=("int8", "float16"), default="int8", help="how weights are stored"
        )
        parser.add_argument(
            "--checkpoint-minutes", type=float, default=10.0, help="between checkpoints"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        pairs = [pair for path in options["data"] for pair in read_pairs(path)]
        dev = read_pairs(options["dev"])
        read = len(pairs)
        if options["without"] is not None:
            pairs = without_texts(pairs, read_text(options["without"]).splitlines())
        if not pairs:
            raise refusal("No pair is left to train on: --without leaves out all of them.")
        about = _about(options["about"])
        self.stdout.write(
            f"{read:,} pairs read, {read - len(pairs):,} left out, {len(dev):,} kept for measuring."
        )
        try:
            manifest = self._train(pairs, dev, about, read, options)
        except (EncoderUnavailable, ValueError) as problem:
            raise refusal(str(problem)) from problem
        self.stdout.write(
            f"Written to {options['out']}: {manifest['weights']['bytes']:,} bytes, "
            f"SHA-256 {manifest['weights']['sha256']}."
        )

    def _train(
        self,
        pairs: list[LabelledPair],
        dev: list[LabelledPair],
        about: dict[str, Any],
        read: int,
        options: dict[str, Any],
    ) -> dict[str, Any]:
        # Only this command and Runs may load torch, and only once they need it.
        import torch

        from models_runner.backends.entailment import cross_encoder, training, weights
        from models_runner.backends.entailment.inference import probabilities

        if options["threads"]:
            torch.set_num_threads(options["threads"])
        base = options["base"] or cross_encoder.BASE
        plan = training.TrainingPlan(
            pairs=options["pairs"],
            minutes=options["minutes"],
            seed=options["seed"],
            contrast=options["contrast"],
            weights=dict(options["weight"]),
            rate=options["rate"],
            tokens=options["tokens"],
            bfloat16=not options["float32"],
        )
        torch.manual_seed(plan.seed)
        tokenizer = cross_encoder.PairTokenizer(base)
        model = cross_encoder.build(base, dropout=plan.dropout)
        earlier: dict[str, Any] | None = None
        if options["start_from"] is not None:
            tensors, earlier = weights.load(options["start_from"])
            model.load_state_dict(tensors, strict=False)
        out: Path = options["out"]
        saved = 0.0
        clock = time.monotonic
        started = clock()

        def watch(state: training.TrainingState, average: training.MovingAverage) -> None:
            nonlocal saved
            minutes = (clock() - started) / 60
            self.stdout.write(
                f"{minutes:6.1f} min, {state.share:6.1%}: {state.pairs:,} pairs, "
                f"loss {state.loss:.4f}, rate {state.rate:.2e}"
            )
            self.stdout.flush()
            if minutes - saved >= options["checkpoint_minutes"]:
                saved = minutes
                weights.save(
                    out / CHECKPOINT, average.state(), {"unfinished": True}, form=weights.FORMATS[1]
                )

        end, seen = training.train(model, tokenizer, pairs, plan, watch=watch)
        tuned = {
            name: value
            for name, value in model.state_dict().items()
            if cross_encoder.is_tuned(name)
        }
        # What is measured is what will be loaded: the weights as they are stored.
        model.load_state_dict(
            weights.unpack(weights.pack(tuned, form=options["form"])), strict=False
        )
        premises = [pair.premise for pair in dev]
        hypotheses = [pair.hypothesis for pair in dev]
        held_out = scores_by_source(dev, probabilities(model, tokenizer, premises, hypotheses))
        self.stdout.write(score_table(held_out))
        return weights.save(
            out,
            tuned,
            {
                **about,
                "base": {"name": base, "sha256": cross_encoder.base_digest(model)},
                "start_from": earlier and earlier["weights"]["sha256"],
                "command": command_as_run(),
                "data": {
                    "files": [
                        {"name": path.name, "sha256": weights.file_digest(path)}
                        for path in options["data"]
                    ],
                    "held_out": {
                        "name": options["dev"].name,
                        "sha256": weights.file_digest(options["dev"]),
                    },
                    "without": options["without"]
                    and {
                        "name": options["without"].name,
                        "sha256": weights.file_digest(options["without"]),
                    },
                    "pairs_read": read,
                    "pairs_left_out": read - len(pairs),
                    "pairs_by_source": dict(sorted(Counter(p.source for p in pairs).items())),
                },
                "plan": plan.as_json(),
                "seen": {
                    "pairs": end.pairs,
                    "steps": end.steps,
                    "minutes": round((clock() - started) / 60, 1),
                    "by_source": dict(sorted(seen.items())),
                },
                "held_out_scores": [asdict(score) for score in held_out],
                **software_and_machine(threads=torch.get_num_threads()),
            },
            form=options["form"],
        )


def _about(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        about = json.loads(read_text(path))
    except json.JSONDecodeError as problem:
        raise refusal(f"{path.name} is no JSON: {problem}.") from problem
    if not isinstance(about, dict):
        raise refusal(f"{path.name} must hold a JSON object.")
    return about


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number above 0.")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError as problem:
        raise ArgumentTypeError(f"{text!r} is no number.") from problem
    if not 0 <= value < 1:
        raise ArgumentTypeError(f"{text!r} is not between 0 and 1.")
    return value


def _weight(text: str) -> tuple[str, float]:
    source, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError as problem:
        raise ArgumentTypeError(f"{text!r} is not of the form SOURCE=NUMBER.") from problem
    if not source or value < 0:
        raise ArgumentTypeError(f"{text!r} needs a source and a number of at least 0.")
    return source, value
