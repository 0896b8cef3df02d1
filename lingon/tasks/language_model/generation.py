"""Texts that a language model has written: their tokens with all numbers, how likely they are, and how they ended."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lingon.decoding.beam import Beams
from lingon.decoding.sample import Picked
from lingon.metrics.likelihood import exp
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.language_model.sampling_params import Manner

ROWS = 16  # texts that are written as one batch


@dataclass(frozen=True)
class Written:
    """A text that goes on from a prompt.

    tokens: all that were taken, also the end token and those of a stop text, which `text` goes without.
    ended: why there are no more: "end of text", "stop text", "pattern", "length" (as many as were asked for) or
    "context" (of the model, which is full). score: what ranks it, of a beam search.
    """

    prompt: str
    text: str
    tokens: tuple[Picked, ...]
    ended: str
    score: float | None = None

    @property
    def logprob(self) -> float:
        """The natural logarithm of the probability that the model gives to these tokens after the prompt."""
        return sum(token.logprob for token in self.tokens)

    @property
    def perplexity(self) -> float:
        """exp(-logprob / number of tokens)."""
        return perplexity(self.tokens)


def perplexity(tokens: Sequence[Picked]) -> float:
    """The perplexity of tokens that have their numbers; one without, since nothing precedes it, does not count."""
    known = [token.logprob for token in tokens if not math.isnan(token.logprob)]
    return exp(-sum(known) / len(known)) if known else math.nan


def batches(model: LanguageModel, prompts: Sequence[str], copies: int, most: int) -> Iterator[list[str]]:
    """Prompts, each as often as wanted, in batches; together only where the context has room for the longest as well.

    So that no text is cut short by what stands beside it.
    """
    context, group, longest = getattr(model.model, "context_length", None), [], 0
    for prompt in prompts:
        length = len(model.encode(prompt))
        full = len(group) + copies > ROWS or (context and max(longest, length) + most > context)
        if group and full:
            yield group
            group, longest = [], 0
        group, longest = [*group, *[prompt] * copies], max(longest, length)
    if group:
        yield group


def gathered(
    model: LanguageModel, prompts: Sequence[str], steps: Iterable[list[Picked]], manner: Manner
) -> list[Written]:
    """What was written for each prompt, of the tokens that came step by step."""
    rows: list[list[Picked]] = [[] for _ in prompts]
    for step in steps:
        for token in step:
            rows[token.row].append(token)
    return [_written(model, prompt, tokens, manner) for prompt, tokens in zip(prompts, rows, strict=True)]


def likeliest(model: LanguageModel, prompt: str, beams: Beams, manner: Manner, details: int = 0) -> list[Written]:
    """The best texts that a beam search finds, best first, their tokens with numbers."""
    found = []
    for hypothesis in model.hypotheses(prompt, beams, manner):
        tokens = model.told(prompt, hypothesis.ids, manner, details)
        found.append(_written(model, prompt, tokens, manner, hypothesis.score))
    return found


def _written(
    model: LanguageModel, prompt: str, tokens: Sequence[Picked], manner: Manner, score: float | None = None
) -> Written:
    text = "".join(model.text(([token] for token in tokens), manner.stop))
    return Written(prompt, text, tuple(tokens), ended(model, prompt, [t.id for t in tokens], manner), score)


def ended(model: LanguageModel, prompt: str, ids: Sequence[int], manner: Manner) -> str:
    """Why a text of these new ids has no more: see `Written`."""
    if ids[-1] in model.ends:
        return "end of text"
    if any(stop.encode() in model.pieces.text_of(ids) for stop in manner.stop):
        return "stop text"
    if len(ids) == manner.tokens:
        return "length"
    if len(model.encode(prompt)) + len(ids) == getattr(model.model, "context_length", None):
        return "context"
    return "pattern"
