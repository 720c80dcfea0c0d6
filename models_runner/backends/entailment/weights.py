"""The tuned weights of the embedded judge as a file, and the manifest beside it.

Kept are only the weights that training changed; words' and places' vectors come from the package.
Matrices are kept as int8, each row with a scale of its own, or as float16; all else as float32.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from models_runner.ports import EncoderUnavailable

WEIGHTS_FILE = "tuned.safetensors"
MANIFEST_FILE = "manifest.json"
SCALE = "#scale"
FORMATS = ("int8", "float16")


def pack(tensors: Mapping[str, Tensor], *, form: str) -> dict[str, Tensor]:
    """The tensors as they are stored.

    Args:
        tensors: float tensors by name.
        form: "int8" or "float16".

    Raises:
        ValueError: another form.
    """
    if form not in FORMATS:
        raise ValueError(f"Weights are stored as {' or '.join(FORMATS)}, not as {form!r}.")
    packed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        values = tensor.detach().float().cpu()
        if values.ndim < 2:
            packed[name] = values.contiguous()
        elif form == "float16":
            packed[name] = values.half().contiguous()
        else:
            scale = (values.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-12)
            packed[name] = (values / scale).round().clamp(-127, 127).to(torch.int8).contiguous()
            packed[name + SCALE] = scale.contiguous()
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Float tensors of what :func:`pack` gave."""
    tensors = {}
    for name, tensor in packed.items():
        if name.endswith(SCALE):
            continue
        scale = packed.get(name + SCALE)
        tensors[name] = tensor.float() if scale is None else tensor.float() * scale
    return tensors


def average(several: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of weights that were trained one from another (Wortsman et al. 2022, section 3).

    Args:
        several: float tensors by name, two or more.

    Raises:
        ValueError: they have not the same names and shapes.
    """
    first = several[0]
    for other in several[1:]:
        odd = first.keys() ^ other.keys() or {
            name for name in first if first[name].shape != other[name].shape
        }
        if odd:
            raise ValueError(f"The weights are of different nets: {', '.join(sorted(odd)[:5])}.")
    return {name: torch.stack([one[name].float() for one in several]).mean(dim=0) for name in first}


def save(
    folder: Path, tensors: Mapping[str, Tensor], manifest: Mapping[str, Any], *, form: str
) -> dict[str, Any]:
    """Write weights and manifest into the folder; returns the manifest with the file's digest."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS_FILE
    save_file(pack(tensors, form=form), path)
    # The library creates the file for its owner alone; the weights are for everybody.
    path.chmod(0o644)
    whole = {
        **manifest,
        "weights": {
            "file": WEIGHTS_FILE,
            "form": form,
            "bytes": path.stat().st_size,
            "sha256": file_digest(path),
        },
    }
    (folder / MANIFEST_FILE).write_text(
        json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return whole


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Float tensors and manifest of a folder.

    Raises:
        EncoderUnavailable: a file is missing, can't be read, or is not the one of the manifest.
    """
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        expected, name = manifest["weights"]["sha256"], manifest["weights"]["file"]
        found = file_digest(folder / name)
        if found != expected:
            raise EncoderUnavailable(
                f"{folder / name} is not the file that its manifest describes: SHA-256 {found}, "
                f"expected {expected}. Fetch the file anew or train again with "
                "`manage.py train_entailment`."
            )
        tensors = unpack(load_file(folder / name))
    except (OSError, KeyError, TypeError, json.JSONDecodeError, SafetensorError) as problem:
        raise EncoderUnavailable(
            f"The folder {folder} holds no weights of the embedded judge ({problem}). It needs "
            f"{MANIFEST_FILE} and {WEIGHTS_FILE}, as `manage.py train_entailment` writes them."
        ) from problem
    return tensors, manifest


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(*parts: str) -> str:
    """SHA-256 over several texts in order."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
