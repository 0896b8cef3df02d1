"""Lexically constrained beam search, for texts that must contain phrases, with dynamic beam allocation.

A text that has begun a phrase is rarely among the likeliest, so that plain beam search would drop it. Here texts with
equal numbers of missing tokens form a bank, in which they compete, and each bank has its share of the beams.
Source: Post and Vilar, "Fast Lexically Constrained Decoding with Dynamic Beam Allocation", 2018; grid beam search,
Hokamp and Liu 2017, has a full beam for each bank.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
    check_finite_logits,
    select_rows,
)
from lingon.decoding.phrases import Phrase, Progress, progress


@dataclass(frozen=True)
class _Text:
    """A hypothesis: its row, its log-probability, the index of the row it extends, and its missing tokens."""

    row: TokenSequence
    logprob: float
    parent: int
    progress: Progress


def constrained_beam_search(
    step: DecoderStep,
    logits: Float[Tensor, "1 V"],
    state: DecoderState,
    row: TokenSequence,
    phrases: Sequence[Phrase],
    params: BeamParams,
    eos_ids: Sequence[int] = (),
    logits_processors: Sequence[LogitsProcessor] = (),
) -> list[Hypothesis]:
    """Return the best texts that contain all phrases, best first: `params.n` of them, or fewer.

    logits, state: the model's output for the prompt, of one row. phrases: may overlap in the text; the prompt is not
    searched for them. params: without groups. Raises UserError if no text within the maximum length has all phrases.
    """
    most = min(params.max_new_tokens, row.max_new_tokens)
    texts, ended = [_Text(row, 0.0, 0, progress(phrases, []))], list[Hypothesis]()
    for length in range(1, most + 1):
        check_finite_logits(logits, f"after {length - 1} new tokens ")
        logs = apply_processors(logits_processors, logits.double().log_softmax(-1), [text.row for text in texts])
        found = _extended(texts, logs, phrases, params.beams, eos_ids, length == most)
        for text in found:
            over = text.row.ids[-1] in eos_ids
            if (over or length == most) and not text.progress.left:
                score = text.logprob / params.penalty(length)
                ended.append(Hypothesis(tuple(text.row.new_ids), text.logprob, score, over))
        ended = sorted(ended, key=lambda one: -one.score)[: params.beams]
        texts = _shared_out([text for text in found if text.row.ids[-1] not in eos_ids], params.beams)
        if length == most or not texts or _may_stop(texts, ended, params, length):
            break
        ids = torch.tensor([text.row.ids[-1:] for text in texts], device=logits.device)
        logits, state = step(ids, select_rows(state, [text.parent for text in texts]))
    if not ended:
        wanted = sum(phrase.tokens for phrase in phrases)
        raise UserError(f"no text of at most {most:,} tokens has all {len(phrases)} phrases, {wanted} tokens of them")
    return ended[: params.n]


def _extended(
    texts: Sequence[_Text],
    logs: Float[Tensor, "B V"],
    phrases: Sequence[Phrase],
    beams: int,
    eos_ids: Sequence[int],
    last: bool,
) -> list[_Text]:
    """Return texts extended by a token: the likeliest of all, the likeliest of each, and those continuing a phrase."""
    before = torch.tensor([text.logprob for text in texts], dtype=logs.dtype, device=logs.device)
    values = before[:, None] + logs
    wide = min(values.numel(), beams * (1 + len(eos_ids)))
    places = {divmod(at, values.shape[1]) for at in values.flatten().topk(wide).indices.tolist()}
    places |= set(enumerate(logs.argmax(-1).tolist()))
    places |= {(number, token) for number, text in enumerate(texts) for token in text.progress.following}
    if last:  # the last token distinguishes finished from truncated texts
        places |= {(number, token) for number, text in enumerate(texts) if not text.progress.left for token in eos_ids}
    found = []
    for number, token in sorted(places):
        value = values[number, token].item()
        if value == float("-inf") or (token in eos_ids and texts[number].progress.left):
            continue
        old = texts[number]
        row = TokenSequence([*old.row.ids, token], old.row.prompt_length, old.row.rng, old.row.max_new_tokens)
        found.append(_Text(row, value, number, progress(phrases, row.new_ids)))
    return found


def _shared_out(texts: Sequence[_Text], beams: int) -> list[_Text]:
    """Return as many texts as there are beams: the best of each bank up to its share; unused shares go to other banks.

    A bank has the texts with the same number of missing tokens; if beams are too few, fewest missing tokens come first.
    """
    banks: dict[int, list[_Text]] = {}
    for text in sorted(texts, key=lambda one: -one.logprob):
        banks.setdefault(text.progress.left, []).append(text)
    kept, room = list[_Text](), beams
    order = sorted(banks)
    share = dict.fromkeys(order, 0)
    while room and any(share[left] < len(banks[left]) for left in order):
        for left in order:  # round-robin, so that every bank gets its share before any gets more
            if room and share[left] < len(banks[left]):
                share[left], room = share[left] + 1, room - 1
    for left in order:
        kept += banks[left][: share[left]]
    return kept


def _may_stop(texts: Sequence[_Text], ended: Sequence[Hypothesis], params: BeamParams, length: int) -> bool:
    best = max(text.logprob for text in texts)
    return params.early_stopping([one.score for one in ended], best, length, params)
