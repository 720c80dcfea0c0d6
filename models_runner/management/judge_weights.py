"""What the commands that make weights of the embedded judge share."""

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models_runner.domain.contrast.pairs import InvalidPairs, LabelledPair, parse_pairs
from models_runner.domain.entailment_scores import SourceScore
from models_runner.management.benchmark_output import refusal, text_table

LIBRARIES = ("torch", "transformers", "safetensors", "numpy")


def read_text(path: Path) -> str:
    """A file as UTF-8.

    Raises:
        CommandError: it can't be read; the exit status is 2.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise refusal(f"{path} can't be read: {problem}.") from problem


def read_pairs(path: Path) -> list[LabelledPair]:
    """Labelled pairs of a JSON Lines file.

    Raises:
        CommandError: it can't be read, or a line is no labelled pair; the exit status is 2.
    """
    try:
        return parse_pairs(read_text(path).splitlines(), file=path.name)
    except InvalidPairs as problem:
        raise refusal(str(problem)) from problem


def score_table(scores: Sequence[SourceScore]) -> str:
    """Held-out scores by source."""

    def shown(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    return text_table(
        ("source", "pairs", "AUC", "accuracy"),
        [
            (score.source, f"{score.pairs:,}", shown(score.auc), shown(score.accuracy))
            for score in scores
        ],
    )


def command_as_run() -> list[str]:
    """The command for a manifest; of a path only its name, since folders are nobody's business."""
    return [
        "manage.py",
        *(Path(argument).name if "/" in argument else argument for argument in sys.argv[1:]),
    ]


def software_and_machine(*, threads: int) -> dict[str, Any]:
    """Versions and processor, for a manifest."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES},
        },
        "machine": {"processor": platform.machine(), "threads": threads},
    }
