"""Metrics of rankings: against arithmetic by hand, and a slow version that builds the tables of the definitions."""

import doctest
import math
import random

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.metrics import retrieval
from lingon.metrics.retrieval import (
    average_precision,
    evaluate_rankings,
    exponential_gain,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
)

JUDGED = {"a": 3, "b": 2, "c": 1, "d": 0, "e": -1}
FOUND = ["x", "b", "e", "a", "y"]


def test_by_hand():
    log = math.log2
    assert ndcg(FOUND, JUDGED, 5) == pytest.approx((2 / log(3) + 3 / log(5)) / (3 / log(2) + 2 / log(3) + 1 / log(4)))
    assert ndcg(FOUND, JUDGED, 5, exponential_gain) == pytest.approx(
        (3 / log(3) + 7 / log(5)) / (7 / log(2) + 3 / log(3) + 1 / log(4))
    )
    assert ndcg(FOUND, JUDGED, 2) == pytest.approx((2 / log(3)) / (3 + 2 / log(3)))
    assert reciprocal_rank(FOUND, JUDGED) == 1 / 2
    assert (reciprocal_rank(FOUND, JUDGED, 1), reciprocal_rank(["x"], JUDGED)) == (0, 0)
    assert average_precision(FOUND, JUDGED) == pytest.approx((1 / 2 + 2 / 4) / 3)  # "c" was not found: three, not two
    assert (recall(FOUND, JUDGED), recall(FOUND, JUDGED, 3)) == (2 / 3, 1 / 3)
    assert (precision(FOUND, JUDGED, 5), precision(FOUND, JUDGED, 10)) == (2 / 5, 2 / 10)


def slow(ranking, relevant, k):
    """The definitions as tables: a row for each rank, and every document that exists in one order or the other."""
    grades = np.array([max(0.0, relevant.get(d, 0)) for d in ranking] + [0.0] * k)
    ideal = np.array(sorted((max(0.0, v) for v in relevant.values()), reverse=True) + [0.0] * k)
    discounts = np.log2(np.arange(k) + 2)
    hit = grades > 0
    at = np.flatnonzero(hit)
    precisions = [hit[: i + 1].mean() for i in at]
    total = (ideal > 0).sum()
    return {
        "ndcg": (grades[:k] / discounts).sum() / (ideal[:k] / discounts).sum(),
        "map": sum(precisions) / total,
        "mrr": 1 / (at[0] + 1) if len(at) else 0.0,
        "recall": hit[:k].sum() / total,
        "precision": hit[:k].sum() / k,
    }


def test_against_a_slow_version():
    draw = random.Random(3)
    documents = [f"d{i}" for i in range(23)]
    for _ in range(200):
        relevant = {d: draw.choice([-1, 0, 0, 1, 2, 3]) for d in draw.sample(documents, 11)} | {"d0": 1}
        ranking, k = draw.sample(documents, draw.randrange(0, 20)), draw.choice([1, 3, 10])
        wanted = slow(ranking, relevant, k)
        found = {
            "ndcg": ndcg(ranking, relevant, k),
            "map": average_precision(ranking, relevant),
            "mrr": reciprocal_rank(ranking, relevant),
            "recall": recall(ranking, relevant, k),
            "precision": precision(ranking, relevant, k),
        }
        assert found == pytest.approx(wanted)


def test_means_are_over_queries_with_a_relevant_document():
    judgements = {"q1": {"a": 1}, "q2": {"a": 1, "b": 1}, "none": {"a": 0}, "unanswered": {"a": 1}}
    found = evaluate_rankings({"q1": ["x", "a"], "q2": ["a", "b"], "none": ["a"]}, judgements)
    assert found.main == "ndcg_at_10"
    assert found == pytest.approx(
        {
            "ndcg_at_10": (1 / math.log2(3) + 1 + 0) / 3,
            "map": (1 / 2 + 1 + 0) / 3,
            "mrr": (1 / 2 + 1 + 0) / 3,
            "recall_at_100": 2 / 3,
            "precision_at_10": (0.1 + 0.2 + 0) / 3,
        }
    )
    assert all(found.higher_is_better(name) for name in found)


def test_what_cannot_be_scored():
    assert math.isnan(ndcg(["a"], {"a": 0}))
    assert math.isnan(average_precision(["a"], {}))
    assert math.isnan(reciprocal_rank(["a"], {}))
    with pytest.raises(UserError, match="document 'a' comes twice"):
        ndcg(["a", "b", "a"], {"a": 1})
    with pytest.raises(UserError, match="the first 0 of a ranking"):
        precision(["a"], {"a": 1}, 0)
    with pytest.raises(UserError, match="none of 1 query has a relevant document"):
        evaluate_rankings({}, {"q": {"a": 0}})


def test_the_examples_of_the_docstrings():
    done = doctest.testmod(retrieval, optionflags=doctest.ELLIPSIS)
    assert done.attempted >= 2
    assert not done.failed
