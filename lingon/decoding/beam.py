"""Beam search: keep the best hypotheses at each step, and return the best finished ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.decoding.beam_params import BeamParams, Hypothesis
from lingon.decoding.decoder_protocol import (
    DecoderState,
    DecoderStep,
    LogitsProcessor,
    TokenSequence,
    apply_processors,
    branch_rows,
    check_finite_logits,
    select_rows,
)
from lingon.decoding.largest import largest
from lingon.decoding.likeliest import likeliest
from lingon.decoding.token_changes import TokenChanges, token_changes

__all__ = ["beam_search"]

AT_ONCE = 1 << 18  # log-probabilities computed at a time, unless a single search has more


@dataclass
class _Group:
    """A group of beams for one prompt: rows with their values, and finished hypotheses.

    params: of the search, with `max_new_tokens` limited to what the row allows.
    """

    rows: list[TokenSequence]
    values: list[float]  # log-probability minus diversity penalties; -inf for a dead beam
    logprobs: list[float]
    params: BeamParams
    ended: list[Hypothesis] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    done: bool = False


def beam_search(
    step: DecoderStep,
    logits: Float[Tensor, "B V"],
    state: DecoderState,
    rows: Sequence[TokenSequence],
    params: BeamParams,
    eos_ids: Sequence[int] = (),
    logits_processors: Sequence[LogitsProcessor] = (),
    stopped: Callable[[TokenSequence], bool] | None = None,
) -> list[list[Hypothesis]]:
    """Return the best texts for each row, best first: `params.n`, or fewer if not that many were found.

    rows: the sequences to extend, each by at most its own `max_new_tokens`, and that of params. logits, state: the
    model's output for the prompts. eos_ids: ids that end a text. stopped: whether a text ends with its last token for
    another reason, such as a stop string. The logits processors change log-probabilities, which are not renormalized,
    so that with a grammar each text keeps the probability that the model gives it.
    """

    def is_finished(group: _Group, parent: int, token: int) -> bool:
        row = group.rows[parent]
        if token in eos_ids:
            return True
        return stopped is not None and stopped(TokenSequence([*row.ids, token], row.prompt_length))

    size, sets = params.beams // params.beam_groups, range(params.beam_groups)
    searches = [[_start(row, size, params) for _ in sets] for row in rows]
    live = list(searches)
    state = select_rows(state, [i for i in range(len(rows)) for _ in range(params.beams)])
    logits = logits.repeat_interleave(params.beams, 0)
    for length in range(1, params.max_new_tokens + 1):
        _advance(live, logits, params, len(eos_ids), is_finished, logits_processors, length)
        going = [i for i, search in enumerate(live) if not all(group.done for group in search)]
        if length == params.max_new_tokens or not going:
            break
        parents = [i * params.beams + g * size + p for i in going for g in sets for p in live[i][g].parents]
        live = [live[i] for i in going]
        new = [row.ids[-1] for search in live for group in search for row in group.rows]
        logits, state = step(torch.tensor(new, device=logits.device)[:, None], branch_rows(state, parents))
    return [_best(search) for search in searches]


def _start(row: TokenSequence, size: int, params: BeamParams) -> _Group:
    dead = [float("-inf")] * (size - 1)  # all beams start with the same prompt: only one is alive
    copies = [TokenSequence(list(row.ids), row.prompt_length) for _ in range(size)]
    own = replace(params, max_new_tokens=min(params.max_new_tokens, row.max_new_tokens))
    return _Group(copies, [0.0, *dead], [0.0, *dead], own)


def _advance(
    live: list[list[_Group]],
    logits: Tensor,
    params: BeamParams,
    eos_count: int,
    is_finished: Callable,
    logits_processors: Sequence[LogitsProcessor],
    length: int,
) -> None:
    """Extend every beam of every unfinished search by one token, as many searches at a time as fit into the cache."""
    where = f"after {length - 1} new tokens "
    everyone = [row for search in live for group in search for row in group.rows]
    changes = token_changes(logits_processors, everyone, logits.device) if params.beam_groups == 1 else None
    if changes is not None:
        _extend_plainly(live, logits, params, eos_count, is_finished, logits_processors, changes, length, where)
        return
    check_finite_logits(logits, where)
    many = max(1, AT_ONCE // (params.beams * logits.shape[-1]))
    for start in range(0, len(live), many):
        some, beams = live[start : start + many], slice(start * params.beams, (start + many) * params.beams)
        logs = apply_processors(logits_processors, logits[beams].double().log_softmax(-1), everyone[beams])
        _extend(some, logs, params, eos_count, is_finished, length)


def _extend_plainly(
    live: list[list[_Group]],
    logits: Tensor,
    params: BeamParams,
    eos_count: int,
    is_finished: Callable,
    logits_processors: Sequence[LogitsProcessor],
    changes: TokenChanges,
    length: int,
    where: str,
) -> None:
    """Extend every beam when processors change only a few tokens: only the likeliest tokens of each are examined."""
    size, vocabulary = params.beams, logits.shape[-1]
    logs, tokens = likeliest(logits, min(size * (1 + eos_count), vocabulary), changes, where)
    old = torch.tensor([group.values for (group,) in live], dtype=logs.dtype, device=logs.device)
    values = (old[:, :, None] + logs.view(len(live), size, -1)).flatten(1)
    order = values.sort(descending=True, stable=True)
    best, places = order.values, order.indices
    flat = places // logs.shape[1] * vocabulary + tokens.view(len(live), -1).gather(1, places)
    enough = min(size * (1 + eos_count), size * vocabulary)
    given = zip(live, best[:, :enough].tolist(), flat[:, :enough].tolist(), strict=True)
    for i, ((group,), of_search, at) in enumerate(given):

        def everything(i: int = i, rows: Sequence[TokenSequence] = group.rows) -> Tensor:
            logs = logits[i * size : (i + 1) * size].double().log_softmax(-1)
            return old[i, :, None] + apply_processors(logits_processors, logs, rows)

        _grow(group, _candidates(everything, of_search, at, vocabulary), None, is_finished, length)


def _extend(
    live: list[list[_Group]], logs: Tensor, params: BeamParams, eos_count: int, is_finished: Callable, length: int
) -> None:
    """Extend every beam of these searches by one token. logs: the log-probabilities of each beam [beams, V]."""
    size, vocabulary = params.beams // params.beam_groups, logs.shape[-1]
    logs = logs.view(len(live), params.beam_groups, size, vocabulary)
    # How often a token was taken by earlier groups.
    taken = torch.zeros(len(live), 1, vocabulary, dtype=logs.dtype, device=logs.device)
    for g in range(params.beam_groups):
        old = torch.tensor([search[g].values for search in live], dtype=logs.dtype, device=logs.device)
        values = old[:, :, None] + logs[:, g]
        if g and params.diversity_penalty:
            values = values - params.diversity_penalty * taken
        # Finished texts leave the beam, so that additional candidates are needed to fill it.
        best, flat = largest(values.flatten(1), min(size * (1 + eos_count), size * vocabulary))
        for i, search in enumerate(live):
            candidates = _candidates(partial(values.__getitem__, i), best[i].tolist(), flat[i].tolist(), vocabulary)
            for token in _grow(search[g], candidates, logs[i, g], is_finished, length):
                taken[i, 0, token] += 1


def _candidates(
    everything: Callable[[], Float[Tensor, "W V"]], best: list[float], flat: list[int], vocabulary: int
) -> Iterator[tuple[float, int, int]]:
    """Yield (value, beam, token), best first; all candidates are sorted only if the given best do not suffice."""
    for value, at in zip(best, flat, strict=True):
        yield value, *divmod(at, vocabulary)
    known, order = set(flat), everything().flatten().sort(descending=True, stable=True)
    for value, at in zip(order.values.tolist(), order.indices.tolist(), strict=True):
        if at not in known:
            yield value, *divmod(at, vocabulary)


def _grow(group: _Group, candidates, logs: Tensor | None, is_finished, length: int) -> list[int]:
    """Extend a group by the best candidates; return the tokens taken, of continuing and of finished texts.

    logs: log-probabilities [W, V] if the values of the candidates include penalties; else None.
    """
    params = group.params
    size, penalty = len(group.rows), params.penalty(length)
    kept: list[tuple[float, float, int, int]] = []  # value, log-probability, beam, token
    taken: list[int] = []
    for rank, (value, parent, token) in enumerate(candidates):
        if value == float("-inf") or len(kept) == size or (length == params.max_new_tokens and rank == size):
            break
        logprob = value if logs is None else group.logprobs[parent] + logs[parent, token].item()
        ended = is_finished(group, parent, token)
        if not ended and length < params.max_new_tokens:
            kept.append((value, logprob, parent, token))
            taken.append(token)
        elif rank < size:
            taken.append(token)  # also of a finished group, so that its early stopping does not affect other groups
            if not group.done:
                new = (*group.rows[parent].new_ids, token)
                group.ended.append(Hypothesis(new, logprob, logprob / penalty, ended))
    group.ended = sorted(group.ended, key=lambda found: -found.score)[: params.beams]
    group.done = group.done or not kept or _may_stop(group, max(own for _, own, *_ in kept), params, length)
    kept += [(float("-inf"), float("-inf"), 0, 0)] * (size - len(kept))
    group.rows = [_longer(group.rows[parent], token) for *_, parent, token in kept]
    group.values, group.logprobs = [value for value, *_ in kept], [logprob for _, logprob, *_ in kept]
    group.parents = [parent for *_, parent, _ in kept]
    return taken


def _longer(row: TokenSequence, token: int) -> TokenSequence:
    return TokenSequence([*row.ids, token], row.prompt_length, row.rng)  # a new generator would take the most time


def _may_stop(group: _Group, best: float, params: BeamParams, length: int) -> bool:
    return params.early_stopping([found.score for found in group.ended], best, length, params)


def _best(search: list[_Group]) -> list[Hypothesis]:
    # Two groups may find the same text; its log-probability, and so its score, is the same in both.
    found = {hypothesis.ids: hypothesis for group in search for hypothesis in group.ended}
    params = search[0].params
    if not found:
        at_most = f"no text of at most {params.max_new_tokens} tokens"
        raise UserError(f"{at_most} is left by the logits processors; loosen the grammar or the bias")
    return sorted(found.values(), key=lambda hypothesis: -hypothesis.score)[: params.n]
