"""What every decoding strategy begins with: the sequence of a request, its logits processors, when it is finished."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn

from lingon.core.shapes import Tensor
from lingon.data.tokenizers.vocab import UNK
from lingon.decoding.decoder_protocol import LogitsProcessor, TokenSequence
from lingon.decoding.grammar import Grammar, grammar_of
from lingon.decoding.logits_processors import suppress
from lingon.decoding.request import Request
from lingon.decoding.run import Strategy
from lingon.decoding.sampling_params import SamplingParams

if TYPE_CHECKING:
    from lingon.data.tokenizers import Tokenizer
    from lingon.tasks.language_model.language_model import LanguageModel

Finished = Callable[[TokenSequence], bool]


class Prologue:
    """Prepare requests: each gets the sequence that grows from its prompt, and the strategy of its parameters.

    within_context: no text becomes longer than the context of the model, of strategies without a sliding window.
    """

    def __init__(self, language: "LanguageModel", within_context: bool = False):
        self.language, self.within_context = language, within_context
        self._made: dict[int, tuple[SamplingParams, Strategy]] = {}

    def __call__(self, request: Request) -> tuple[TokenSequence, Strategy]:
        """Return what a request starts with. Raises UserError for a grammar that its room is too short for."""
        params, length = request.params, len(request.prompt_ids)
        most = params.max_new_tokens
        sequence = request.sequence(room(self.language.model, length, most) if self.within_context else most)
        grammar = grammar_of(params.regex, params.json_schema, self.language.pieces.by_id)
        if grammar:  # before its logits processor is made, which knows of no room
            grammar.require(sequence.max_new_tokens)
        if id(params) not in self._made:
            self._made[id(params)] = params, self._strategy(params, grammar)
        _, strategy = self._made[id(params)]
        return sequence, strategy

    def _strategy(self, params: SamplingParams, grammar: Grammar | None) -> Strategy:
        processors = logits_processors(self.language, params, grammar)
        return Strategy(params.sampler(), processors, _finished(self.language, params, grammar))


def room(model: nn.Module, prompt_length: int, max_new_tokens: int) -> int:
    """Return how many tokens may be generated after a prompt of so many."""
    limit = context_length(model)
    return min(max_new_tokens, limit - prompt_length) if limit else max_new_tokens


def context_length(model: nn.Module) -> int | None:
    """Return the context length of a model; None for a recurrent one, which has no limit."""
    return getattr(model, "context_length", None)


def logits_processors(
    language: "LanguageModel", params: SamplingParams, grammar: Grammar | None
) -> list[LogitsProcessor]:
    """Return all logits processors; with a grammar, only what it can still finish within `max_new_tokens`."""
    grammars = [grammar.logits_processor(language.eos_ids, params.max_new_tokens)] if grammar else []
    return params.logits_processors([suppress(language.suppressed_ids), *grammars])


def suppressed_ids(tokenizer: "Tokenizer", embeddings: int, eos_ids: tuple[int, ...]) -> Tensor:
    """Return the ids that are not text: those beyond the tokenizer, and the unknown token."""
    vocab = tokenizer.vocab
    unknown, beyond = [vocab[UNK]] if UNK in vocab else [], range(len(vocab), embeddings)
    with torch.inference_mode(False):  # it is kept, and may meet logits with gradients
        return torch.tensor([i for i in [*unknown, *beyond] if i not in eos_ids], dtype=torch.long)


def stopped(language: "LanguageModel", params: SamplingParams) -> Finished | None:
    """Return whether a stop string has come, as a function of a row; None when there are none."""
    stops = [text.encode() for text in params.stop]
    # A stop string can only end in the last token, so no more than its own bytes and that token need a look.
    return (lambda row: any(stop in language.pieces.decode(row.new_ids[-64:]) for stop in stops)) if stops else None


def _finished(language: "LanguageModel", params: SamplingParams, grammar: Grammar | None) -> Finished:
    stop = stopped(language, params)

    def finished(row: TokenSequence) -> bool:
        if row.ids[-1] in language.eos_ids or len(row.new_ids) >= row.max_new_tokens:
            return True
        if grammar and grammar.complete(row.new_ids, row.max_new_tokens):
            return True
        return stop is not None and stop(row)

    return finished
