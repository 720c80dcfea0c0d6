"""What commands of benchmarks share: reading files, tables of text, results on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import isinf, isnan
from pathlib import Path

from django.core.management.base import CommandError, OutputWrapper

from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.results import Plain, to_json
from venire import __version__

REFUSED = 2
"""Exit status for input that can't be used."""


def refusal(message: str) -> CommandError:
    """Input that can't be used, as an error with status 2."""
    return CommandError(message, returncode=REFUSED)


def read_input(path: Path) -> bytes:
    """The file's bytes. Raises CommandError."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise refusal(f"{path} can't be read: {problem.strerror}.") from problem


def tell_problems(problem: InvalidBenchmarkFile, stderr: OutputWrapper) -> CommandError:
    """Write every problem of a file on its line; raise what this returns."""
    for one in problem.problems:
        stderr.write(str(one))
    total = len(problem.problems) + problem.omitted
    return refusal(f"{total} error(s) in {problem.problems[0].file}; nothing was computed.")


def result_file(*, kind: str, inputs: dict[str, bytes], parameters: Plain, result: Plain) -> str:
    """A result with what it came of: software version, digests of the inputs, parameters."""
    return to_json(
        {
            "format": f"venire.{kind}/1",
            "version": __version__,
            "inputs": {
                name: {"sha256": hashlib.sha256(content).hexdigest()}
                for name, content in inputs.items()
            },
            "parameters": parameters,
            **result,
        }
    )


def write_result(path: Path, text: str) -> None:
    """Write the file. Raises CommandError."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise refusal(f"{path} can't be written: {problem.strerror}.") from problem


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns in line; the first to the left, the others to the right."""
    table = [headings, *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(headings))]
    lines = []
    for row in table:
        first, *rest = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def shown(value: float | None, digits: int = 4) -> str:
    """A number for a table: ∞ for infinity, a dash for none."""
    if value is None or isnan(value):
        return "–"
    if isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{digits}f}"
