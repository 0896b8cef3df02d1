"""What every source of batches keeps to, on data of many shapes. A new shape or source joins with one row."""

import json
from itertools import islice

import numpy as np
import pytest

from lingon.data.sampler import Batches


def lengths(name):
    random = np.random.default_rng(11)
    return {
        "all alike": [7] * 101,
        "short and long": [1] * 53 + [997],
        "like reviews": np.exp(random.normal(5.3, 0.7, 503)).astype(int).tolist(),
        "with empty texts": [0, 3, 0, 5, 11] * 13,
        "one text": [13],
    }[name]


SHAPES = ["all alike", "short and long", "like reviews", "with empty texts", "one text"]
SOURCES = {  # name: how batches are made of ids
    "budget": lambda ids, **place: Batches(ids, tokens=1999, seed=3, **place),
    "rows": lambda ids, **place: Batches(ids, tokens=10**9, rows=7, seed=3, **place),
    "cut": lambda ids, **place: Batches(ids, tokens=499, max_length=17, seed=3, **place),
    "in order": lambda ids, **place: Batches(ids, tokens=1999, shuffle=False, **place),
}


@pytest.fixture(params=SHAPES)
def ids(request):
    return [[i + 2] * n for i, n in enumerate(lengths(request.param))]


@pytest.fixture(params=list(SOURCES))
def make(request):
    return SOURCES[request.param]


def seen(batches):
    return [(batch.index.tolist(), batch.ids.tolist(), batch.real.tolist()) for batch in batches]


def test_every_text_once_in_every_epoch(ids, make):
    batches = make(ids)
    for _ in range(3):
        index = [i for batch in batches for i in batch.index.tolist()]
        assert sorted(index) == list(range(len(ids)))


def test_padding_is_on_the_right_and_zero(ids, make):
    for batch in make(ids):
        real, lengths = batch.real, batch.real.sum(1)
        assert batch.ids.shape[1] == max(1, int(lengths.max()))
        assert not batch.ids[~real].any()
        for row, count, i in zip(batch.ids.tolist(), lengths.tolist(), batch.index.tolist(), strict=True):
            assert row[:count] == ids[i][:count]


def test_order_depends_on_the_seed_alone(ids, make):
    assert seen(make(ids)) == seen(make([list(row) for row in ids]))
    assert seen(make(ids)) == seen(make([np.array(row, np.int64) for row in ids]))


def test_resumes_at_the_same_example(ids, make):
    truth = seen(make(ids))
    for cut in {0, 1, len(truth) // 2, len(truth)}:
        first, second = make(ids), make(ids)
        head = seen(islice(first, cut))
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert head + seen(second) == truth


@pytest.mark.parametrize("world", [2, 3])
def test_processes_take_equal_steps_and_every_text_once(ids, make, world):
    whole = make(ids)
    ranks = [make(ids, rank=rank, world=world) for rank in range(world)]
    found = []
    for batch, *parts in zip(whole, *ranks, strict=True):
        mine = [i for r, part in zip(ranks, parts, strict=True) if r.weight for i in part.index.tolist()]
        assert sorted(mine) == sorted(batch.index.tolist())
        assert sum(r.weight for r in ranks) == pytest.approx(world)
        found += mine
    assert sorted(found) == list(range(len(ids)))
