"""`manage.py average_entailment`: weights of the embedded judge, averaged over trainings."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from models_runner.domain.entailment_scores import scores_by_source
from models_runner.management.benchmark_output import refusal
from models_runner.management.judge_weights import (
    command_as_run,
    read_pairs,
    score_table,
    software_and_machine,
)
from models_runner.ports import EncoderUnavailable

TAKEN_OVER = ("licence", "licence_note", "sources", "base")
"""What a manifest says of the weights themselves, and all of the averaged must agree on."""


class Command(BaseCommand):
    help = (
        "Average weights of the embedded judge that were trained one from another. What further "
        "training gains on its own data often costs elsewhere; the average tends to keep both."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folders", type=Path, nargs="+", help="two folders of weights or more; all count alike"
        )
        parser.add_argument("--dev", type=Path, required=True, help="labelled pairs, to measure on")
        parser.add_argument("--out", type=Path, required=True, help="folder to write")
        parser.add_argument(
            "--form", choices=("int8", "float16"), default="int8", help="how weights are stored"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Only this command and Runs may load torch, and only once they need it.
        import torch

        from models_runner.backends.entailment import cross_encoder, weights
        from models_runner.backends.entailment.inference import probabilities

        folders: list[Path] = options["folders"]
        if len(folders) < 2:
            raise refusal("One folder has no average; name two or more.")
        dev = read_pairs(options["dev"])
        try:
            loaded = [weights.load(folder) for folder in folders]
            manifests = [manifest for _, manifest in loaded]
            base = manifests[0]["base"]["name"]
            tokenizer = cross_encoder.PairTokenizer(base)
            model = cross_encoder.build(base)
        except EncoderUnavailable as problem:
            raise refusal(str(problem)) from problem
        for folder, manifest in zip(folders[1:], manifests[1:], strict=True):
            for name in TAKEN_OVER:
                if manifest.get(name) != manifests[0].get(name):
                    raise refusal(
                        f"{folders[0]} and {folder} differ in {name!r}, so that their average "
                        "would be neither's. Average trainings of one base on data of one licence."
                    )
        try:
            averaged = weights.average([tensors for tensors, _ in loaded])
        except ValueError as problem:
            raise refusal(str(problem)) from problem
        # What is measured is what will be loaded: the weights as they are stored.
        model.load_state_dict(
            weights.unpack(weights.pack(averaged, form=options["form"])), strict=False
        )
        model.eval()
        found = probabilities(
            model, tokenizer, [pair.premise for pair in dev], [pair.hypothesis for pair in dev]
        )
        held_out = scores_by_source(dev, found)
        self.stdout.write(score_table(held_out))
        whole = weights.save(
            options["out"],
            averaged,
            {
                **{name: manifests[0][name] for name in TAKEN_OVER if name in manifests[0]},
                "command": command_as_run(),
                "data": {
                    "held_out": {
                        "name": options["dev"].name,
                        "sha256": weights.file_digest(options["dev"]),
                    }
                },
                "averaged": [
                    {name: value for name, value in manifest.items() if name not in TAKEN_OVER}
                    for manifest in manifests
                ],
                "held_out_scores": [asdict(score) for score in held_out],
                **software_and_machine(threads=torch.get_num_threads()),
            },
            form=options["form"],
        )
        self.stdout.write(
            f"Written to {options['out']}: {whole['weights']['bytes']:,} bytes, "
            f"SHA-256 {whole['weights']['sha256']}."
        )
