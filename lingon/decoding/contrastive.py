"""Contrastive search: of the likely tokens the one whose state is least like those before it.

Source: Su et al., "A Contrastive Framework for Neural Text Generation", 2022, equation 5.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.decoding.sample import Picked, picked
from lingon.decoding.step import Row, Rule, State, apply, check, finite, select

Hidden = Callable[..., tuple[Tensor, State]]  # (ids [B, S], state) -> (hidden [B, S, D], state)


def contrast(
    hidden: Hidden,
    head: Callable[[Tensor], Tensor],
    state: State,
    row: Row,
    finished: Callable[[Row], bool],
    k: int = 4,
    alpha: float = 0.6,
    rules: Sequence[Rule] = (),
    details: int | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[Picked]:
    """The new tokens of one row; `row` grows by them. Nothing is drawn: the same prompt gives the same text.

    Of the k likeliest tokens v it takes the one of the largest (1 - alpha) p(v) - alpha max cos(h_v, h_j), where h_j
    are the hidden states of all tokens before. alpha 0 is greedy. Each token costs one step with k rows.
    """
    if k < 1:
        raise UserError(f"contrastive search is to choose among {k} tokens, expected 1 or more")
    if not 0 <= alpha <= 1:
        raise UserError(f"alpha of the contrastive search is {alpha}, expected a number from 0 to 1")
    seen, state = hidden(torch.tensor([row.ids], device=device), state)
    seen = seen[0]
    logits = head(seen[-1:])
    while True:
        finite(logits, f"after {len(row.new)} new tokens ")
        ruled = apply(rules, logits, [row])
        check(ruled, [row])
        chances, tokens = ruled[0].float().softmax(-1).topk(min(k, ruled.shape[-1]))
        tokens, chances = tokens[chances > 0], chances[chances > 0]
        new, states = hidden(tokens[:, None], select(state, [0] * len(tokens)))
        best = int(((1 - alpha) * chances - alpha * _likeness(new[:, 0], seen)).argmax())
        row.ids.append(int(tokens[best]))
        yield picked([0], [row.ids[-1]], logits, ruled, details)[0]
        if finished(row):
            return
        state, seen = select(states, [best]), torch.cat([seen, new[best]])
        logits = head(seen[-1:])


def _likeness(new: Float[Tensor, "k D"], seen: Float[Tensor, "T D"]) -> Float[Tensor, " k"]:
    """The largest cosine of each new state with any earlier one."""
    return (F.normalize(new.float(), dim=-1) @ F.normalize(seen.float(), dim=-1).T).amax(-1)
