"""Decoding strategies of a language model: sampling, a running batch, speculative, contrastive, and beam search."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from lingon.core.errors import UserError
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams, Hypothesis
from lingon.decoding.contrastive import contrastive_search
from lingon.decoding.decoder_protocol import MAX_NEW_TOKENS
from lingon.decoding.logits_processors import exactly_top_k
from lingon.decoding.prefill import read
from lingon.decoding.request import Request
from lingon.decoding.run import Event, run
from lingon.decoding.sample import Token, sample
from lingon.decoding.speculative import Acceptance, CachedModel, speculative_decode
from lingon.layers.recurrent_state import RecurrentState
from lingon.tasks.language_model.decoder import CausalDecoder
from lingon.tasks.language_model.prologue import Prologue, context_length, stopped
from lingon.tasks.language_model.sliding_window import SlidingWindow

if TYPE_CHECKING:
    from lingon.tasks.language_model.language_model import LanguageModel


@torch.inference_mode()
def sample_batch(
    language: "LanguageModel", requests: Sequence[Request], top_logprobs: int | None = None
) -> Iterator[list[Token]]:
    """Yield the new tokens of all requests, which have the same parameters, step by step, as one batch."""
    if not requests:
        return
    prepare = Prologue(language)
    rows = [prepare(request)[0] for request in requests]
    _, strategy = prepare(requests[0])
    model = _decoder(language, max(len(row.ids) for row in rows) + max(row.max_new_tokens for row in rows))
    logits, state = read(model, [row.ids for row in rows], device=model.device)
    yield from sample(
        model.step, logits, state, rows, strategy.sampler, strategy.logits_processors, strategy.finished, top_logprobs
    )


@torch.inference_mode()
def run_batch(
    language: "LanguageModel",
    requests: Iterable[Request],
    batch_size: int,
    group_size: int = 1,
    top_logprobs: int | None = None,
) -> Iterator[list[Event]]:
    """Yield the new tokens of requests in a running batch: see `lingon.decoding.run`."""
    model = _decoder(language, MAX_NEW_TOKENS)
    yield from run(model, requests, Prologue(language), batch_size, group_size, top_logprobs, model.device)


def _decoder(language: "LanguageModel", columns: int) -> CausalDecoder | SlidingWindow:
    """Return what generates: with a sliding window where so many columns do not fit into the context."""
    context = context_length(language.model)
    if context is None or columns <= context:
        return CausalDecoder(language.model)
    # Beside a prompt that fills the context, another may have all of it before it.
    return SlidingWindow(CausalDecoder(language.model, 2 * context), context, language.prefix)


@torch.inference_mode()
def speculative(
    language: "LanguageModel",
    request: Request,
    draft: "LanguageModel",
    acceptance: Acceptance | None = None,
    top_logprobs: int | None = None,
) -> Iterator[list[Token]]:
    """Yield what `sample_batch` does, with the help of a smaller model of the same tokenizer: the same distribution."""
    if list(draft.tokenizer.vocab) != list(language.tokenizer.vocab):
        raise UserError("the draft model has another vocabulary; both models must have the same tokenizer")
    models = CausalDecoder(language.model), CausalDecoder(draft.model)
    if any(isinstance(model.begin(), RecurrentState) for model in models):
        raise UserError(
            "a recurrent model cannot undo tokens, as speculative decoding needs of both models; leave the draft out"
        )
    row, strategy = Prologue(language, within_context=True)(request)
    processors = [*strategy.logits_processors, *([exactly_top_k(1)] if request.params.temperature == 0 else [])]
    target, helper = (CachedModel(model.all_logits, model.begin(), model.device) for model in models)
    tokens = speculative_decode(
        target,
        helper,
        row,
        row.max_new_tokens,
        processors,
        strategy.finished,
        top_logprobs=top_logprobs,
        acceptance=acceptance,
    )
    yield from ([token] for token in tokens)


@torch.inference_mode()
def contrastive(
    language: "LanguageModel", request: Request, alpha: float, k: int = 4, top_logprobs: int | None = None
) -> Iterator[list[Token]]:
    """Yield what contrastive search takes, of the k likeliest tokens each time: see `lingon.decoding.contrastive`."""
    model = CausalDecoder(language.model)
    row, strategy = Prologue(language, within_context=True)(request)
    tokens = contrastive_search(
        model.hidden,
        model.head,
        model.begin(),
        row,
        strategy.finished,
        k,
        alpha,
        strategy.logits_processors,
        top_logprobs,
        model.device,
    )
    yield from ([token] for token in tokens)


@torch.inference_mode()
def hypotheses(language: "LanguageModel", request: Request, beams: BeamParams) -> list[Hypothesis]:
    """Return the best texts that a beam search finds, best first; with a full context, as long as there is room."""
    params = replace(request.params, max_new_tokens=beams.max_new_tokens)
    row, strategy = Prologue(language, within_context=True)(replace(request, params=params))
    beams = replace(beams, max_new_tokens=row.max_new_tokens)
    model = CausalDecoder(language.model)
    logits, state = read(model, [row.ids], device=model.device)
    stop = stopped(language, params)
    (found,) = beam_search(model.step, logits, state, [row], beams, language.eos_ids, strategy.logits_processors, stop)
    return found
