"""The judge of entailment that needs no hub: weights of a package, tuned by this project."""

from collections.abc import Sequence
from pathlib import Path

import torch

from models_runner.backends.entailment import weights
from models_runner.backends.entailment.cross_encoder import PairTokenizer, base_digest, build
from models_runner.backends.entailment.inference import probabilities
from models_runner.backends.number_types import AUTO, resolved
from models_runner.ports import EncoderUnavailable
from overton.ports import EntailmentUnavailable, FloatArray, Progress

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
DTYPES = ("float32", "bfloat16", AUTO)


class EmbeddedEntailment:
    """MiniLM as a cross-encoder, trained by `manage.py train_entailment`.

    Args:
        model: folder that the command wrote; empty for the weights that ship with this project.
        revision: weights in a folder have none; empty.
        dtype: "float32", "bfloat16" (faster on CPUs that have it), or "auto": the faster of them.

    Raises:
        EntailmentUnavailable: the folder or the package of the encoder can't be loaded, or the
            package's weights are not those that were trained on.
    """

    def __init__(self, *, model: str = "", revision: str = "", dtype: str = "float32") -> None:
        if dtype not in DTYPES:
            raise EntailmentUnavailable(
                f"The number type {dtype!r} is not known here; use {', '.join(DTYPES)}."
            )
        if revision:
            raise EntailmentUnavailable(
                f"The embedded judge has no revisions, but {revision!r} was asked for. Leave the "
                "revision empty, or name another backend."
            )
        self.name = f"embedded:{model}" if model else "embedded"
        self.revision = revision
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = "bfloat16" if resolved(dtype, device) != "float32" else "float32"
        try:
            tensors, manifest = weights.load(Path(model) if model else WEIGHTS_FOLDER)
            base, expected = manifest["base"]["name"], manifest["base"]["sha256"]
            self._tokenizer = PairTokenizer(base)
            self._model = build(base)
            found = base_digest(self._model)
        except EncoderUnavailable as problem:
            raise EntailmentUnavailable(str(problem)) from problem
        except (KeyError, TypeError) as problem:
            raise EntailmentUnavailable(
                f"The manifest of the embedded judge does not name its base ({problem})."
            ) from problem
        if found != expected:
            raise EntailmentUnavailable(
                f"The judge was trained on other vectors than {base!r} has here: SHA-256 {found}, "
                f"expected {expected}. Install the version of the package that "
                "requirements.txt names."
            )
        missing = {
            name for name, value in self._model.named_parameters() if value.requires_grad
        } ^ set(tensors)
        if missing:
            raise EntailmentUnavailable(
                f"The weights do not fit the net: {', '.join(sorted(missing)[:5])}."
            )
        try:
            self._model.load_state_dict(tensors, strict=False)
        except RuntimeError as problem:
            raise EntailmentUnavailable(f"The weights do not fit the net: {problem}") from problem
        self._model.eval().to(device)
        self.manifest = manifest
        self.weights_digest = weights.digest_of(
            manifest["weights"]["sha256"], manifest["base"]["sha256"], self.dtype
        )

    def entails(
        self,
        premises: Sequence[str],
        hypotheses: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> FloatArray:
        """Probabilities of entailment, neutral, contradiction; shape (pairs, 3), in order.

        A pair of more than 256 tokens loses words of its premise.

        Raises:
            ValueError: as many premises as hypotheses are needed.
        """
        return probabilities(
            self._model,
            self._tokenizer,
            premises,
            hypotheses,
            bfloat16=self.dtype == "bfloat16",
            progress=progress,
        )
