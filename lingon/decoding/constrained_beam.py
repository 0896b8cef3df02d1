"""Beam search for texts in which phrases must stand: the beams are shared out by how much of the phrases they have.

A text that has begun a phrase is seldom among the likeliest, so that a search by likelihood alone would lose it. Here
texts with equally many tokens left to come compete among themselves, and each such bank has its share of the beams.
Source: Post and Vilar, "Fast Lexically Constrained Decoding with Dynamic Beam Allocation", 2018; grid beam search,
Hokamp and Liu 2017, has a whole beam for each bank.
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
    """Hold a text that grows: its row, its log-probability, the row it came from, and what it lacks."""

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
    """Return the best texts in which all phrases stand, best first: `params.n` of them, or fewer.

    logits, state: the model's output for the prompt, of one row. phrases: may overlap in the text, but none is looked
    for in the prompt. params: without groups. Raises UserError where no text that is short enough has all phrases.
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
    """Return the likeliest texts of one token more; the likeliest of each; and those that go on with a phrase."""
    before = torch.tensor([text.logprob for text in texts], dtype=logs.dtype, device=logs.device)
    values = before[:, None] + logs
    wide = min(values.numel(), beams * (1 + len(eos_ids)))
    places = {divmod(at, values.shape[1]) for at in values.flatten().topk(wide).indices.tolist()}
    places |= set(enumerate(logs.argmax(-1).tolist()))
    places |= {(number, token) for number, text in enumerate(texts) for token in text.progress.following}
    if last:  # what ends is told from what is cut by its last token
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
    """Return as many texts as there are beams: a share of the best of each bank, and what is not needed to the others.

    Banks are of texts that lack equally many tokens; those that lack fewest come first where beams are too few.
    """
    banks: dict[int, list[_Text]] = {}
    for text in sorted(texts, key=lambda one: -one.logprob):
        banks.setdefault(text.progress.left, []).append(text)
    kept, room = list[_Text](), beams
    order = sorted(banks)
    share = dict.fromkeys(order, 0)
    while room and any(share[left] < len(banks[left]) for left in order):
        for left in order:  # one after the other, so that every bank has its share before one has more
            if room and share[left] < len(banks[left]):
                share[left], room = share[left] + 1, room - 1
    for left in order:
        kept += banks[left][: share[left]]
    return kept


def _may_stop(texts: Sequence[_Text], ended: Sequence[Hypothesis], params: BeamParams, length: int) -> bool:
    best = max(text.logprob for text in texts)
    return params.early_stopping([one.score for one in ended], best, length, params)
