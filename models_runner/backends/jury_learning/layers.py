"""What stands on the text's vector."""

import torch
from torch import Tensor, nn

WIDTH = 32
CROSS_LAYERS = 3


class CrossLayer(nn.Module):
    """x0 (x'w) + b + x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width) / width)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, start: Tensor, now: Tensor) -> Tensor:
        """All of shape (rows, width)."""
        return start * (now @ self.weight)[:, None] + self.bias + now


class Top(nn.Module):
    """All that stands on the text's vector: embeddings, cross layers, a dense layer, one number."""

    def __init__(self, *, text_width: int, jurors: int, levels: int) -> None:
        super().__init__()
        self.jurors = nn.Parameter(torch.randn(jurors, WIDTH) * 0.02)
        self.levels = nn.Parameter(torch.randn(levels, WIDTH) * 0.02)
        width = text_width + 2 * WIDTH
        self.cross = nn.ModuleList(CrossLayer(width) for _ in range(CROSS_LAYERS))
        self.dense = nn.Linear(width, WIDTH)
        self.out = nn.Linear(WIDTH, 1)
        nn.init.zeros_(self.out.bias)

    def groups(self, levels: Tensor) -> Tensor:
        """Group embeddings (rows, 32) of levels (rows, traits), -1 where a trait is not told."""
        told = (levels >= 0).unsqueeze(-1).to(self.levels.dtype)
        if not len(self.levels):
            return torch.zeros(len(levels), WIDTH, device=levels.device)
        return (self.levels[levels.clamp(min=0)] * told).sum(dim=1)

    def forward(self, text: Tensor, juror: Tensor, group: Tensor) -> Tensor:
        """Ratings (rows,), centred and scaled, of vectors (rows, ...)."""
        start = torch.cat([text, juror, group], dim=1)
        now = start
        for layer in self.cross:
            now = layer(start, now)
        rating: Tensor = self.out(torch.relu(self.dense(now)))[:, 0]
        return rating
