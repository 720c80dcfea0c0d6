"""Jurors' traits as places among the levels of all traits."""

import numpy as np
import torch
from torch import Tensor

from models_runner.backends.jury_learning.arrays import index
from models_runner.domain.reward import RatingTable


def level_places(table: RatingTable, sizes: tuple[int, ...], device: torch.device) -> Tensor:
    """(J, traits) places among the levels of all traits; -1 where not told, or not known."""
    if table.groups is None or not sizes:
        return torch.full((table.juror_count, 1), -1, dtype=torch.long, device=device)
    groups = np.asarray(table.groups, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return index(np.where((groups >= 0) & (groups < sizes), groups + starts, -1), device)


def level_sizes(table: RatingTable) -> tuple[int, ...]:
    """For each trait how many values it has in the table."""
    if table.groups is None or not table.groups.shape[1]:
        return ()
    return tuple(int(size) for size in np.maximum(table.groups.max(axis=0, initial=-1) + 1, 0))
