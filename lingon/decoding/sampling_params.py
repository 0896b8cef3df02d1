"""Sampling parameters: logits processors, limits and stop strings, a grammar, and the seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.core.errors import UserError
from lingon.decoding import logits_processors as processors
from lingon.decoding.decoder_protocol import MAX_NEW_TOKENS, LogitsProcessor, check_seed, short_number
from lingon.decoding.sample import Sampler, greedy, multinomial

# Fields that are the argument of the logits processor of the same name, before and after a grammar.
PENALTIES = ("repetition_penalty", "no_repeat_ngram_size")
TRUNCATIONS = ("top_k", "top_p", "min_p", "typical_p")


@dataclass(frozen=True)
class SamplingParams:
    """Parameters of generation, with the names of Hugging Face.

    max_new_tokens: maximum number of tokens to generate. temperature: divides the logits; 0 is greedy decoding. top_k,
    top_p, min_p, typical_p, repetition_penalty, no_repeat_ngram_size: see `lingon.decoding.logits_processors`; None
    leaves a processor out. logit_bias: added to logits, by token id. stop: strings at which the text ends; they are not
    included. regex: a regular expression, in the syntax of Python's `re`, that the whole generated text matches.
    json_schema: a JSON schema against which it is valid; patterns in it are those of ECMA-262.
    Raises UserError for an invalid value.
    """

    max_new_tokens: int = 100
    temperature: float | int = 1.0
    top_k: int | None = None
    top_p: float | int | None = None
    min_p: float | int | None = None
    typical_p: float | int | None = None
    repetition_penalty: float | int | None = None
    no_repeat_ngram_size: int | None = None
    logit_bias: Mapping[int, float | int] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    regex: str | None = None
    json_schema: Any = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.max_new_tokens <= MAX_NEW_TOKENS:
            found = short_number(self.max_new_tokens)
            raise UserError(f"max_new_tokens is {found}, expected a whole number from 1 to {MAX_NEW_TOKENS:,}")
        check_seed(self.seed)
        if not (self.temperature == 0 or 1 / processors.MAX_VALUE <= self.temperature <= processors.MAX_VALUE):
            found = short_number(self.temperature)
            raise UserError(f"temperature is {found}, expected 0 (greedy) or a number from 1e-12 to 1e12")
        if self.regex is not None and self.json_schema is not None:
            raise UserError("regex and json_schema cannot be combined; give one of them")
        if not all(self.stop):
            raise UserError("a stop string is empty; it would end every text at once")
        self.logits_processors()  # each checks its arguments

    def sampler(self) -> Sampler:
        """Return the function that chooses the next token from the processed logits."""
        return greedy if self.temperature == 0 else multinomial

    def logits_processors(self, grammar: Sequence[LogitsProcessor] = ()) -> list[LogitsProcessor]:
        """Return the logits processors in their usual order: bias and penalties, a grammar, temperature, truncation."""
        made = [processors.logit_bias(self.logit_bias)] if self.logit_bias else []
        made += [*self._made(PENALTIES), *grammar]
        made += [processors.temperature(self.temperature)] if self.temperature not in (0, 1) else []
        return made + self._made(TRUNCATIONS)

    def _made(self, names: Sequence[str]) -> list[LogitsProcessor]:
        values = {name: getattr(self, name) for name in names}
        return [getattr(processors, name)(value) for name, value in values.items() if value is not None]
