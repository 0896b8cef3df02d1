"""Which columns of a text a token may attend to: those before it, its own, and none that is padding or too far back."""

from dataclasses import dataclass

import torch

from lingon.core.shapes import Bool, Tensor
from lingon.layers.cache import State


@dataclass(frozen=True)
class Visible:
    """What the last columns of a state may see.

    mask: True where a query may see a key, [S, T] or [B, 1, S, T]; None when there is nothing to hide but the future.
    causal: each query sees the keys up to its own. start: keys before this column are not looked at by any query.
    """

    mask: Bool[Tensor, "..."] | None = None
    causal: bool = False
    start: int = 0


def visible(state: State, columns: int, window: int | None, device: torch.device) -> Visible:
    """What the last `columns` of a state see; with a window, only the last `window` tokens, their own among them."""
    end = state.length
    if state.places is not None:
        return Visible(_by_place(state, columns, window))
    if columns == 1:
        return Visible(start=max(0, end - window) if window else 0)
    if columns == end and (window is None or end <= window):
        return Visible(causal=True)
    key = torch.arange(end, device=device)
    query = key[-columns:, None]
    mask = key <= query
    return Visible(mask if window is None else mask & (query - key < window))


def _by_place(state: State, columns: int, window: int | None) -> Bool[Tensor, "B 1 S T"]:
    places, key = state.places, torch.arange(state.length, device=state.places.device)
    mask = (key <= key[-columns:, None]) & (places >= 0)[:, None, :]
    if window is not None:
        mask = mask & (places[:, -columns:, None] - places[:, None, :] < window)
    # Padding sees itself, for a softmax over nothing is no number; what it makes is seen by nobody.
    own = key == key[-columns:, None]
    return (mask | own)[:, None]
