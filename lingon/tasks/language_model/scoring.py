"""The scores of a language model for a given text: log-probabilities, or all that a `Token` holds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from lingon.core.errors import UserError
from lingon.decoding import score_tokens
from lingon.decoding.decoder_protocol import LogitsProcessor
from lingon.decoding.grammar import grammar_of
from lingon.decoding.sample import Token
from lingon.decoding.sampling_params import SamplingParams
from lingon.tasks.language_model.decoder import CausalDecoder
from lingon.tasks.language_model.prologue import context_length, logits_processors, room

if TYPE_CHECKING:
    from lingon.tasks.language_model.language_model import LanguageModel


@torch.inference_mode()
def logprobs(language: "LanguageModel", text: str) -> list[tuple[str, float]]:
    """Return each token of a text, and its log-probability after those before it; before the first, a document ended.

    Raises UserError for a text without tokens, and for one that is longer than the context.
    """
    model, ids = CausalDecoder(language.model), language.tokenizer.encode(text)
    if ids == language.prefix:
        raise UserError(f"the text {text[:40]!r} has no tokens to score; give one with words")
    first = _before(language, ids)
    if len(first) + len(ids) < 2:
        raise UserError(f"the text {text[:40]!r} is one token, before which this model has none; give a longer one")
    limit = context_length(language.model)
    if limit and len(ids) + len(first) > limit:
        raise UserError(f"the text has {len(ids):,} tokens, the model sees {limit:,}; score it in parts")
    found = score_tokens.token_logprobs(model.all_logits, model.begin(), [*first, *ids], model.device)
    tokens = [language.tokenizer.vocab.token(i) for i in (ids if first else ids[1:])]
    return list(zip(tokens, found, strict=True))


@torch.inference_mode()
def score_prompt(language: "LanguageModel", prompt_ids: Sequence[int], top_logprobs: int = 0) -> list[Token]:
    """Return the tokens of a prompt with what the model says of them after an empty document."""
    model, first = CausalDecoder(language.model), _before(language, prompt_ids)
    ids = [*first, *prompt_ids]
    found = score_tokens.score_tokens(
        model.all_logits, model.begin(), ids, top_logprobs=top_logprobs, device=model.device
    )
    return found if first else [Token(0, prompt_ids[0]), *found]


@torch.inference_mode()
def score_continuation(
    language: "LanguageModel",
    prompt_ids: Sequence[int],
    new_ids: Sequence[int],
    params: SamplingParams | None = None,
    top_logprobs: int = 0,
) -> list[Token]:
    """Return the tokens that follow a prompt, and were generated with these parameters, with their probabilities."""
    model = CausalDecoder(language.model)
    processors: list[LogitsProcessor] = []
    if params:
        grammar = grammar_of(params.regex, params.json_schema, language.pieces.by_id)
        within = replace(params, max_new_tokens=room(language.model, len(prompt_ids), params.max_new_tokens))
        processors = logits_processors(language, within, grammar)
    ids, first = [*prompt_ids, *new_ids], len(prompt_ids)
    return score_tokens.score_tokens(
        model.all_logits, model.begin(), ids, first, processors, top_logprobs, model.device
    )


def _before(language: "LanguageModel", ids: Sequence[int]) -> list[int]:
    """What stands before a text that is read from its beginning: an end, unless a token of its own begins it."""
    return [] if language.prefix or ids[0] in language.eos_ids else list(language.eos_ids[:1])
