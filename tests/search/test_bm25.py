"""BM25: against bm25s, which calls the variant "lucene", and against the formula written out in plain loops."""

import math
import random

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.search.bm25 import BM25
from lingon.search.terms import term_spans, terms_of
from lingon.search.top import top_k

DOCUMENTS = [["a", "b", "a"], ["b"], [], ["c", "b", "a", "d", "d"]]


def plain(documents, query, k1, b):
    """The formula, document by document."""
    mean = sum(map(len, documents)) / len(documents)
    found = []
    for terms in documents:
        score = 0.0
        for term in query:
            df, tf = sum(term in d for d in documents), terms.count(term)
            idf = math.log(1 + (len(documents) - df + 0.5) / (df + 0.5))
            score += idf * tf / (tf + k1 * (1 - b + b * len(terms) / mean)) if tf else 0
        found.append(score)
    return found


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (2, 0), (0, 1)])
def test_the_formula_written_out(k1, b):
    index = BM25.build(DOCUMENTS, k1, b)
    for query in (["a"], ["a", "d", "b"], ["a", "a"], ["unknown"], []):
        np.testing.assert_allclose(index.scores(query), plain(DOCUMENTS, query, k1, b), rtol=1e-6)


def test_equal_to_bm25s_to_a_hundred_thousandth():
    import bm25s

    draw = random.Random(5)
    words = [f"w{i}" for i in range(97)]
    weights = [1 / (i + 1) for i in range(97)]
    documents = [draw.choices(words, weights, k=draw.randrange(1, 41)) for _ in range(211)]
    theirs = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    theirs.index(documents, show_progress=False)
    ours = BM25.build(documents)
    for _ in range(50):
        query = draw.sample(words, draw.randrange(1, 8))
        np.testing.assert_allclose(ours.scores(query), theirs.get_scores(query), atol=1e-5, rtol=0)


def test_saved_and_read_again_it_is_the_same():
    index = BM25.build(DOCUMENTS)
    again = BM25.of_arrays(index.arrays(), index.count, "x")
    assert again.terms == index.terms
    np.testing.assert_array_equal(again.scores(["a", "d"]), index.scores(["a", "d"]))
    empty = BM25.build([])
    assert BM25.of_arrays(empty.arrays(), 0, "x").scores(["a"]).shape == (0,)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("documents", np.array([0, 1, 9, 0, 3, 3, 3], np.int32), "a document that is not there"),
        ("documents", np.array([0, -1, 1, 0, 3, 3, 3], np.int32), "a document that is not there"),
        ("impacts", np.full(7, np.nan, np.float32), "not a number"),
        ("starts", np.array([0, 5, 2, 6, 7]), "do not fit together"),
        ("starts", np.array([0, 1 << 60, 2, 6, 7]), "do not fit together"),
        ("starts", np.zeros((2, 2), np.int64), "each with one axis"),
        ("terms", np.frombuffer(b"a\nb", np.uint8), "do not fit together"),
        ("terms", np.frombuffer(b"\xff\nb\nc\nd", np.uint8), "not UTF-8"),
        ("terms", np.zeros(3), "expected"),
    ],
)
def test_arrays_of_a_stranger_are_checked(key, value, said):
    index = BM25.build(DOCUMENTS)
    with pytest.raises(DataError, match=f"bm25.safetensors: .*{said}"):
        BM25.of_arrays(index.arrays() | {key: value}, index.count, "bm25.safetensors")


def test_numbers_out_of_range():
    with pytest.raises(UserError, match=r"k1 -1 and b 0\.75; expected k1 of 0 or more"):
        BM25.build(DOCUMENTS, k1=-1)
    with pytest.raises(UserError, match="b between 0 and 1"):
        BM25.build(DOCUMENTS, b=float("nan"))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The cat's 2nd hat_stand.", ["the", "cat", "s", "2nd", "hat_stand"]),
        ("Ärger über CAFÉ", ["ärger", "über", "café"]),
        ("東京都へ行く", ["東京", "京都", "都へ", "へ行", "行く"]),
        ("GPT東京4 字", ["gpt", "東京", "4", "字"]),
        ("", []),
    ],
)
def test_terms(text, terms):
    assert terms_of(text) == terms
    assert [term for term, _, _ in term_spans(text)] == terms
    assert all(text[start:end].lower() == term for term, start, end in term_spans(text))


def test_the_best_k_in_a_fixed_order():
    draw = np.random.default_rng(0)
    for k in (1, 3, 10, 50):
        scores = draw.integers(0, 5, 31).astype(np.float32)
        expected = sorted((i for i in range(31) if scores[i] > 0), key=lambda i: (-scores[i], i))[:k]
        assert top_k(scores, k, above=0).tolist() == expected
    assert top_k(np.array([np.nan, 1.0, np.nan, 2.0]), 2).tolist() == [3, 1]
    assert top_k(np.zeros(0), 3).tolist() == top_k(np.ones(3), 0).tolist() == []
