"""Speculative decoding: a small model drafts, the large one checks all drafts at once, and its distribution is kept.

Source: Leviathan, Kalman, Matias, "Fast Inference from Transformers via Speculative Decoding", 2023, algorithm 1.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.decoding.sample import Picked, picked, sampled
from lingon.decoding.step import Row, Rule, State, apply, check, finite

Every = Callable[..., tuple[Tensor, State]]  # (ids [B, S], state) -> (logits [B, S, V] after each id, state)


@dataclass
class Reader:
    """A model on one text: it knows how much of the text it has read, reads the rest, and forgets what was not kept."""

    every: Every
    state: State
    device: torch.device | str = "cpu"

    def read(self, ids: Sequence[int]) -> Float[Tensor, "S V"]:
        """Logits after each of the ids that were not read before."""
        rest = torch.tensor([list(ids[self.state.length :])], device=self.device)
        logits, self.state = self.every(rest, self.state)
        return logits[0]

    def keep(self, tokens: int) -> None:
        """Forgets all but the first `tokens` tokens."""
        if (extra := self.state.length - tokens) > 0:
            self.state = self.state.rewind(extra)


@dataclass
class Tally:
    """How many tokens were drafted, and how many of them were kept."""

    drafted: int = 0
    kept: int = 0


def speculate(
    target: Reader,
    draft: Reader,
    row: Row,
    most: int,
    rules: Sequence[Rule] = (),
    finished: Callable[[Row], bool] = lambda row: False,
    ahead: int = 4,
    details: int | None = None,
    tally: Tally | None = None,
) -> Iterator[Picked]:
    """The new tokens of one row, distributed as if the target alone had drawn them; `row` grows by them.

    most: new tokens at most. rules: used for both models. For greedy text end them with `exactly_top_k(1)`.
    ahead: tokens drafted before the target checks them.
    """
    if ahead < 1:
        raise UserError(f"the draft goes {ahead} tokens ahead, expected 1 or more")
    tally = tally or Tally()
    while len(row.new) < most:
        start, left = len(row.ids), most - len(row.new)
        guesses, chances = _drafted(draft, row, rules, min(ahead, left - 1))
        logits = target.read([*row.ids, *guesses])[-len(guesses) - 1 :]
        finite(logits, f"after {len(row.new)} new tokens ")
        for i in range(len(guesses) + 1):
            ruled = apply(rules, logits[i : i + 1], [row])
            check(ruled, [row])
            guess = (guesses[i], chances[i]) if i < len(guesses) else None
            token, kept = _verdict(ruled, guess, row)
            row.ids.append(token)
            tally.kept += kept
            yield picked([0], [token], logits[i : i + 1], ruled, details)[0]
            if finished(row):
                return
            if not kept:
                break
        tally.drafted += len(guesses)
        # The last token has been read by neither: it comes from the target, or replaces a draft.
        target.keep(len(row.ids) - 1)
        draft.keep(min(len(row.ids) - 1, start + max(0, len(guesses) - 1)))


def _drafted(draft: Reader, row: Row, rules: Sequence[Rule], count: int) -> tuple[list[int], list[Tensor]]:
    """Tokens drawn from the draft one after the other, and the distribution [V] that each was drawn from."""
    trial, chances = Row(list(row.ids), row.prompt, row.dice), []
    for _ in range(count):
        logits = draft.read(trial.ids)[-1:]
        finite(logits, "of the draft: ")
        ruled = apply(rules, logits, [trial])
        check(ruled, [trial])
        chances.append(ruled[0].double().softmax(-1))
        trial.ids += sampled(ruled, [trial])
    return trial.ids[len(row.ids) :], chances


def _verdict(ruled: Float[Tensor, "1 V"], guess: tuple[int, Tensor] | None, row: Row) -> tuple[int, bool]:
    """The next token, and whether it is the guess.

    The guess is kept with probability min(1, p/q); else a token is drawn from what p has more than q, as a share.
    """
    if guess is None:
        return sampled(ruled, [row])[0], False
    (token, q), p = guess, ruled[0].double().softmax(-1)
    if row.dice.random() * q[token].item() < p[token].item():
        return token, True
    return sampled((p - q).clamp(min=0).log()[None], [row])[0], False
