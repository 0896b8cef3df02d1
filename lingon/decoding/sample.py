"""Greedy decoding and sampling for a batch of rows, each with its own random number generator."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from lingon.core.shapes import Float, Tensor
from lingon.decoding.decoder_protocol import (
    DecoderState,
    DecoderStep,
    LogitsProcessor,
    TokenSequence,
    apply_processors,
    check_finite_logits,
    check_processed_logits,
    select_rows,
)

Sampler = Callable[[Float[Tensor, "B V"], Sequence[TokenSequence]], list[int]]


@dataclass(frozen=True)
class Token:
    """A generated token.

    row: of the token. logprob: natural logarithm of its probability under the model. probability: after the logits
    processors. entropy: of the model's distribution, in nats: the expected value of -logprob. top_logprobs: (id,
    logprob, probability) of the most probable tokens, including this one: first those by the model, best first, then
    those that became likely only by the processors. Numbers that were not requested are NaN.
    """

    row: int
    id: int
    logprob: float = float("nan")
    probability: float = float("nan")
    entropy: float = float("nan")
    top_logprobs: tuple[tuple[int, float, float], ...] = ()


def greedy(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> list[int]:
    """Return the likeliest token of each row."""
    return logits.argmax(-1).tolist()


def multinomial(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> list[int]:
    """Return a token for each row, drawn from softmax(logits) with the row's random number generator.

    Sampling is by inversion of the cumulative distribution: each draw takes one random number, whatever the vocabulary.
    A token of probability 0 is never drawn.
    """
    sums = logits.double().softmax(-1).cumsum(-1)
    drawn = torch.tensor([[row.rng.random()] for row in rows], dtype=torch.float64, device=logits.device)
    total = sums[:, -1:]
    # The largest number below 1 times the total may round to the total, beyond the last token.
    below = torch.minimum(drawn * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(sums, below, right=True)[:, 0].tolist()


def sample(
    step: DecoderStep,
    logits: Float[Tensor, "B V"],
    state: DecoderState,
    rows: Sequence[TokenSequence],
    sampler: Sampler = greedy,
    logits_processors: Sequence[LogitsProcessor] = (),
    finished: Callable[[TokenSequence], bool] = lambda row: False,
    top_logprobs: int | None = None,
) -> Iterator[list[Token]]:
    """Yield the new tokens of all unfinished rows, step by step; they are appended to `rows`.

    logits, state: the model's output for the prompts, as returned by `lingon.decoding.prefill.read`. finished: called
    after each token of a row; finished rows leave the batch. top_logprobs: number of likeliest tokens in each `Token`;
    None leaves out all numbers, which saves time.
    """
    live = list(range(len(rows)))
    while live:
        ours = [rows[i] for i in live]
        yield next_tokens(live, logits, ours, sampler, logits_processors, top_logprobs)
        keep = [at for at, row in enumerate(ours) if not finished(row)]
        if not keep:
            return
        if len(keep) < len(live):
            state = select_rows(state, keep)
            live = [live[at] for at in keep]
        ids = [rows[i].ids[-1] for i in live]
        logits, state = step(torch.tensor(ids, device=logits.device)[:, None], state)


def next_tokens(
    live: Sequence[int],
    logits: Float[Tensor, "B V"],
    rows: Sequence[TokenSequence],
    sampler: Sampler,
    logits_processors: Sequence[LogitsProcessor],
    top_logprobs: int | None,
) -> list[Token]:
    """Return the next token of each row, which is appended to it. live: row numbers for the tokens."""
    check_finite_logits(logits, f"after {len(rows[0].new_ids)} new tokens ")
    processed = apply_processors(logits_processors, logits, rows)
    check_processed_logits(processed, rows)
    ids = sampler(processed, rows)
    for row, token in zip(rows, ids, strict=True):
        row.ids.append(token)
    return to_tokens(live, ids, logits, processed, top_logprobs)


def to_tokens(
    live: Sequence[int],
    ids: Sequence[int],
    logits: Float[Tensor, "B V"],
    processed: Float[Tensor, "B V"],
    top_logprobs: int | None,
) -> list[Token]:
    """Return the tokens `ids` of the rows `live`, with their numbers before and after the logits processors."""
    if top_logprobs is None:
        return [Token(i, token) for i, token in zip(live, ids, strict=True)]
    chosen = torch.tensor(ids, device=logits.device)[:, None]
    logs, after = logits.float().log_softmax(-1), processed.float().softmax(-1)
    entropy = -(logs.exp() * logs).nansum(-1)  # 0 times -inf counts as 0
    few = min(top_logprobs, logs.shape[-1])
    likely = torch.cat([logs.topk(few).indices, after.topk(few).indices], 1)
    columns = (logs.gather(1, chosen)[:, 0], after.gather(1, chosen)[:, 0], entropy)
    others = (likely, logs.gather(1, likely), after.gather(1, likely))
    logprobs, probabilities, entropies = (column.tolist() for column in columns)
    values = zip(live, ids, logprobs, probabilities, entropies, strict=True)
    rows = zip(*(found.tolist() for found in others), strict=True)
    return [Token(*own, _once(zip(*row, strict=True), few)) for own, row in zip(values, rows, strict=True)]


def _once(found: Iterable[tuple[int, float, float]], few: int) -> tuple[tuple[int, float, float], ...]:
    """Return the first `few`, and those of the rest that are new and have a nonzero probability."""
    by_id: dict[int, tuple[int, float, float]] = {}
    for other in found:
        if len(by_id) < few or other[2] > 0:
            by_id.setdefault(other[0], other)
    return tuple(by_id.values())
