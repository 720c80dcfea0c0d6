"""Judges of entailment by `transformers`: any model that was trained to classify pairs of texts."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging as transformers_logging

from models_runner.backends.hub import loading_options
from models_runner.backends.number_types import resolved
from models_runner.domain.entailment_labels import UnknownLabels, label_order
from overton.domain.pairs import distinct_pairs
from overton.ports import EntailmentUnavailable, Progress

# A Run has a progress bar of its own.
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there

TOKENS_PER_BATCH = 4096
LONGEST_PAIR = 512
FEWEST_OF_PREMISE = 16
"""Tokens that a premise keeps at least; a hypothesis that leaves less room is refused."""
LABELS = "#labels="
NUMBER_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class SequenceClassifier:
    """Any model that `AutoModelForSequenceClassification` loads and whose labels are of entailment.

    Which output means what is read from the model's configuration, never assumed. Pairs of alike
    length share a batch; equal pairs are judged once; a pair that is too long loses words at the
    end of its premise.

    Args:
        model: a folder or a hub id. Behind it may stand `#labels=entailment,neutral,contradiction`,
            the order of the outputs of a model whose configuration does not name them.
        revision: revision of a hub id; empty for its default.
        dtype: "float32", "bfloat16" (faster on processors that have it), or "auto": the faster.

    Raises:
        EntailmentUnavailable: the model can't be loaded, or its labels can't be told.
    """

    def __init__(self, *, model: str = "", revision: str = "", dtype: str = "float32") -> None:
        if not model:
            raise EntailmentUnavailable(
                "Name the model: set VENIRE_ENTAILMENT_MODEL to a folder or a hub id such as "
                "cross-encoder/nli-deberta-v3-base, or write transformers:MODEL."
            )
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = resolved(dtype, self._device)
        number_type = NUMBER_TYPES.get(self.dtype)
        if number_type is None:
            raise EntailmentUnavailable(
                f"VENIRE_ENTAILMENT_DTYPE={dtype!r} is not known; use auto, "
                f"{', '.join(NUMBER_TYPES)}."
            )
        self.name = model
        self.revision = revision
        source, _, labels = model.partition(LABELS)
        try:
            options = loading_options(source, revision=revision)
            self._tokenizer = AutoTokenizer.from_pretrained(source, **options)
            self._model = AutoModelForSequenceClassification.from_pretrained(
                source, dtype=number_type, **options
            )
        except (OSError, ValueError) as problem:
            raise EntailmentUnavailable(
                f"The model {source!r} could not be loaded: {problem} Set VENIRE_ENTAILMENT_MODEL "
                "to a folder, or to a hub id that this machine can reach."
            ) from problem
        named = dict(enumerate(labels.split(","))) if labels else self._model.config.id2label
        if len(named) != self._model.config.num_labels:
            raise EntailmentUnavailable(
                f"{source} has {self._model.config.num_labels} outputs, but {len(named)} labels "
                f"are named: {labels}."
            )
        try:
            self._order = label_order(
                {int(place): str(name) for place, name in named.items()}, model=model
            )
        except UnknownLabels as problem:
            raise EntailmentUnavailable(str(problem)) from problem
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        if self._model.config.pad_token_id is None:
            self._model.config.pad_token_id = self._tokenizer.pad_token_id
        self._model.eval().to(self._device)
        self._longest = _longest(self._model.config, self._tokenizer)
        self.weights_digest = self._digest(self.dtype)

    def _digest(self, dtype: str) -> str:
        digest = hashlib.sha256(f"{self._order.meanings}{self._longest}{dtype}".encode())
        for name, tensor in sorted(self._model.state_dict().items()):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def entails(
        self,
        premises: Sequence[str],
        hypotheses: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """As `overton.ports.EntailmentBackend`.

        Raises:
            EntailmentUnavailable: a hypothesis leaves no room for a premise.
        """
        once = distinct_pairs(premises, hypotheses)
        if not once.premises:
            return np.zeros((0, 3))
        tokens = self._tokens(once.premises, once.hypotheses)
        lengths = np.array([len(ids) for ids in tokens["input_ids"]])
        found = np.empty((len(lengths), 3))
        done = 0
        for batch in _batches(lengths):
            found[batch] = self._order.probabilities(self._classify(tokens, batch))
            done += len(batch)
            if progress is not None:
                progress(done, len(lengths))
        return found[once.places]

    def _tokens(self, premises: Sequence[str], hypotheses: Sequence[str]) -> dict[str, Any]:
        short = list(dict.fromkeys(hypotheses))
        room = self._longest - self._tokenizer.num_special_tokens_to_add(pair=True)
        sizes = self._tokenizer(short, add_special_tokens=False, verbose=False)["input_ids"]
        longest = max(range(len(short)), key=lambda place: len(sizes[place]))
        if len(sizes[longest]) > room - FEWEST_OF_PREMISE:
            raise EntailmentUnavailable(
                f"The text “{short[longest][:60]}…” has {len(sizes[longest])} tokens; {self.name} "
                f"reads pairs of {self._longest} and cuts premises only. Shorten it, or take a "
                "model that reads more."
            )
        found: dict[str, Any] = self._tokenizer(
            list(premises), list(hypotheses), truncation="only_first", max_length=self._longest
        )
        return found

    def _classify(self, tokens: dict[str, Any], batch: NDArray[np.int64]) -> NDArray[np.float64]:
        """(batch, labels) probabilities."""
        padded = self._tokenizer.pad(
            {name: [values[place] for place in batch] for name, values in tokens.items()},
            padding=True,
            return_tensors="pt",
        )
        inputs = {name: tensor.to(self._device) for name, tensor in padded.items()}
        with torch.inference_mode():
            logits = self._model(**inputs).logits.float()
            return np.asarray(torch.softmax(logits, dim=-1).cpu().numpy(), dtype=np.float64)


def _longest(config: Any, tokenizer: Any) -> int:
    """Tokens of the longest pair that the model reads."""
    positions = int(getattr(config, "max_position_embeddings", None) or LONGEST_PAIR)
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "longformer"):
        positions -= int(config.pad_token_id) + 1  # these count positions from there
    return min(positions, int(tokenizer.model_max_length), LONGEST_PAIR)


def _batches(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Places grouped so that pairs of alike length share a batch of at most 4,096 tokens."""
    order = np.argsort(-lengths, kind="stable")
    found = []
    start = 0
    while start < len(order):
        size = max(1, TOKENS_PER_BATCH // int(lengths[order[start]]))
        found.append(order[start : start + size])
        start += size
    return found
