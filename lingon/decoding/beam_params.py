"""The parameters of a beam search: number of beams, stopping criterion, length penalty, diversity."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lingon.core.errors import UserError
from lingon.decoding.decoder_protocol import (
    MAX_NEW_TOKENS,
    short_number,
)
from lingon.decoding.logits_processors import MAX_VALUE

__all__ = [
    "BeamParams",
    "Hypothesis",
    "eager_stopping",
    "exact_stopping",
    "heuristic_stopping",
    "length_penalty",
]

MAX_BEAMS = 65_536  # beams
MAX_LENGTH_PENALTY = 50.0  # alpha


@dataclass(frozen=True)
class Hypothesis:
    """A text found: its new ids (including the one that ended it), log-probability, and score for ranking.

    score: the log-probability divided by the length penalty. Diversity penalties are not included, so that texts of all
    groups are ranked by the same measure.
    """

    ids: tuple[int, ...]
    logprob: float
    score: float
    ended: bool


def length_penalty(length: int, alpha: float, k: int = 5) -> float:
    """Return the divisor of a log-probability, ((k + length) / (k + 1)) ** alpha, which favours longer texts.

    length: new tokens, including the end token. alpha: below 0 it favours shorter texts. Source: Wu et al., "Google's
    Neural Machine Translation System", 2016, equation 14, with k = 5.

    >>> [round(length_penalty(n, 0.6), 5) for n in (1, 2, 5, 10, 20)]
    [1.0, 1.0969, 1.35866, 1.73286, 2.35436]
    """
    try:
        found = ((k + length) / (k + 1)) ** alpha
    except OverflowError:  # for the strongest penalties and millions of tokens
        return math.inf
    return found or sys.float_info.min  # never 0, also on underflow


def exact_stopping(scores: Sequence[float], best: float, length: int, params: "BeamParams") -> bool:
    """Stop when no beam can still reach a better score than the worst of the texts to be returned.

    Exact: a log-probability only decreases, and the largest divisor is that of the longest text, or with a strength
    below 0 that of the shortest, which ends now.
    """
    least = best / params.penalty(params.max_new_tokens if params.length_penalty > 0 else length)
    return len(scores) >= params.n and least <= scores[params.n - 1]


def heuristic_stopping(scores: Sequence[float], best: float, length: int, params: "BeamParams") -> bool:
    """Stop when no beam, if it ended now, would beat the worst text found. Faster, but not exact."""
    now = best / params.penalty(length)
    return len(scores) >= params.beams // params.beam_groups and now <= scores[-1]


def eager_stopping(scores: Sequence[float], best: float, length: int, params: "BeamParams") -> bool:
    """Stop as soon as there are as many finished texts as beams. The fastest; favours short texts."""
    return len(scores) >= params.beams // params.beam_groups


@dataclass(frozen=True)
class BeamParams:
    """Parameters of a beam search.

    beams: hypotheses kept at each step; may exceed the vocabulary size, since the beams then fill over several steps.
    max_new_tokens: maximum number of tokens to generate. length_penalty: strength of the length penalty, 0 for none,
    below 0 to favour short texts; see the function of that name. n: number of texts to return.
    beam_groups, diversity_penalty: the beams are divided into groups that are extended one after the other; at each
    step, `diversity_penalty` is subtracted from the logit of a token for each beam of an earlier group that has just
    taken it (Vijayakumar et al., "Diverse Beam Search", 2018). By design: penalties stay subtracted for the rest of the
    beam's search; a finished text leaves its beam to the next best one, and its last token counts as taken too; a text
    found by several groups is returned once; and the texts of all groups are ranked together by their log-probabilities
    without penalties.
    early_stopping: when to stop before all texts have reached their maximum length. length_offset: K of the length
    penalty; 0 divides by length ** alpha, as in Hugging Face.
    """

    beams: int
    max_new_tokens: int
    length_penalty: float | int = 0.6
    n: int = 1
    beam_groups: int = 1
    diversity_penalty: float | int = 0.0
    early_stopping: Callable[[Sequence[float], float, int, "BeamParams"], bool] = exact_stopping
    length_offset: int = 5

    def __post_init__(self) -> None:
        for name in ("beams", "max_new_tokens", "n", "beam_groups"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {short_number(getattr(self, name))}, expected a whole number, 1 or more")
        if self.beams > MAX_BEAMS:
            raise UserError(
                f"beams is {short_number(self.beams)}, expected {MAX_BEAMS:,} beams at most; each keeps a state"
            )
        if self.max_new_tokens > MAX_NEW_TOKENS:
            raise UserError(
                f"max_new_tokens is {short_number(self.max_new_tokens)}, expected {MAX_NEW_TOKENS:,} new tokens at most"
            )
        if self.beams % self.beam_groups:
            groups = short_number(self.beam_groups)
            raise UserError(f"{self.beams} beams cannot be divided into {groups} groups of the same size")
        if self.n > self.beams:
            best = short_number(self.n)
            raise UserError(f"the {best} best texts are wanted of {self.beams} beams; search with more beams")
        if self.length_offset < 0:
            raise UserError(f"length_offset is {short_number(self.length_offset)}, expected a whole number, 0 or more")
        if not -MAX_LENGTH_PENALTY <= self.length_penalty <= MAX_LENGTH_PENALTY:
            found, most = short_number(self.length_penalty), f"{MAX_LENGTH_PENALTY:g}"
            raise UserError(f"length_penalty is {found}, expected a number from -{most} to {most}")
        if not 0 <= self.diversity_penalty <= MAX_VALUE:
            found = short_number(self.diversity_penalty)
            raise UserError(f"diversity_penalty is {found}, expected a number, 0 or more, at most {MAX_VALUE:g}")

    def penalty(self, length: int) -> float:
        """Return the divisor of the log-probability of a text with this number of new tokens."""
        return length_penalty(length, self.length_penalty, self.length_offset)
