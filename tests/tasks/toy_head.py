"""Another model of a third party: one number from two vectors."""

from typing import Any

import torch
from torch import nn

from lingon.models.option_types import Width
from lingon.models.registry import ModelEntry


class ToyHead(nn.Module):
    """Vectors [B, D] and [B, D] to numbers [B] from -1 to 1."""

    def __init__(self, width: Width = 5):
        super().__init__()
        self.turn = nn.Linear(width, width, bias=False)

    def config(self) -> dict[str, Any]:
        return {"width": self.turn.in_features}

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return torch.tanh((self.turn(left) * right).sum(-1))


ENTRY = ModelEntry(ToyHead)
