"""Vectors of texts, computed once for each text and encoder."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from models_runner.models import Embedding
from models_runner.ports import TextEncoder

CHUNK = 512
Progress = Callable[[int, int], None]


def embedding_key(*, encoder: TextEncoder, text: str) -> str:
    """The cache key of a text: SHA-256 over encoder, revision, weights, dtype and text."""
    identity = "\x1f".join(
        (encoder.name, encoder.revision, encoder.weights_digest, encoder.dtype, text)
    )
    return hashlib.sha256(identity.encode()).hexdigest()


def embed_texts(
    *, texts: Sequence[str], encoder: TextEncoder, progress: Progress | None = None
) -> NDArray[np.float32]:
    """Vectors of the texts, from the cache where they are known, computed and kept where not.

    Args:
        texts: any number, repeats allowed.
        encoder: what computes the missing ones.
        progress: called with texts done and all texts.

    Returns:
        Shape (texts, encoder.dimensions), float32, rows of length 1, in the order of `texts`.
    """
    keys = [embedding_key(encoder=encoder, text=text) for text in texts]
    known = _load(keys=list(dict.fromkeys(keys)), dimensions=encoder.dimensions)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    pending = list(missing.items())
    for start in range(0, len(pending), CHUNK):
        part = pending[start : start + CHUNK]
        vectors = encoder.encode([text for _, text in part])
        _store(keys=[key for key, _ in part], vectors=vectors, encoder=encoder)
        known.update({key: vectors[index] for index, (key, _) in enumerate(part)})
        if progress is not None:
            progress(min(start + CHUNK, len(pending)), len(pending))
    if not texts:
        return np.zeros((0, encoder.dimensions), dtype=np.float32)
    return np.stack([known[key] for key in keys])


def _load(*, keys: list[str], dimensions: int) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(keys), CHUNK):
        rows = Embedding.objects.filter(key__in=keys[start : start + CHUNK], dimensions=dimensions)
        for key, vector in rows.values_list("key", "vector"):
            found[key] = np.frombuffer(bytes(vector), dtype="<f4")
    return found


@transaction.atomic
def _store(*, keys: list[str], vectors: NDArray[np.float32], encoder: TextEncoder) -> None:
    Embedding.objects.bulk_create(
        [
            Embedding(
                key=key,
                encoder=f"{encoder.name}@{encoder.revision}" if encoder.revision else encoder.name,
                weights_digest=encoder.weights_digest,
                dtype=encoder.dtype,
                dimensions=encoder.dimensions,
                vector=vector.astype("<f4").tobytes(),
            )
            for key, vector in zip(keys, vectors, strict=True)
        ],
        # Another worker may have stored the same text meanwhile; its vector is as good.
        ignore_conflicts=True,
    )
