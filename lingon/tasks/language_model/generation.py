"""Generations: texts of a language model with their tokens, log-probabilities and finish reasons."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lingon.decoding.beam import BeamParams
from lingon.decoding.sample import Token
from lingon.decoding.sampling_params import SamplingParams
from lingon.metrics.likelihood import exp
from lingon.tasks.language_model.language_model import LanguageModel

BATCH_SIZE = 16  # texts that are generated as one batch


@dataclass(frozen=True)
class Generation:
    """Hold one generated text.

    tokens: all that were taken, also the end token and those of a stop string, which `text` goes without.
    token_strings: what the vocabulary calls them. finish_reason: why there are no more: "eos_token", "stop_sequence",
    "grammar" (a regular expression or JSON schema is complete), "length" (`max_new_tokens`) or "context_length" (the
    context of the model is full). score: what ranks it, of a beam search.
    """

    prompt: str
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


def perplexity(tokens: Sequence[Token]) -> float:
    """Return the perplexity of tokens that have their numbers; one without, since nothing precedes it, is left out."""
    known = [token.logprob for token in tokens if not math.isnan(token.logprob)]
    return exp(-sum(known) / len(known)) if known else math.nan


def prompt_batches(model: LanguageModel, prompts: Sequence[str], n: int, max_new_tokens: int) -> Iterator[list[str]]:
    """Yield batches of prompts, each n times; together only where the context has room for the longest as well.

    So that no text is cut short by what stands beside it.
    """
    context, group, longest = getattr(model.model, "context_length", None), [], 0
    for prompt in prompts:
        length = len(model.encode(prompt))
        full = len(group) + n > BATCH_SIZE or (context and max(longest, length) + max_new_tokens > context)
        if group and full:
            yield group
            group, longest = [], 0
        group, longest = [*group, *[prompt] * n], max(longest, length)
    if group:
        yield group


def collect(
    model: LanguageModel, prompts: Sequence[str], steps: Iterable[list[Token]], params: SamplingParams
) -> list[Generation]:
    """Return the generation of each prompt, of the tokens that came step by step."""
    rows: list[list[Token]] = [[] for _ in prompts]
    for step in steps:
        for token in step:
            rows[token.row].append(token)
    return [_generation(model, prompt, tokens, params) for prompt, tokens in zip(prompts, rows, strict=True)]


def beam_generations(
    model: LanguageModel, prompt: str, beams: BeamParams, params: SamplingParams, top_logprobs: int = 0
) -> list[Generation]:
    """Return the best generations that a beam search finds, best first, their tokens with numbers."""
    found = []
    for hypothesis in model.hypotheses(prompt, beams, params):
        tokens = model.score_tokens(prompt, hypothesis.ids, params, top_logprobs)
        found.append(_generation(model, prompt, tokens, params, hypothesis.score))
    return found


def _generation(
    model: LanguageModel, prompt: str, tokens: Sequence[Token], params: SamplingParams, score: float | None = None
) -> Generation:
    text = "".join(model.text(([token] for token in tokens), params.stop))
    strings = tuple(model.tokenizer.vocab.token(token.id) for token in tokens)
    reason = finish_reason(model, prompt, [token.id for token in tokens], params)
    return Generation(prompt, text, tuple(tokens), strings, reason, score)


def finish_reason(model: LanguageModel, prompt: str, ids: Sequence[int], params: SamplingParams) -> str:
    """Return why a text of these new ids has no more: see `Generation`."""
    if ids[-1] in model.eos_ids:
        return "eos_token"
    if any(stop.encode() in model.pieces.decode(ids) for stop in params.stop):
        return "stop_sequence"
    if len(ids) == params.max_new_tokens:
        return "length"
    if len(model.encode(prompt)) + len(ids) == getattr(model.model, "context_length", None):
        return "context_length"
    return "grammar"
