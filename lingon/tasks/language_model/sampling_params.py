"""How a text is written: the rules, where it ends, and the seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.core.errors import UserError
from lingon.decoding import logits_processors as rules
from lingon.decoding.sample import greedy, sampled
from lingon.decoding.step import LONGEST, Rule, check_seed, shown


@dataclass(frozen=True)
class Manner:
    """How a text is written.

    tokens: new ones at most. temperature: 0 is greedy. top_k, top_p, min_p, typical, repetition, no_repeat: see
    `lingon.decoding.logits_processors`; None leaves a rule out. bias: by token id. stop: texts that end the text
    before them.
    pattern: a regular expression, as of Python's `re`, that the new text matches as a whole. schema: a JSON schema that
    it keeps to, whose own patterns are those of ECMA-262.
    """

    tokens: int = 100
    temperature: float | int = 1.0
    top_k: int | None = None
    top_p: float | int | None = None
    min_p: float | int | None = None
    typical: float | int | None = None
    repetition: float | int | None = None
    no_repeat: int | None = None
    bias: Mapping[int, float | int] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    pattern: str | None = None
    schema: Any = None
    seed: int = 0

    def __post_init__(self):
        if not 1 <= self.tokens <= LONGEST:
            raise UserError(f"tokens is {shown(self.tokens)}, expected a whole number from 1 to {LONGEST:,}")
        check_seed(self.seed)
        if not (self.temperature == 0 or 1 / rules.MOST <= self.temperature <= rules.MOST):
            found = shown(self.temperature)
            raise UserError(f"temperature is {found}, expected 0 (greedy) or a number from 1e-12 to 1e12")
        if self.pattern is not None and self.schema is not None:
            raise UserError("a pattern and a schema exclude each other; give one of them")
        if not all(self.stop):
            raise UserError("a stop text is empty; it would end every text at once")
        self.rules()  # each looks at its numbers

    def choose(self) -> Callable:
        """How the next token is taken from the logits."""
        return greedy if self.temperature == 0 else sampled

    def rules(self, first: Sequence[Rule] = ()) -> list[Rule]:
        """The rules in their usual order, after those given."""
        made = [rules.bias(self.bias)] if self.bias else []
        made += [rules.repetition(self.repetition)] if self.repetition is not None else []
        made += [rules.no_repeat(self.no_repeat)] if self.no_repeat is not None else []
        made += first
        made += [rules.temperature(self.temperature)] if self.temperature not in (0, 1) else []
        for name in ("top_k", "top_p", "min_p", "typical"):
            value = getattr(self, name)
            made += [getattr(rules, name)(value)] if value is not None else []
        return made
