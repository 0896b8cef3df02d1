"""Maximum spanning arborescences: equal to the best of all trees, whatever the scores."""

from itertools import product

import numpy as np
import pytest

from lingon.core.errors import NotFinite
from lingon.data.trees import NotATree, check_heads
from lingon.decoding.spanning_tree import best_heads, one_tree


def is_tree(heads):
    try:
        check_heads(heads)
    except NotATree:
        return False
    return True


TREES = {n: np.array([h for h in product(range(n + 1), repeat=n) if is_tree(h)]) for n in (2, 3, 4, 5)}


def most(scores):
    """The largest sum of all trees, each looked at."""
    return scores[np.arange(len(scores)), TREES[len(scores)]].sum(1).max()


def random_scores(n, random, kind):
    scores = random.normal(size=(n, n + 1)) * 3
    if kind == "cycles":  # every word would have the next one as its head, and the last one the first
        scores[np.arange(n), (np.arange(n) + 1) % n + 1] += 9
    if kind == "two cycles":
        scores[
            np.arange(n), np.arange(n) // 2 * 2 + 1 + (np.arange(n) + 1) % 2 - (n % 2) * (np.arange(n) == n - 1)
        ] += 9
    if kind == "many roots":
        scores[:, 0] += 9
    return scores.round() if kind == "ties" else scores


@pytest.mark.parametrize("kind", ["plain", "cycles", "two cycles", "many roots", "ties"])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_a_tree_is_the_best_of_all(n, kind):
    random = np.random.default_rng(n)
    greedy = 0
    for _ in range(200):
        scores = random_scores(n, random, kind)
        heads = one_tree(scores)
        check_heads(heads.tolist())
        assert scores[np.arange(n), heads].sum() == pytest.approx(most(scores))
        greedy += is_tree(scores.argmax(1).tolist())
    assert greedy < 190  # so that the other way was taken
    if kind in ("cycles", "two cycles", "many roots"):
        assert greedy < 20


def test_a_batch_is_its_sentences_one_by_one():
    random = np.random.default_rng(1)
    lengths = np.array([3, 7, 0, 1, 5])
    scores = random.normal(size=(5, 7, 8)).astype(np.float32)
    scores[0, 3:] = scores[0, :, 4:] = np.nan  # padding is not read
    before = scores.copy()
    heads = best_heads(scores, lengths)
    np.testing.assert_array_equal(scores, before)
    for row, n in enumerate(lengths.tolist()):
        assert heads[row, :n].tolist() == one_tree(scores[row, :n, : n + 1].astype(float)).tolist()
        assert not heads[row, n:].any()
    assert heads[3, 0] == 0
    with pytest.raises(NotFinite, match="the scores of heads are not all finite"):
        best_heads(np.full((1, 2, 3), np.nan), np.array([2]))


def test_a_long_sentence_of_one_cycle_has_a_tree():
    """A cycle of 2,000 words: it is broken where that costs least, and there the root is the head."""
    n = 2000
    scores = np.zeros((n, n + 1))
    scores[np.arange(n), (np.arange(n) + 1) % n + 1] = 5.0
    scores[1234, 0] = 1.0
    heads = one_tree(scores)
    assert heads[1234] == 0
    expected = (np.arange(n) + 1) % n + 1
    expected[1234] = 0
    np.testing.assert_array_equal(heads, expected)


def test_contractions_inside_contractions():
    """Words 1 and 2, 3 and 4 are cycles, and so are the two of them: what opens the outer one opens an inner one."""
    scores = np.full((4, 5), -50.0)
    scores[0, 2] = scores[1, 1] = scores[2, 4] = scores[3, 3] = 10.0
    scores[0, 3] = scores[2, 1] = 6.0
    scores[3, 0] = 1.0
    heads = one_tree(scores)
    assert heads.tolist() == [3, 1, 4, 0]
    assert scores[np.arange(4), heads].sum() == most(scores) == 27.0
