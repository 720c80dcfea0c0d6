"""Models as files: arrays and a manifest of plain JSON, never pickle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PAIR_FORMAT = "venire-preference-1"


class InvalidArtefact(ValueError):
    """A stored model that cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """A model as arrays and a manifest of plain JSON values; never pickled."""

    arrays: Mapping[str, npt.NDArray[Any]]
    manifest: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """An npz file; equal artefacts give equal bytes."""
        text = json.dumps(self.manifest, sort_keys=True, ensure_ascii=True, allow_nan=False)
        arrays = {name: self.arrays[name] for name in sorted(self.arrays)}
        stream = io.BytesIO()
        np.savez(
            stream, allow_pickle=False, manifest=np.frombuffer(text.encode(), np.uint8), **arrays
        )
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, *, data: bytes) -> Artefact:
        """Reads what ``to_bytes`` wrote. Raises ``InvalidArtefact``."""
        if data[8:9] == b"{":
            raise InvalidArtefact(
                "This is a model that reads texts itself (a safetensors file). Its guesses are "
                "those that its training has stored; for others, train again, or train a method "
                "that learns from vectors."
            )
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            manifest = json.loads(arrays.pop("manifest").tobytes().decode())
        except Exception as error:  # any damage to the file ends here
            raise InvalidArtefact(f"The stored model cannot be read: {error}") from error
        return cls(arrays=arrays, manifest=manifest)
