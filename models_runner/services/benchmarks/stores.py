"""Where models' answers are kept, so that a run which is started again asks nothing twice."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from juries.models import Run
from models_runner.models import Elicitation

AT_ONCE = 500


class Store(Protocol):
    """Answers by the model's identity, the kind of request and the request's digest."""

    def get(self, *, identity: str, kind: str, digests: Sequence[str]) -> dict[str, Any]:
        """Those that are kept."""
        ...

    def put(self, *, identity: str, kind: str, answers: Mapping[str, Any]) -> None:
        """Keep answers for good, at once."""
        ...


class DatabaseStore:
    """In the database, for all Runs."""

    def __init__(self, *, run: Run | None) -> None:
        self.run = run

    def get(self, *, identity: str, kind: str, digests: Sequence[str]) -> dict[str, Any]:
        """Those that are kept."""
        found: dict[str, Any] = {}
        for start in range(0, len(digests), AT_ONCE):
            found.update(
                Elicitation.objects.filter(
                    identity=identity, kind=kind, digest__in=digests[start : start + AT_ONCE]
                ).values_list("digest", "answer")
            )
        return found

    def put(self, *, identity: str, kind: str, answers: Mapping[str, Any]) -> None:
        """One insert; what another Run has kept meanwhile stays as it is."""
        Elicitation.objects.bulk_create(
            [
                Elicitation(
                    identity=identity, kind=kind, digest=digest, answer=answer, run=self.run
                )
                for digest, answer in answers.items()
            ],
            ignore_conflicts=True,
            batch_size=AT_ONCE,
        )


class FileStore:
    """In a file of JSON lines, for commands that need no database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[tuple[str, str, str], Any] = {}
        for identity, kind, digest, answer in _read_lines(path):
            self._kept[identity, kind, digest] = answer

    def get(self, *, identity: str, kind: str, digests: Sequence[str]) -> dict[str, Any]:
        """Those that are kept."""
        return {
            digest: self._kept[identity, kind, digest]
            for digest in digests
            if (identity, kind, digest) in self._kept
        }

    def put(self, *, identity: str, kind: str, answers: Mapping[str, Any]) -> None:
        """Append lines and flush them."""
        with self.path.open("a", encoding="utf-8") as lines:
            for digest, answer in answers.items():
                self._kept[identity, kind, digest] = answer
                lines.write(json.dumps([identity, kind, digest, answer]) + "\n")


def _read_lines(path: Path) -> Iterable[tuple[str, str, str, Any]]:
    if not path.exists():
        return
    content = path.read_text(encoding="utf-8")
    whole = content[: content.rfind("\n") + 1]
    if whole != content:
        # A run that was ended within a line: the line is lost, and asked again.
        path.write_text(whole, encoding="utf-8")
    for line in whole.splitlines():
        identity, kind, digest, answer = json.loads(line)
        yield identity, kind, digest, answer
