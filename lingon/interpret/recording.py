"""Records the hidden states of a model after each layer, and the attention weights of each head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Bool, Float, Int, Tensor


@dataclass
class Recording:
    """Activations of one forward pass.

    hidden: of the embeddings, and after each layer [B, T, D]. attention: weights of each layer [B, H, T, T]; rows sum
    to 1.
    """

    hidden: list[Float[Tensor, "B T D"]] = field(default_factory=list)
    attention: list[Float[Tensor, "B H T T"]] = field(default_factory=list)


@torch.inference_mode()
def record(
    encoder: nn.Module,
    ids: Int[Tensor, "B T"],
    mask: Bool[Tensor, "B T"] | None = None,
    token_types: Int[Tensor, "B T"] | None = None,
) -> Recording:
    """Run an encoder on texts of one length, and return all its hidden states and attention weights.

    mask: all tokens when not given. token_types: of pairs, the text that each token is in. For a model without layers,
    such as a table of vectors, only its output is recorded. The model itself is not changed, so it can be used
    concurrently. States are those passed from layer to layer; a norm after the last one is not included.
    """
    view, found = eval_view(encoder), Recording()
    for block in blocks_of(view):
        block.__dict__["forward"] = _noting(block, found.hidden)
    mask = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask
    with _AttentionRecorder(found.attention):
        out = view(ids, mask) if token_types is None else view(ids, mask, token_types)
    found.hidden = found.hidden or [out]
    return found


def blocks_of(model: nn.Module) -> list[Any]:
    """Return the layers of a Transformer in order: modules with attention and a feed-forward layer."""
    return [m for m in model.modules() if isinstance(getattr(m, "attention", None), nn.Module) and _feeds(m)]


def _feeds(module: nn.Module) -> bool:
    return isinstance(getattr(module, "feed_forward", None), nn.Module)


def _noting(block: Any, states: list[Tensor]) -> Any:
    """Return the forward of a block that also records its input, as the last state, and its output.

    A model may compute more between two blocks, as DeBERTa with n-grams: then the input is not the previous output.
    """
    forward = type(block).forward

    def noted(x: Tensor, *more: Any, **named: Any) -> Tensor:
        states[-1:] = [x]
        out = forward(block, x, *more, **named)
        states.append(out)
        return out

    return noted


class _AttentionRecorder(TorchFunctionMode):
    """Records the weights of every attention call of this thread: its output with unit vectors as values."""

    def __init__(self, maps: list[Tensor]):
        super().__init__()
        self.maps = maps

    def __torch_function__(self, func, types, args=(), kwargs=None):
        named = kwargs or {}
        if func is F.scaled_dot_product_attention:
            q, k, v, *more = args
            units = torch.eye(k.shape[-2], dtype=v.dtype, device=v.device).expand(*v.shape[:-1], -1)
            self.maps.append(func(q, k, units, *more, **named))
        return func(*args, **named)


def in_equal_lengths(rows: Sequence[Sequence[int]], tokens: int = 8192) -> Iterator[tuple[list[int], Tensor]]:
    """Yield batches of rows of equal length, so that nothing is padded: their indices, and ids [B, T]."""
    by_length: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        by_length.setdefault(len(row), []).append(i)
    for length, numbers in sorted(by_length.items()):
        most = max(1, tokens // max(1, length))
        for start in range(0, len(numbers), most):
            some = numbers[start : start + most]
            yield some, torch.tensor([list(rows[i]) for i in some], dtype=torch.long).view(len(some), length)
