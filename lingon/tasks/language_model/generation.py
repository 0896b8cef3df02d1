"""Generations: texts of a language model with their tokens, log-probabilities and finish reasons."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import tee
from typing import TYPE_CHECKING, Any

from lingon.core.terminal import printable
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.grammar import grammar_of
from lingon.decoding.request import Request
from lingon.decoding.sample import Token
from lingon.decoding.sampling_params import SamplingParams
from lingon.metrics.likelihood import exp
from lingon.tasks.language_model.scoring import score_continuation
from lingon.tasks.language_model.strategies import hypotheses, run_batch

if TYPE_CHECKING:
    from lingon.tasks.language_model.language_model import LanguageModel

BATCH_SIZE = 16  # texts that are generated at a time


@dataclass(frozen=True)
class Generation:
    """Hold one generated text.

    prompt_ids: the prompt, tokenized. tokens: all that were taken, also the end token and those of a stop string, which
    `text` goes without. token_strings: what the vocabulary calls them. finish_reason: why there are no more:
    "eos_token", "stop_sequence", "grammar" (a regular expression or JSON schema is complete), "length"
    (`max_new_tokens`) or "context_length" (the context of the model is full, of a beam or contrastive search or with a
    draft; sampling goes on). score: what ranks it, of a beam search.
    """

    prompt: str
    prompt_ids: tuple[int, ...]
    text: str
    tokens: tuple[Token, ...]
    token_strings: tuple[str, ...]
    finish_reason: str
    score: float | None = None

    @property
    def logprob(self) -> float:
        """Return the natural logarithm of the probability that the model gives to these tokens after the prompt."""
        return sum(token.logprob for token in self.tokens)

    @property
    def perplexity(self) -> float:
        """Return exp(-logprob / number of tokens)."""
        return perplexity(self.tokens)

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the prompt first: what JSON and the command line write."""
        pairs = zip(self.token_strings, self.tokens, strict=True)
        row = {"prompt": self.prompt, "text": self.text, "finish_reason": self.finish_reason, "logprob": self.logprob}
        row |= {} if self.score is None else {"score": self.score}
        return row | {"tokens": [{"token": string, "logprob": token.logprob} for string, token in pairs]}

    def __str__(self) -> str:
        """Return prompt and text, and of a beam search the line with its score."""
        score = "" if self.score is None else f"\n[log-probability {self.logprob:.3f}, score {self.score:.3f}]"
        return f"{self.prompt}{self.text}{score}"


@dataclass(frozen=True)
class Continuation:
    """Hold what a language model predicts for a prompt. logprob: of all tokens, the end token among them."""

    text: str
    continuation: str
    finish_reason: str
    logprob: float

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the prompt first."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __str__(self) -> str:
        return printable(self.text + self.continuation)


def perplexity(tokens: Sequence[Token]) -> float:
    """Return the perplexity of tokens that have their logprobs; one without, the first of a text, is left out."""
    known = [token.logprob for token in tokens if not math.isnan(token.logprob)]
    return exp(-sum(known) / len(known)) if known else math.nan


def generations(
    language: "LanguageModel",
    prompts: Iterable[str],
    params: SamplingParams,
    n: int = 1,
    top_logprobs: int | None = None,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Generation]:
    """Yield n generations of each prompt in their order, made in a running batch.

    batch_size: texts at a time, or n where that is more: the copies of a prompt are together, and it is read once.
    """
    texts, again = tee(prompt for prompt in prompts for _ in range(n))
    requests = language.requests(again, params)
    yield from generations_of(language, zip(texts, requests, strict=True), n, top_logprobs, batch_size)


def generations_of(
    language: "LanguageModel",
    asked: Iterable[tuple[str, Request]],
    n: int = 1,
    top_logprobs: int | None = None,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Generation]:
    """Yield the generation of each request, in their order. asked: each with the text that it shows as its prompt.

    n: so many requests in a row have one prompt.
    """
    started: dict[int, tuple[str, Request, list[Token]]] = {}

    def requests() -> Iterator[Request]:
        for number, (text, request) in enumerate(asked):
            started[number] = text, request, []
            yield request

    finished, following = set[int](), 0
    for events in run_batch(language, requests(), max(n, batch_size), n, top_logprobs):
        for event in events:
            started[event.token.row][2].append(event.token)
        finished |= {event.token.row for event in events if event.finished}
        while following in finished:
            yield generation_of(language, *started.pop(following))
            following += 1


def beam_generations(
    language: "LanguageModel", prompt: str, beams: BeamParams, params: SamplingParams, top_logprobs: int = 0
) -> list[Generation]:
    """Return the best generations that a beam search finds, best first, their tokens with probabilities."""
    (request,), generated = language.requests([prompt], params), []
    for found in hypotheses(language, request, beams):
        tokens = score_continuation(language, request.prompt_ids, found.ids, params, top_logprobs)
        generated.append(generation_of(language, prompt, request, tokens, found.score))
    return generated


def generation_of(
    language: "LanguageModel", prompt: str, request: Request, tokens: Sequence[Token], score: float | None = None
) -> Generation:
    """Return the generation that is made of the tokens of a request. prompt: its text."""
    text = "".join(language.text(([token] for token in tokens), request.params.stop))
    strings = tuple(language.tokenizer.vocab.token(token.id) for token in tokens)
    reason = finish_reason(language, request, [token.id for token in tokens])
    return Generation(prompt, request.prompt_ids, text, tuple(tokens), strings, reason, score)


def finish_reason(language: "LanguageModel", request: Request, ids: Sequence[int]) -> str:
    """Return why the text of a request has no more than these new ids: see `Generation`."""
    if ids[-1] in language.eos_ids:
        return "eos_token"
    if any(stop.encode() in language.pieces.decode(ids) for stop in request.params.stop):
        return "stop_sequence"
    if len(ids) == request.params.max_new_tokens:
        return "length"
    params = request.params
    grammar = grammar_of(params.regex, params.json_schema, language.pieces.by_id)
    return "grammar" if grammar and grammar.accepts(ids) else "context_length"
