"""What a model says of a text that is there: the log-probability of every token, or all that `Picked` tells."""

from collections.abc import Callable, Iterator, Sequence

import torch

from lingon.core.errors import NotFinite
from lingon.core.shapes import Float, Tensor
from lingon.decoding.sample import Picked, picked
from lingon.decoding.step import Row, Rule, State, apply, finite

AT_ONCE = 256  # tokens whose logits exist at one time: with 50,000 tokens 51 MB


def score(every: Callable, state: State, ids: Sequence[int], device: torch.device | str = "cpu") -> list[float]:
    """log p(ids[i] | ids[:i]) for i = 1, 2, ...: one number less than there are ids, since nothing precedes the first.

    every: (ids [B, S], state) -> (logits [B, S, V] after each id, state).
    """
    out: list[float] = []
    for start, logits in _read(every, state, ids, device):
        following = torch.tensor(list(ids[start : start + len(logits)]), device=device)
        out += logits.float().log_softmax(-1).gather(-1, following[:, None])[:, 0].tolist()
    if lost := [place for place, found in enumerate(out, 1) if found == float("-inf")]:
        raise NotFinite(f"the model gave token {lost[0]} of the text a logit that is -inf; its weights are broken")
    return out


def replay(
    every: Callable,
    state: State,
    ids: Sequence[int],
    first: int = 1,
    rules: Sequence[Rule] = (),
    details: int = 0,
    device: torch.device | str = "cpu",
) -> list[Picked]:
    """The tokens ids[first:] as `stream` with these rules and details would have told them, had it taken them.

    first: 1 or more, since nothing precedes the first token.
    """
    out: list[Picked] = []
    for start, logits in _read(every, state, ids, device):
        skip = max(0, first - start)  # what is read only so that the rest has a past
        places = range(start + skip, start + len(logits))
        if not places:
            continue
        rows = [Row(list(ids[:place]), first) for place in places]
        ruled = apply(rules, logits[skip:], rows)
        out += picked([0] * len(rows), [ids[place] for place in places], logits[skip:], ruled, details)
    return out


def _read(
    every: Callable, state: State, ids: Sequence[int], device: torch.device | str
) -> Iterator[tuple[int, Float[Tensor, "S V"]]]:
    """A place, and the logits of the tokens from there on, stretch by stretch. Raises NotFinite for broken weights."""
    for start in range(0, len(ids) - 1, AT_ONCE):
        part = ids[start : min(start + AT_ONCE, len(ids) - 1)]
        logits, state = every(torch.tensor([list(part)], device=device), state)
        finite(logits)
        yield start + 1, logits[0]
