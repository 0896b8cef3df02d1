"""Batches of pairs by both lengths: every pair once, the budget of both sides, little padding, seeds."""

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.data.batches import ByPairLength, Loader, TokenIds

DRAW = np.random.default_rng(5)
SOURCES = DRAW.geometric(1 / 11, 503)
TARGETS = np.maximum(1, (SOURCES * DRAW.uniform(0.7, 1.4, 503)).astype(int))


def order(**more):
    return ByPairLength(SOURCES, TARGETS, **({"max_tokens": 331} | more))


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("shuffle", [True, False])
def test_an_epoch_has_every_pair_once_within_the_budget(batch_size, shuffle):
    found = order(batch_size=batch_size, shuffle=shuffle)
    for epoch in (0, 3):
        rows = [found.batch_rows(epoch)(i) for i in range(len(found))]
        assert sorted(np.concatenate(rows)) == list(range(503))
        for some in rows:
            assert len(some) <= (batch_size or 503)
            assert len(some) == 1 or len(some) * (SOURCES[some].max() + TARGETS[some].max()) <= 331


def test_members_change_with_the_epoch_and_follow_the_seed():
    again = lambda one, epoch: [one.batch_rows(epoch)(i).tolist() for i in range(len(one))]
    assert again(order(seed=1), 2) == again(order(seed=1), 2)
    assert again(order(seed=1), 2) != again(order(seed=2), 2)
    assert again(order(), 0) != again(order(), 1)
    longest = again(order(shuffle=False), 0)
    assert TARGETS[longest[0]].max() >= TARGETS[longest[-1]].max()


def test_both_sides_have_little_padding():
    """Beside batches of random pairs of the same budget, less than half of the padding."""
    many = DRAW.geometric(1 / 11, 5003)
    targets = np.maximum(1, (many * DRAW.uniform(0.7, 1.4, 5003)).astype(int))
    found = ByPairLength(many, targets, max_tokens=1009)
    columns = {
        "sources": TokenIds([[1] * n for n in many], prefix="source_"),
        "targets": TokenIds([[1] * n for n in targets], prefix="target_"),
    }
    assert Loader(columns, found).padding < 0.15
    batch = next(iter(Loader(columns, found)))
    assert set(batch) == {"source_ids", "source_mask", "target_ids", "target_mask"}


def test_no_pairs_or_uneven_ones_are_refused():
    with pytest.raises(UserError, match="0 sources and 0 targets"):
        ByPairLength(np.zeros(0, int), np.zeros(0, int))
    with pytest.raises(UserError, match="2 sources and 3 targets"):
        ByPairLength(np.ones(2, int), np.ones(3, int))
    with pytest.raises(UserError, match="max_tokens is 0"):
        order(max_tokens=0)
