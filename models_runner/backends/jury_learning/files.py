"""The safetensors file of a network, its manifest among the metadata."""

import json
from collections.abc import Mapping
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from models_runner.domain.reward import InvalidArtefact

FORMAT = "venire-jury-learning-1"


def packed(tensors: Mapping[str, Tensor], *, manifest: Mapping[str, Any]) -> bytes:
    """The file."""
    return save_tensors(
        {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()},
        metadata={"manifest": json.dumps(manifest, sort_keys=True, allow_nan=False)},
    )


def unpacked(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the manifest of what ``packed`` gave.

    Raises ``InvalidArtefact`` (another format), and whatever a damaged file leads to.
    """
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    manifest = json.loads(header["__metadata__"]["manifest"])
    tensors = load_tensors(data)
    if manifest["format"] != FORMAT:
        raise InvalidArtefact(
            f"The format is {manifest['format']!r}, but must be {FORMAT!r}. Train again."
        )
    return tensors, manifest


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
