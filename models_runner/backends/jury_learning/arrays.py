"""Arrays, and codes as tensors on a device."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def index(numbers: IntArray, device: torch.device) -> Tensor:
    """Codes as a tensor that indexes others on the device."""
    return torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.int64)).to(device)
