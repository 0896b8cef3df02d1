"""Exact match and F1 of answers as in SQuAD (Rajpurkar et al. 2016, section 6.1; 2018 for questions without answer)."""

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)  # ASCII only: typographic dashes and quotes stay


def normalize_answer(text: str) -> str:
    """Return a text in lower case, without punctuation and articles, with single spaces; normalized in this order.

    >>> normalize_answer("The  Cat's  hat, an end.")
    'cats hat end'
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact_match(prediction: str, gold: str) -> float:
    """Return 1 if two answers are equal after normalization, else 0."""
    return float(normalize_answer(prediction) == normalize_answer(gold))


def token_f1(prediction: str, gold: str) -> float:
    """Return the F1 of the words of two answers; repeated words count repeatedly.

    If one of them has no words after normalization, such as an empty prediction, the F1 is 1 if the other has none
    either, else 0.

    >>> token_f1("the black cat", "a cat")
    0.6666666666666666
    """
    ours, theirs = normalize_answer(prediction).split(), normalize_answer(gold).split()
    if not ours or not theirs:
        return float(ours == theirs)
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))


def best_over(score: Callable[[str, str], float], prediction: str, golds: Sequence[str]) -> float:
    """Return the best score over the gold answers; without any, 1 for an empty prediction and 0 for any other.

    Gold answers that are empty after normalization are ignored, unless all are.
    """
    kept = [gold for gold in golds if normalize_answer(gold)] or [""]
    return max(score(prediction, gold) for gold in kept)


def answer_scores(predictions: Sequence[str], golds: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the mean exact match and F1, from 0 to 1 (SQuAD reports percentages); NaN without a question.

    predictions: an answer for each question, "" for no answer. golds: the reference answers of each question, none
    for a question without an answer.
    """
    pairs = list(zip(predictions, golds, strict=True))
    if not pairs:
        return {"exact_match": math.nan, "f1": math.nan}
    return {
        name: sum(best_over(score, *pair) for pair in pairs) / len(pairs)
        for name, score in (("exact_match", exact_match), ("f1", token_f1))
    }


def answer_scores_by_kind(predictions: Sequence[str], golds: Sequence[Sequence[str]]) -> dict[str, dict[str, float]]:
    """Return the scores of questions with an answer and of those without, each with its number of questions.

    A kind without questions is left out.
    """
    pairs = list(zip(predictions, golds, strict=True))
    kinds = {
        "has answer": [pair for pair in pairs if pair[1]],
        "no answer": [pair for pair in pairs if not pair[1]],
    }
    return {
        kind: {**answer_scores([said for said, _ in some], [gold for _, gold in some]), "questions": len(some)}
        for kind, some in kinds.items()
        if some
    }


def best_threshold(without: Sequence[float], values: Sequence[float], gold_is_empty: Sequence[bool]) -> float:
    """Return the threshold on the score of "no answer" that maximizes the mean score.

    without: the score of "no answer" minus that of the best span, for each question; above the threshold the prediction
    is empty. values: the metric of the best span, such as its F1. gold_is_empty: the question has no answer. Of equally
    good thresholds the highest is returned, which gives more answers.
    """
    order = sorted(range(len(without)), key=lambda i: -without[i])
    gained, best, threshold = 0.0, 0.0, math.inf
    for place, i in enumerate(order):
        gained += float(gold_is_empty[i]) - values[i]
        after = without[order[place + 1]] if place + 1 < len(order) else -math.inf
        if gained > best and after < without[i]:
            best, threshold = gained, (without[i] + after) / 2 if after > -math.inf else without[i] - 1.0
    return threshold
