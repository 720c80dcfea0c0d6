"""Responses that were collected elsewhere, from a CSV or JSONL file: a model that only replays."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path

from django.conf import settings

from models_runner.backends.language.prompting import (
    asked,
    identity_of,
    refuse_unknown_parameters,
)
from models_runner.ports import (
    Ability,
    AbilityMissing,
    Completion,
    FinishReason,
    GenerationRequest,
    LanguageModel,
    LetterScores,
    ModelSpecification,
    ModelUnavailable,
    OptionScores,
    Progress,
    Prompt,
)

PROMPT, RESPONSE = "prompt", "response"
MOST_BYTES = 200_000_000


def load(specification: ModelSpecification) -> LanguageModel:
    """The responses of the file that `location` names, inside settings.LANGUAGE_MODEL_FILES_DIR.

    Raises:
        ModelUnavailable: the file is not there, or a row can't be read; names the row.
    """
    refuse_unknown_parameters(specification, {})
    return FileLanguageModel(specification)


class FileLanguageModel:
    """Answers each prompt with what the file has for the last message of the user.

    Several rows with the same prompt are its samples, in order.
    """

    def __init__(self, specification: ModelSpecification) -> None:
        self.name = specification.location
        self.revision = specification.revision
        self.abilities = frozenset({Ability.GENERATE})
        self._called = specification.name
        path = _inside(specification)
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ModelUnavailable(
                    f"{self._called}: {path.name} has more than {MOST_BYTES / 1e6:.0f} MB. Split it"
                    " and register each part."
                )
            body = path.read_bytes()
            text = body.decode("utf-8-sig")
        except OSError as problem:
            raise ModelUnavailable(
                f"{self._called}: there is no file {specification.location!r} in"
                f" {settings.LANGUAGE_MODEL_FILES_DIR} on the worker's machine. Put it there."
            ) from problem
        except UnicodeDecodeError as problem:
            raise ModelUnavailable(
                f"{self._called}: {path.name} is not in UTF-8 (byte {problem.start}). Save it as"
                " UTF-8."
            ) from problem
        reader = _json_rows if path.suffix == ".jsonl" else _csv_rows
        self._responses: dict[str, list[str]] = {}
        for prompt, response in reader(text, f"{self._called}: {path.name}"):
            self._responses.setdefault(_plain(prompt), []).append(response)
        self.weights_digest = hashlib.sha256(body).hexdigest()
        self.identity = identity_of(specification, weights=self.weights_digest)

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        *,
        on_done: Callable[[Completion], None] | None = None,
        progress: Progress | None = None,
    ) -> list[Completion]:
        """See `LanguageModel`."""
        completions = []
        for done, request in enumerate(requests, start=1):
            completion = self._completion(request)
            completions.append(completion)
            if on_done is not None:
                on_done(completion)
            if progress is not None:
                progress(done, len(requests))
        return completions

    def _completion(self, request: GenerationRequest) -> Completion:
        question = asked(request.prompt)
        found = self._responses.get(_plain(question), [])
        if request.sample < len(found):
            return Completion(
                key=request.key,
                text=found[request.sample].strip(),
                finish_reason=FinishReason.STOP,
            )
        return Completion(
            key=request.key,
            text="",
            finish_reason=FinishReason.FAILED,
            error=(
                f"{self.name} has {len(found)} response{'s' if len(found) != 1 else ''} to"
                f" {question[:80]!r}; number {request.sample + 1} is wanted. The prompts in the"
                " file must be the queries' texts."
            ),
        )

    def next_letters(
        self,
        prompts: Sequence[Prompt],
        letters: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> LetterScores:
        """A file of responses has none."""
        raise AbilityMissing(_no_probabilities(self._called))

    def option_likelihoods(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[Sequence[str]],
        *,
        progress: Progress | None = None,
    ) -> list[OptionScores]:
        """A file of responses has none."""
        raise AbilityMissing(_no_probabilities(self._called))


def _no_probabilities(called: str) -> str:
    return (
        f"{called} is a file of responses, which has no probabilities. Import the distributions"
        " instead, or count sampled responses."
    )


def _inside(specification: ModelSpecification) -> Path:
    """The file, which must lie in the folder for such files: a name can't lead elsewhere."""
    folder = Path(settings.LANGUAGE_MODEL_FILES_DIR).resolve()
    path = (folder / specification.location).resolve()
    if not path.is_relative_to(folder) or path.suffix not in (".csv", ".jsonl"):
        raise ModelUnavailable(
            f"{specification.name}: {specification.location!r} must be the name of a .csv or .jsonl"
            f" file in {folder}."
        )
    return path


def _plain(text: str) -> str:
    return " ".join(text.split())


def _csv_rows(text: str, where: str) -> Iterator[tuple[str, str]]:
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    missing = [name for name in (PROMPT, RESPONSE) if name not in (rows.fieldnames or ())]
    if missing:
        raise ModelUnavailable(
            f"{where} has no column {' and no column '.join(map(repr, missing))}; its columns are"
            f" {', '.join(rows.fieldnames or ()) or 'none'}."
        )
    try:
        for row in rows:
            yield _checked(row, f"{where}, line {rows.line_num}")
    except csv.Error as problem:
        raise ModelUnavailable(f"{where}, line {rows.line_num}: {problem}.") from problem


def _json_rows(text: str, where: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as problem:
            raise ModelUnavailable(f"{where}, line {number} is no JSON: {problem}.") from problem
        yield _checked(row, f"{where}, line {number}")


def _checked(row: object, where: str) -> tuple[str, str]:
    if not isinstance(row, dict):
        raise ModelUnavailable(f"{where} is no object with {PROMPT!r} and {RESPONSE!r}.")
    prompt, response = row.get(PROMPT), row.get(RESPONSE)
    for name, value in ((PROMPT, prompt), (RESPONSE, response)):
        if not isinstance(value, str) or not value.strip():
            raise ModelUnavailable(f"{where}: {name!r} is missing or blank.")
    return str(prompt), str(response)
