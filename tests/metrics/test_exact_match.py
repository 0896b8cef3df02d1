"""Exact match and F1 of SQuAD: cases by hand and from the published description, and thresholds against all of them."""

import itertools
import math
import random

import pytest

from lingon.metrics.exact_match import (
    answer_scores,
    answer_scores_by_kind,
    best_over,
    best_threshold,
    exact_match,
    normalize_answer,
    token_f1,
)

NORMALIZED = {
    "The cat.": "cat",
    "an Apple a day": "apple day",
    "U.S.": "us",  # punctuation goes before articles, and leaves no space
    "A.": "",
    "the-end": "theend",
    "Theatre another": "theatre another",  # articles are whole words
    "  two\t words\n": "two words",
    "a—b": "—b",  # of ASCII alone: the dash of print is no punctuation, and ends a word
    "“Bob’s”": "“bob’s”",
}


@pytest.mark.parametrize("text", NORMALIZED)
def test_answers_are_normalized_in_this_order(text):
    assert normalize_answer(text) == NORMALIZED[text]


# (prediction, gold answers, exact match, F1), by hand.
CASES = [
    ("Denver Broncos", ["Denver Broncos", "The Denver Broncos"], 1, 1),
    ("the Broncos!", ["Denver Broncos", "broncos"], 1, 1),
    ("Denver", ["Denver Broncos", "Carolina Panthers"], 0, 2 / 3),
    ("in the Denver area", ["Denver Broncos"], 0, 2 / (3 + 2)),
    ("b b c", ["b c c"], 0, 2 * 2 / 6),
    ("Panthers", ["Denver Broncos"], 0, 0),
    ("", ["Denver"], 0, 0),
    ("", [], 1, 1),
    ("Denver", [], 0, 0),
    ("the", [], 1, 1),  # of which nothing is left
    ("the", ["a"], 1, 1),
    ("Denver", ["the", "Denver"], 1, 1),
]


@pytest.mark.parametrize(("said", "golds", "exact", "f1"), CASES)
def test_the_best_over_gold_answers_counts(said, golds, exact, f1):
    assert best_over(exact_match, said, golds) == exact
    assert best_over(token_f1, said, golds) == pytest.approx(f1)


def test_means_and_the_two_kinds_of_questions():
    said, golds = ["Denver", "", "x", ""], [["Denver Broncos"], ["Bob"], [], []]
    assert answer_scores(said, golds) == {"exact_match": 1 / 4, "f1": pytest.approx((2 / 3 + 1) / 4)}
    kinds = answer_scores_by_kind(said, golds)
    assert kinds["has answer"] == {"exact_match": 0, "f1": pytest.approx(1 / 3), "questions": 2}
    assert kinds["no answer"] == {"exact_match": 0.5, "f1": 0.5, "questions": 2}
    assert answer_scores_by_kind(said[:1], golds[:1]).keys() == {"has answer"}
    assert all(math.isnan(value) for value in answer_scores([], []).values())


@pytest.mark.parametrize("seed", range(7))
def test_no_threshold_is_better_than_the_best(seed):
    """Against every place where a threshold can stand."""
    draw = random.Random(seed)
    count = 11
    without = [draw.choice([-2.0, -0.5, 0.25, 1.0, 3.0]) for _ in range(count)]
    empty = [draw.random() < 0.4 for _ in range(count)]
    values = [0.0 if e else draw.choice([0.0, 0.5, 1.0]) for e in empty]

    def score(threshold):
        return sum(float(e) if w > threshold else v for w, v, e in zip(without, values, empty, strict=True))

    places = [-math.inf, *(a + d for a, d in itertools.product(without, (-0.1, 0.1))), math.inf]
    assert score(best_threshold(without, values, empty)) == pytest.approx(max(map(score, places)))


def test_where_all_have_answers_the_threshold_is_over_all():
    assert best_threshold([1.0, -3.0], [0.5, 1.0], [False, False]) == math.inf
    assert best_threshold([1.0, -3.0], [0.0, 0.0], [True, True]) == -4.0
