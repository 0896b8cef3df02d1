"""The log-probability that a model gives to every token of a text."""

from collections.abc import Callable, Sequence

import torch

from lingon.core.errors import NotFinite
from lingon.decoding.step import State

AT_ONCE = 256  # tokens whose logits exist at one time: with 50,000 tokens 51 MB


def score(every: Callable, state: State, ids: Sequence[int], device: torch.device | str = "cpu") -> list[float]:
    """log p(ids[i] | ids[:i]) for i = 1, 2, ...: one number less than there are ids, since nothing precedes the first.

    every: (ids [B, S], state) -> (logits [B, S, V] after each id, state).
    """
    out: list[float] = []
    for start in range(0, len(ids) - 1, AT_ONCE):
        part = torch.tensor([list(ids[start : start + AT_ONCE])], device=device)
        following = torch.tensor(list(ids[start + 1 : start + AT_ONCE + 1]), device=device)
        logits, state = every(part, state)
        logs = logits[0, : len(following)].float().log_softmax(-1)
        out += logs.gather(-1, following[:, None])[:, 0].tolist()
    if any(x != x for x in out):
        raise NotFinite("the model gave logits that are NaN; its weights are broken")
    return out
