"""Continuous batching: when a text ends, the next request takes its place in the batch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.decoding.decoder_protocol import Decodable, DecoderState, LogitsProcessor, TokenSequence, select_rows
from lingon.decoding.prefill import read
from lingon.decoding.request import Request
from lingon.decoding.sample import Sampler, Token, next_tokens


@dataclass(frozen=True)
class Strategy:
    """How the tokens of a text are chosen, and when it is finished."""

    sampler: Sampler
    logits_processors: Sequence[LogitsProcessor]
    finished: Callable[[TokenSequence], bool]


@dataclass(frozen=True)
class Event:
    """A new token, and whether it finishes its text. token.row: the number of its request."""

    token: Token
    finished: bool


@dataclass(frozen=True)
class _Row:
    """A request in the batch."""

    index: int
    request: Request
    sequence: TokenSequence
    strategy: Strategy


def run(
    model: Decodable,
    requests: Iterable[Request],
    prepare: Callable[[Request], tuple[TokenSequence, Strategy]],
    batch_size: int,
    group_size: int = 1,
    top_logprobs: int | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[list[Event]]:
    """Generate for all requests; yield the new tokens of those in the batch, step by step.

    Each text is the same as for its request alone. prepare: returns the initial sequence of a request and its strategy;
    requests whose strategy is the same object are sampled together. group_size: number of requests that join at a time,
    such as the copies of a prompt, which is read once. Requests are consumed only when there is room for them.
    """
    if batch_size < group_size or group_size < 1:
        raise UserError(f"batch_size is {batch_size}, expected {max(1, group_size):,} or more")
    waiting, rows = enumerate(requests), list[_Row]()
    logits: Tensor | None = None
    state: DecoderState | None = None
    while True:
        free = (batch_size - len(rows)) // group_size * group_size
        if new := [_Row(index, request, *prepare(request)) for index, request in islice(waiting, free)]:
            prompts, sources = [row.request.prompt_ids for row in new], [row.request.source for row in new]
            first, fresh = read(model, prompts, sources, device)
            logits = first if logits is None else torch.cat([logits, first])
            state = fresh if state is None else state.join([fresh])
            rows += new
        if logits is None or state is None:
            return
        tokens = _sampled(rows, logits, top_logprobs)
        finished = [row.strategy.finished(row.sequence) for row in rows]
        yield [Event(token, last) for token, last in zip(tokens, finished, strict=True)]
        keep = [place for place, last in enumerate(finished) if not last]
        if len(keep) < len(rows):
            rows, state = [rows[place] for place in keep], select_rows(state, keep) if keep else None
        logits = None
        if state is not None:
            ids = torch.tensor([row.sequence.ids[-1:] for row in rows], device=device)
            logits, state = model.step(ids, state)


def _sampled(rows: Sequence[_Row], logits: Float[Tensor, "B V"], top_logprobs: int | None) -> list[Token]:
    """Return the next token of each row; rows with the same strategy are sampled together."""
    groups: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(id(row.strategy), []).append(place)
    found: dict[int, Token] = {}
    for places in groups.values():
        ours, strategy = [rows[place] for place in places], rows[places[0]].strategy
        indices, sequences = [row.index for row in ours], [row.sequence for row in ours]
        part = logits if len(groups) == 1 else logits[places]
        tokens = next_tokens(indices, part, sequences, strategy.sampler, strategy.logits_processors, top_logprobs)
        found |= zip(places, tokens, strict=True)
    return [found[place] for place in range(len(rows))]
