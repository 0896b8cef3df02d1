"""Scoring of a given text by a model: the log-probability of every token, or all the numbers of a `Token`."""

from collections.abc import Callable, Iterator, Sequence

import torch

from lingon.core.errors import NotFinite
from lingon.core.shapes import Float, Tensor
from lingon.decoding.decoder_protocol import (
    DecoderState,
    LogitsProcessor,
    TokenSequence,
    apply_processors,
    check_finite_logits,
)
from lingon.decoding.sample import Token, to_tokens

CHUNK_SIZE = 256  # tokens whose logits are in memory at a time: 51 MB for a vocabulary of 50,000


def token_logprobs(
    all_logits: Callable, state: DecoderState, ids: Sequence[int], device: torch.device | str = "cpu"
) -> list[float]:
    """Return log p(ids[i] | ids[:i]) for i = 1, 2, ...: one fewer than ids, since nothing precedes the first.

    all_logits: (ids [B, S], state) -> (logits [B, S, V] after each id, state).
    """
    out: list[float] = []
    for start, logits in _read(all_logits, state, ids, device):
        following = torch.tensor(list(ids[start : start + len(logits)]), device=device)
        out += logits.float().log_softmax(-1).gather(-1, following[:, None])[:, 0].tolist()
    if lost := [place for place, found in enumerate(out, 1) if found == float("-inf")]:
        raise NotFinite(f"the model gave token {lost[0]} of the text a logit that is -inf; its weights are broken")
    return out


def score_tokens(
    all_logits: Callable,
    state: DecoderState,
    ids: Sequence[int],
    first: int = 1,
    logits_processors: Sequence[LogitsProcessor] = (),
    top_logprobs: int = 0,
    device: torch.device | str = "cpu",
) -> list[Token]:
    """Return the tokens ids[first:] with the numbers that `sample` with these processors would have given them.

    first: 1 or more, since nothing precedes the first token.
    """
    out: list[Token] = []
    for start, logits in _read(all_logits, state, ids, device):
        skip = max(0, first - start)  # tokens read only as context of the others
        places = range(start + skip, start + len(logits))
        if not places:
            continue
        rows = [TokenSequence(list(ids[:place]), first) for place in places]
        processed = apply_processors(logits_processors, logits[skip:], rows)
        out += to_tokens([0] * len(rows), [ids[place] for place in places], logits[skip:], processed, top_logprobs)
    return out


def _read(
    all_logits: Callable, state: DecoderState, ids: Sequence[int], device: torch.device | str
) -> Iterator[tuple[int, Float[Tensor, "S V"]]]:
    """Yield a position and the logits from there on, chunk by chunk. Raises NotFinite for broken weights."""
    for start in range(0, len(ids) - 1, CHUNK_SIZE):
        part = ids[start : min(start + CHUNK_SIZE, len(ids) - 1)]
        logits, state = all_logits(torch.tensor([list(part)], device=device), state)
        check_finite_logits(logits)
        yield start + 1, logits[0]
