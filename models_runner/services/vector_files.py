"""Vectors of texts in a file beside the database, for work that needs no database."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models_runner.ports import TextEncoder
from models_runner.services.embeddings import CHUNK, embedding_key

FILE_NAME = "vectors.sqlite3"


def embed_with_file_cache(
    *,
    texts: Sequence[str],
    encoder: TextEncoder,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Vectors of the texts, shape (texts, dimensions); each text and encoder computed once.

    Args:
        texts: any number, repeats allowed.
        encoder: what computes the missing ones.
        folder: made if it is missing; vectors lie in one SQLite file, by digest of the text.
        progress: called with texts done and all that had to be computed.
    """
    if not texts:
        return np.zeros((0, encoder.dimensions), dtype=np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    keys = [embedding_key(encoder=encoder, text=text) for text in texts]
    with closing(sqlite3.connect(folder / FILE_NAME, timeout=60)) as store:
        store.execute("CREATE TABLE IF NOT EXISTS vector (key TEXT PRIMARY KEY, body BLOB)")
        known = {key: body for key in dict.fromkeys(keys) if (body := _body(store, key))}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        # Texts of like length share a batch.
        pending = sorted(missing.items(), key=lambda pair: (len(pair[1]), pair[0]))
        for start in range(0, len(pending), CHUNK):
            part = pending[start : start + CHUNK]
            vectors = encoder.encode([text for _, text in part])
            bodies = [vector.astype("<f4").tobytes() for vector in vectors]
            fresh = [(key, body) for (key, _), body in zip(part, bodies, strict=True)]
            with store:
                store.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", fresh)
            known.update(fresh)
            if progress is not None:
                progress(min(start + CHUNK, len(pending)), len(pending))
    return np.stack([np.frombuffer(known[key], dtype="<f4") for key in keys])


def _body(store: sqlite3.Connection, key: str) -> bytes | None:
    row = store.execute("SELECT body FROM vector WHERE key = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])
