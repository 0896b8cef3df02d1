"""How a text is translated: beams or samples, how many translations, how long, and what must stand in them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lingon.core.errors import UserError
from lingon.decoding.beam_params import BeamParams, heuristic_stopping
from lingon.decoding.decoder_protocol import MAX_NEW_TOKENS
from lingon.decoding.logits_processors import forbidden_phrases, repetition_penalty
from lingon.decoding.sampling_params import SamplingParams
from lingon.tasks.translate.terms import Terms

TIMES, MORE = 2, 32  # tokens of a translation at most: so many times those of its source, and so many more


@dataclass(frozen=True)
class TranslationParams:
    """Hold the parameters of translating.

    beams: of the beam search; 1 is greedy. length_penalty: see `lingon.decoding.beam_params`. n: translations of each
    text, best first. max_new_tokens: the most tokens of one; twice those of its source and 32 more when not given.
    sampling: samples in place of a search, by its temperature, top_k and so on; its own max_new_tokens does not
    count. early_stopping: when a search ends. prefix: what every translation begins with. terms: translations of terms
    that must stand in the translation where the term stands in the source. copy_unknown: a word of the translation that
    the vocabulary lacks is the word of the source that most attention was on. source_prefix: what every source begins
    with, such as "translate English to German: " of T5.
    The others are settings of published models: max_length, min_length: tokens of a translation and of what it begins
    with, the start among them; max_new_tokens takes the place of the first. no_repeat_ngram_size: length in tokens of
    what may not come twice; 0 for none. repetition_penalty: what log-probabilities of tokens that a translation holds
    are multiplied by, of one beam or samples what logits are; 1 for none. bad_phrases: phrases that are never written,
    each as two ids or more; for single ones see `Translator`. forced_eos: token that comes last where a translation
    has the most tokens. renormalize: the probabilities of what is not forbidden sum to 1. length_offset: see
    `BeamParams`.
    """

    beams: int = 4
    length_penalty: float | int = 0.6
    n: int = 1
    max_new_tokens: int | None = None
    sampling: SamplingParams | None = None
    early_stopping: Callable[..., bool] = heuristic_stopping
    prefix: str = ""
    terms: Terms | None = None
    copy_unknown: bool = False
    source_prefix: str = ""
    max_length: int | None = None
    min_length: int = 0
    no_repeat_ngram_size: int = 0
    repetition_penalty: float | int = 1.0
    bad_phrases: tuple[tuple[int, ...], ...] = ()
    forced_eos: int | None = None
    renormalize: bool = False
    length_offset: int = 5

    def __post_init__(self) -> None:
        if self.max_new_tokens is not None and not 1 <= self.max_new_tokens <= MAX_NEW_TOKENS:
            raise UserError(f"max_new_tokens is {self.max_new_tokens}, expected 1 to {MAX_NEW_TOKENS:,} tokens")
        if self.max_length is not None and not 2 <= self.max_length <= MAX_NEW_TOKENS:
            raise UserError(f"max_length is {self.max_length}, expected 2 to {MAX_NEW_TOKENS:,} tokens")
        if self.sampling is not None and self.terms is not None:
            raise UserError("terms are for a beam search, not for samples; leave one of the two out")
        if self.sampling is not None and self.n < 1:
            raise UserError(f"n is {self.n}, expected 1 or more translations")
        if self.sampling is None:
            self.beam_params(1)  # looks at the numbers, as these do
        repetition_penalty(self.repetition_penalty)
        forbidden_phrases(self.bad_phrases)

    def beam_params(self, max_new_tokens: int, **changes: Any) -> BeamParams:
        """Return the parameters of the search. changes: of them."""
        given: dict[str, Any] = {"beams": self.beams, "length_penalty": self.length_penalty, "n": self.n}
        # One beam is greedy: its first end is its only one.
        given |= {"early_stopping": self.early_stopping if self.beams > 1 else heuristic_stopping}
        given |= {"length_offset": self.length_offset}
        return BeamParams(**given | changes, max_new_tokens=max_new_tokens)

    @property
    def drawn(self) -> SamplingParams | None:
        """Return how tokens are taken one by one; None for a search.

        With one beam the likeliest is taken by logits, which a penalty changes otherwise than log-probabilities.
        """
        greedy = self.beams == 1 and self.repetition_penalty != 1 and self.terms is None
        return SamplingParams(temperature=0) if self.sampling is None and greedy else self.sampling

    @property
    def has_length(self) -> bool:
        """Return whether the most tokens of a translation are the same for every source."""
        return self.max_new_tokens is not None or self.max_length is not None

    def most(self, source_tokens: int, prompt_tokens: int = 1) -> int:
        """Return the new tokens of a translation at most, after those that it begins with."""
        if self.max_new_tokens is None and self.max_length is not None:
            return max(1, self.max_length - prompt_tokens)
        return self.max_new_tokens or TIMES * source_tokens + MORE


GREEDY = TranslationParams(beams=1)
