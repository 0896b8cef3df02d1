"""From the scores of spans to answers: the likeliest stretches of a passage, and whether it has an answer at all."""

import math

import numpy as np

from lingon.data.questions import Question
from lingon.tasks.answer.found_answer import FoundAnswer
from lingon.tasks.answer.spans import SpanScores, one_for_each_place
from lingon.tasks.answer.windows import Offsets, char_span

ALWAYS = math.inf  # the threshold of no answer over which nothing is
MORE = 8  # times as many spans are looked at as are wanted: some cover the same characters


def best_answers(
    question: Question, scores: SpanScores, offsets: Offsets, top: int, threshold: float | None
) -> list[FoundAnswer]:
    """Return the `top` best answers, one or more, likeliest first.

    threshold: how much likelier no answer must be than the best span to come first; else it comes last. None: an answer
    is always given, as long as the passage has a token.
    """
    places = np.array(offsets, np.int64).reshape(len(offsets), 2)
    spans = one_for_each_place(scores.best(MORE * top), places)[:top]
    if not spans:
        return [FoundAnswer.none(question, 1.0, ALWAYS)]
    may_be_none = threshold is not None
    log_total, difference = scores.log_total(may_be_none), scores.no_answer - spans[0].score
    found = []
    for span in spans:
        start, end = char_span(offsets, span.first, span.last, question.context)
        found.append(FoundAnswer.at(question, start, end, math.exp(span.score - log_total), difference))
    if threshold is None:
        return found
    none = FoundAnswer.none(question, math.exp(scores.no_answer - log_total), difference)
    return ([none, *found] if difference > threshold else [*found, none])[:top]
