"""Probabilities of many pairs, batches sorted by length."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models_runner.backends.entailment.cross_encoder import (
    LONGEST_PAIR,
    CrossEncoder,
    PairTokenizer,
)

TOKENS_PER_BATCH = 2048
PAIRS_TOKENISED_TOGETHER = 8192


def probabilities(
    model: CrossEncoder,
    tokenizer: PairTokenizer,
    premises: Sequence[str],
    hypotheses: Sequence[str],
    *,
    bfloat16: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """Probabilities of entailment, neutral and contradiction, shape (pairs, 3), in the given order.

    Args:
        model: the net, in evaluation mode.
        tokenizer: of the same base.
        premises: as many as hypotheses.
        hypotheses: what the premises may entail.
        bfloat16: whether products are computed in bfloat16.
        progress: called with pairs done and all pairs.

    Raises:
        ValueError: as many premises as hypotheses are needed.
    """
    if len(premises) != len(hypotheses):
        raise ValueError(f"{len(premises)} premises, but {len(hypotheses)} hypotheses.")
    device = next(model.parameters()).device
    result = np.zeros((len(premises), 3), dtype=np.float64)
    for start in range(0, len(premises), PAIRS_TOKENISED_TOGETHER):
        stop = start + PAIRS_TOKENISED_TOGETHER
        pairs = tokenizer.pairs(premises[start:stop], hypotheses[start:stop], longest=LONGEST_PAIR)
        lengths = np.asarray(pairs.lengths())
        done = start
        for batch in _batches(lengths):
            inputs = {
                name: tensor.to(device) for name, tensor in tokenizer.padded(pairs, batch).items()
            }
            with (
                torch.inference_mode(),
                torch.autocast(device.type, torch.bfloat16, enabled=bfloat16),
            ):
                logits = model(**inputs)
            result[start + np.asarray(batch)] = torch.softmax(logits.double(), dim=1).cpu().numpy()
            done += len(batch)
            if progress is not None:
                progress(done, len(premises))
    return result


def _batches(lengths: NDArray[np.int64]) -> list[list[int]]:
    """Indices from the longest pair to the shortest, at most 2,048 tokens a batch."""
    order = np.argsort(lengths, kind="stable")[::-1]
    batches = []
    start = 0
    while start < len(order):
        size = max(1, TOKENS_PER_BATCH // int(lengths[order[start]]))
        batches.append([int(index) for index in order[start : start + size]])
        start += size
    return batches
