"""From the scores of spans to answers: the most probable spans of a passage, and whether it contains an answer."""

import math
from collections.abc import Sequence

from lingon.data.questions import Question
from lingon.tasks.answer.found_answer import FoundAnswer
from lingon.tasks.answer.spans import Span, SpanScores
from lingon.tasks.answer.windows import Offsets, char_span

ALWAYS = math.inf  # the threshold of no answer over which nothing is
MORE = 8  # times as many spans are looked at as are wanted: some cover the same characters


def best_answers(
    question: Question, scores: SpanScores, offsets: Offsets, top: int, threshold: float | None
) -> list[FoundAnswer]:
    """Return the `top` best answers, one or more, likeliest first.

    threshold: the margin by which "no answer" must exceed the best span to come first; else it comes last. None: an
    answer is always given, as long as the passage has a token.
    """
    looked_at = (MORE * top, scores.scores.size)  # all, where those are nothing but white space
    kept = next((some for n in looked_at if (some := distinct(scores.best(n), offsets, question.context))), [])[:top]
    if not kept:
        return [FoundAnswer.none(question, 1.0, ALWAYS)]
    log_total, difference = scores.log_total(threshold is not None), scores.no_answer - kept[0][0].score
    found = [
        FoundAnswer.at(question, start, end, math.exp(span.score - log_total), difference)
        for span, (start, end) in kept
    ]
    if threshold is None:
        return found
    none = FoundAnswer.none(question, math.exp(scores.no_answer - log_total), difference)
    return ([none, *found] if difference > threshold else [*found, none])[:top]


def distinct(spans: Sequence[Span], offsets: Offsets, context: str) -> list[tuple[Span, tuple[int, int]]]:
    """Return spans with their characters, without those of the characters of a better one, and those without any.

    Tokens may hold white space, or be nothing else, as those of byte-level tokenizers; it is not a part of an answer.
    """
    found: dict[tuple[int, int], Span] = {}
    for span in spans:
        start, end = char_span(offsets, span.first, span.last, context)
        if start < end:
            found.setdefault((start, end), span)
    return [(span, place) for place, span in found.items()]
