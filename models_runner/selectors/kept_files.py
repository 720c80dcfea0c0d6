"""What Runs left in files for a while: one JSON object a line, read from any line on."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings

from juries.models import Run

FOLDER = "kept"
PREDICT_KIND = "models_runner.predict_texts"
PLAN_KIND = "models_runner.plan_items"
VERDICTS_KIND = "models_runner.verdicts"
KEPT_KINDS = (PREDICT_KIND, VERDICTS_KIND)
"""Kinds of Runs that leave lines; their parameters name the `study`."""


class NotKept(Exception):
    """The lines of a Run are not there any more; the message says why and what to do."""


def kept_path(*, run: Run) -> Path:
    """Where the lines of a Run lie."""
    return Path(settings.ARTEFACTS_DIR) / FOLDER / f"{run.public_id}.jsonl"


def kept_lines(*, run: Run, start: int = 0, number: int | None = None) -> list[dict[str, Any]]:
    """Some lines of what a Run left, `number` from `start` on; all by default.

    Raises:
        NotKept: the file is gone.
    """
    try:
        with kept_path(run=run).open(encoding="utf-8") as file:
            stop = None if number is None else start + number
            return [json.loads(line) for line in islice(file, start, stop)]
    except FileNotFoundError as missing:
        raise NotKept(
            "What this Run found is not kept any more: a juror has withdrawn what she said, or "
            "it is a week old. Ask anew."
        ) from missing
