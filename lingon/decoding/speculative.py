"""Speculative decoding: a small model drafts tokens that the large one checks at once, with the same distribution.

Source: Leviathan, Kalman, Matias, "Fast Inference from Transformers via Speculative Decoding", 2023, algorithm 1.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.decoding.decoder_protocol import (
    DecoderState,
    LogitsProcessor,
    TokenSequence,
    apply_processors,
    check_finite_logits,
    check_processed_logits,
)
from lingon.decoding.sample import Token, multinomial, to_tokens

__all__ = ["Acceptance", "CachedModel", "speculative_decode"]

AllLogits = Callable[..., tuple[Tensor, DecoderState]]  # (ids [B, S], state) -> (logits [B, S, V] after each id, state)


@dataclass
class CachedModel:
    """A model with its state for one text, which reads only new tokens and can drop rejected ones."""

    every: AllLogits
    state: DecoderState
    device: torch.device | str = "cpu"

    def read(self, ids: Sequence[int]) -> Float[Tensor, "S V"]:
        """Return the logits after each of the ids that were not read before."""
        rest = torch.tensor([list(ids[self.state.length :])], device=self.device)
        logits, self.state = self.every(rest, self.state)
        return logits[0]

    def keep(self, tokens: int) -> None:
        """Drop all but the first `tokens` tokens from the state."""
        if (extra := self.state.length - tokens) > 0:
            self.state = self.state.rewind(extra)


@dataclass
class Acceptance:
    """Counts of drafted tokens, and of those that the target accepted."""

    drafted: int = 0
    accepted: int = 0

    @property
    def rate(self) -> float:
        """Return the acceptance rate: accepted tokens / drafted tokens, NaN when there are none."""
        return self.accepted / self.drafted if self.drafted else math.nan


def speculative_decode(
    target: CachedModel,
    draft: CachedModel,
    row: TokenSequence,
    max_new_tokens: int,
    logits_processors: Sequence[LogitsProcessor] = (),
    finished: Callable[[TokenSequence], bool] = lambda row: False,
    num_speculative_tokens: int = 4,
    top_logprobs: int | None = None,
    acceptance: Acceptance | None = None,
) -> Iterator[Token]:
    """Yield the new tokens of one row, distributed as if sampled from the target alone; they are appended to `row`.

    max_new_tokens: maximum number of tokens to generate. logits_processors: used for both models. For greedy decoding,
    end them with `exactly_top_k(1)`.
    num_speculative_tokens: tokens drafted before the target checks them.
    """
    if num_speculative_tokens < 1:
        raise UserError(f"num_speculative_tokens is {num_speculative_tokens}, expected 1 or more")
    acceptance = acceptance or Acceptance()
    while len(row.new_ids) < max_new_tokens:
        start, left = len(row.ids), max_new_tokens - len(row.new_ids)
        guesses, probabilities = _drafted(draft, row, logits_processors, min(num_speculative_tokens, left - 1))
        logits = target.read([*row.ids, *guesses])[-len(guesses) - 1 :]
        check_finite_logits(logits, f"after {len(row.new_ids)} new tokens ")
        for i in range(len(guesses) + 1):
            processed = apply_processors(logits_processors, logits[i : i + 1], [row])
            check_processed_logits(processed, [row])
            guess = (guesses[i], probabilities[i]) if i < len(guesses) else None
            token, accepted = _verdict(processed, guess, row)
            row.ids.append(token)
            acceptance.accepted += accepted
            yield to_tokens([0], [token], logits[i : i + 1], processed, top_logprobs)[0]
            if finished(row):
                return
            if not accepted:
                break
        acceptance.drafted += len(guesses)
        # Neither model has read the last token: it comes from the target, or replaces a draft.
        target.keep(len(row.ids) - 1)
        draft.keep(min(len(row.ids) - 1, start + max(0, len(guesses) - 1)))


def _drafted(
    draft: CachedModel, row: TokenSequence, logits_processors: Sequence[LogitsProcessor], count: int
) -> tuple[list[int], list[Tensor]]:
    """Return tokens sampled one by one from the draft model, and the distribution [V] of each."""
    trial, probabilities = TokenSequence(list(row.ids), row.prompt_length, row.rng), []
    for _ in range(count):
        logits = draft.read(trial.ids)[-1:]
        check_finite_logits(logits, "of the draft: ")
        processed = apply_processors(logits_processors, logits, [trial])
        check_processed_logits(processed, [trial])
        probabilities.append(processed[0].double().softmax(-1))
        trial.ids += multinomial(processed, [trial])
    return trial.ids[len(row.ids) :], probabilities


def _verdict(processed: Float[Tensor, "1 V"], guess: tuple[int, Tensor] | None, row: TokenSequence) -> tuple[int, bool]:
    """Return the next token, and whether it is the drafted one.

    A draft is accepted with probability min(1, p/q); otherwise a token is drawn from max(0, p - q), normalized.
    """
    if guess is None:
        return multinomial(processed, [row])[0], False
    (token, q), p = guess, processed[0].double().softmax(-1)
    if row.rng.random() * q[token].item() < p[token].item():
        return token, True
    return multinomial((p - q).clamp(min=0).log()[None], [row])[0], False
