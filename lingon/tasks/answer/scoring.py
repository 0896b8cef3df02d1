"""How well answers fit those that people gave: exact match and F1, with parts for questions with and without one."""

from collections.abc import Sequence

from lingon.core.counted import counted
from lingon.data.questions import Question
from lingon.metrics.exact_match import (
    answer_scores,
    answer_scores_by_kind,
    best_over,
    best_threshold,
    token_f1,
)
from lingon.metrics.metric_table import format_metric
from lingon.metrics.scores import Scores
from lingon.tasks.answer.found_answer import FoundAnswer

MAIN = "f1"


def scored(found: Sequence[FoundAnswer], questions: Sequence[Question], loss: float) -> Scores:
    """Return F1, exact match and loss; where some questions have no answer, a table of the two kinds as well."""
    said, golds = [one.answer for one in found], [question.texts for question in questions]
    both = answer_scores(said, golds)
    kinds = answer_scores_by_kind(said, golds) if not all(golds) else {}
    details = [
        f"{kind}: F1 {format_metric(of['f1'])}, exact match {format_metric(of['exact_match'])}, "
        f"{counted(int(of['questions']), 'question')}"
        for kind, of in kinds.items()
    ]
    values = {"f1": both["f1"], "exact_match": both["exact_match"], "loss": loss}
    return Scores(values, MAIN, {"by_kind": kinds} if kinds else {}, details)


def threshold_for(found: Sequence[FoundAnswer], questions: Sequence[Question]) -> float | None:
    """Return the threshold of no answer that makes F1 best; None where it is best always to answer.

    found: the best span of each question, whatever speaks for no answer.
    """
    values = [best_over(token_f1, one.answer, question.texts) for one, question in zip(found, questions, strict=True)]
    empty = [not question.answers for question in questions]
    threshold = best_threshold([one.no_answer for one in found], values, empty)
    return None if threshold == float("inf") else threshold
