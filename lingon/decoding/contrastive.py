"""Contrastive search: among likely tokens, take the one whose hidden state is least similar to the previous ones.

Source: Su et al., "A Contrastive Framework for Neural Text Generation", 2022, equation 5.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.decoding.decoder_protocol import (
    DecoderState,
    LogitsProcessor,
    TokenSequence,
    apply_processors,
    check_finite_logits,
    check_processed_logits,
    select_rows,
)
from lingon.decoding.sample import Token, to_tokens

Hidden = Callable[..., tuple[Tensor, DecoderState]]  # (ids [B, S], state) -> (hidden [B, S, D], state)


def contrastive_search(
    hidden: Hidden,
    head: Callable[[Tensor], Tensor],
    state: DecoderState,
    row: TokenSequence,
    finished: Callable[[TokenSequence], bool],
    k: int = 4,
    alpha: float = 0.6,
    logits_processors: Sequence[LogitsProcessor] = (),
    top_logprobs: int | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[Token]:
    """Yield the new tokens of one row, which are appended to `row`. Deterministic: nothing is sampled.

    Of the k likeliest tokens v, the one with the largest (1 - alpha) p(v) - alpha max cos(h_v, h_j) is taken, where h_j
    are the hidden states of all previous tokens. alpha 0 is greedy. Each token takes one step with k rows.
    """
    if k < 1:
        raise UserError(f"contrastive search chooses among {k} candidate tokens, expected 1 or more")
    if not 0 <= alpha <= 1:
        raise UserError(f"alpha of the contrastive search is {alpha}, expected a number from 0 to 1")
    hidden_states, state = hidden(torch.tensor([row.ids], device=device), state)
    hidden_states = hidden_states[0]
    logits = head(hidden_states[-1:])
    while True:
        check_finite_logits(logits, f"after {len(row.new_ids)} new tokens ")
        processed = apply_processors(logits_processors, logits, [row])
        check_processed_logits(processed, [row])
        probabilities, tokens = processed[0].float().softmax(-1).topk(min(k, processed.shape[-1]))
        tokens, probabilities = tokens[probabilities > 0], probabilities[probabilities > 0]
        new, states = hidden(tokens[:, None], select_rows(state, [0] * len(tokens)))
        best = int(((1 - alpha) * probabilities - alpha * _max_cosine(new[:, 0], hidden_states)).argmax())
        row.ids.append(int(tokens[best]))
        yield to_tokens([0], [row.ids[-1]], logits, processed, top_logprobs)[0]
        if finished(row):
            return
        state, hidden_states = select_rows(states, [best]), torch.cat([hidden_states, new[best]])
        logits = head(hidden_states[-1:])


def _max_cosine(new: Float[Tensor, "k D"], hidden_states: Float[Tensor, "T D"]) -> Float[Tensor, " k"]:
    """Return the largest cosine of each new state with any earlier one."""
    return (F.normalize(new.float(), dim=-1) @ F.normalize(hidden_states.float(), dim=-1).T).amax(-1)
