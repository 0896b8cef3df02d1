"""The likeliest spans of a passage, from the logits of its windows: scores, n best, and the score of no answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lingon.core.shapes import Float


class Span(NamedTuple):
    """Tokens of a passage, from the first to the last, and the score: the sum of the two logits."""

    first: int
    last: int
    score: float


class WindowLogits(NamedTuple):
    """Logits of the tokens of the passage that are in a window [n], the first of them counted in the passage.

    no_answer: the sum of the two logits at the beginning of the row, which stands for "it is not here".
    """

    first: int
    starts: Float[np.ndarray, " n"]
    ends: Float[np.ndarray, " n"]
    no_answer: float


@dataclass(frozen=True, eq=False)
class SpanScores:
    """Scores of all spans of a passage: [N, L], of the span of l + 1 tokens that begins at token n.

    A span that is in several windows has the best of its scores; -inf where there is no such span. no_answer: the
    lowest of the windows, as a passage has no answer only where no window has one (Devlin et al. 2019, section 4.3).
    """

    scores: Float[np.ndarray, "N L"]
    no_answer: float

    def best(self, count: int) -> list[Span]:
        """Return the spans with the highest scores, highest first; of equal ones the earlier, then the shorter."""
        flat = self.scores.ravel()
        count = min(count, int(np.isfinite(flat).sum()))
        if not count:
            return []
        lowest = np.partition(flat, -count)[-count]
        places = np.flatnonzero(flat >= lowest)
        places = places[np.argsort(-flat[places], kind="stable")][:count]
        length = self.scores.shape[1]
        return [Span(int(i) // length, int(i) // length + int(i) % length, float(flat[i])) for i in places]

    def log_total(self, with_no_answer: bool) -> float:
        """Return the logarithm of the sum of exp(score) over all spans, and over no answer where that may be."""
        scores = self.scores[np.isfinite(self.scores)].astype(np.float64)
        scores = np.append(scores, self.no_answer) if with_no_answer else scores
        top = scores.max()
        return float(top + np.log(np.exp(scores - top).sum()))


def span_scores(windows: Iterable[WindowLogits], tokens: int, longest: int) -> SpanScores:
    """Return the scores of all spans of at most `longest` tokens that lie in a window. tokens: N, of the passage."""
    longest = max(1, min(longest, tokens))
    scores, no_answer = np.full((tokens, longest), -np.inf), np.inf
    for window in windows:
        n, no_answer = len(window.starts), min(no_answer, window.no_answer)
        ends = np.concatenate([window.ends.astype(np.float64), np.full(longest - 1, -np.inf)])
        sums = window.starts[:, None] + np.lib.stride_tricks.sliding_window_view(ends, longest) if n else ends[:0, None]
        part = scores[window.first : window.first + n]
        np.maximum(part, sums, out=part)
    return SpanScores(scores, float(no_answer))
