"""What every loader keeps to, on data of many shapes. A new order joins with one row, a new shape of texts too."""

import json
import random
from itertools import islice

import numpy as np
import pytest
import torch

from lingon.data.batches import Loader, SequentialOrder, Shuffled, contiguous_batches, shuffled_windows, text_batches
from lingon.models.registry import build

TOKENS = np.arange(211) + 2  # token i is i + 2, so that a window tells where it is from
POINTS = np.random.default_rng(5).normal(size=(53, 3))


def lengths(name):
    draw = np.random.default_rng(11)
    return {
        "all alike": [7] * 101,
        "short and long": [1] * 53 + [997],
        "like reviews": np.exp(draw.normal(5.3, 0.7, 503)).astype(int).tolist(),
        "with empty texts": [0, 3, 0, 5, 11] * 13,
        "one text": [13],
    }[name]


SHAPES = ["all alike", "short and long", "like reviews", "with empty texts", "one text"]
TEXTS = {  # name: how batches are made of ids
    "by length, tokens": lambda ids, seed=3, **place: text_batches(ids, max_tokens=1999, seed=seed, **place),
    "by length, rows": lambda ids, seed=3, **place: text_batches(
        ids, max_tokens=10**9, batch_size=7, seed=seed, **place
    ),
    "by length, cut": lambda ids, seed=3, **place: text_batches(ids, max_tokens=499, max_length=17, seed=seed, **place),
    "longest first": lambda ids, seed=3, **place: text_batches(ids, max_tokens=1999, shuffle=False, **place),
}


def points(order, **place):
    return Loader({"inputs": POINTS, "targets": POINTS[:, 0]}, order, **place)


OTHERS = {  # name: how batches are made, by seed and place
    "shuffled": lambda seed=3, **place: points(Shuffled(53, 7, seed), **place),
    "sequential": lambda seed=3, **place: points(SequentialOrder(53, 7), **place),
    "contiguous": lambda seed=3, **place: contiguous_batches(TOKENS, 6, 5, **place),
    "shuffled windows": lambda seed=3, **place: shuffled_windows(TOKENS, 6, 5, seed, **place),
}
SEEDED = {"by length, tokens", "by length, rows", "by length, cut", "shuffled", "shuffled windows"}


def some_texts(name):
    return [[i + 2] * n for i, n in enumerate(lengths(name))]


@pytest.fixture(params=SHAPES)
def ids(request):
    return some_texts(request.param)


@pytest.fixture(params=[*TEXTS, *OTHERS])
def name(request):
    return request.param


@pytest.fixture(params=[(name, shape) for name in TEXTS for shape in SHAPES] + [(name, None) for name in OTHERS])
def make(request):
    """A way to make a loader, by seed, rank and world."""
    name, shape = request.param
    return (lambda **how: TEXTS[name](some_texts(shape), **how)) if shape else OTHERS[name]


def seen(batches):
    """All that batches hold."""
    return [
        (batch.index.tolist(), batch.continues, {name: tensor.tolist() for name, tensor in batch.items()})
        for batch in batches
    ]


def test_every_row_once_in_every_epoch(make):
    batches = make()
    for epoch in range(3):
        assert batches.epoch == epoch
        parts = list(batches)
        assert len(parts) == len(batches)
        index = [i for batch in parts for i in batch.index.tolist()]
        if "tokens" in batches.columns:  # a row may begin at any token
            found = [token for batch in parts for token in batch.ids.flatten().tolist()]
            assert len(set(found)) == len(found) == sum(batch.ids.numel() for batch in parts) >= 180
            assert len(set(index)) == len(index)
        else:
            assert sorted(index) == list(range(batches.order.count))


@pytest.mark.parametrize("make_of", TEXTS.values(), ids=TEXTS)
def test_padding_is_on_the_right_and_zero(ids, make_of):
    for batch in make_of(ids):
        mask, lengths = batch.mask, batch.mask.sum(1)
        assert batch.ids.shape[1] == max(1, int(lengths.max()))
        assert not batch.ids[~mask].any()
        for row, count, i in zip(batch.ids.tolist(), lengths.tolist(), batch.index.tolist(), strict=True):
            assert row[:count] == ids[i][:count]


@pytest.mark.parametrize("make_of", TEXTS.values(), ids=TEXTS)
def test_padding_never_changes_a_result(make_of):
    """Logits of texts in batches are those of each text alone, where nothing is padded."""
    ids = [[1 + (7 * i + j) % 29 for j in range(n)] for i, n in enumerate([3, 11, 5, 7, 11, 2, 13] * 5)]
    model = build("bag", {"vocab_size": 31, "classes": 3, "width": 5, "dropout": 0.0, "word_dropout": 0.0}).eval()
    with torch.no_grad():
        for batch in make_of(ids):
            for row, i in zip(model(batch.ids, batch.mask), batch.index.tolist(), strict=True):
                alone = torch.tensor([ids[i]])
                torch.testing.assert_close(row, model(alone, torch.ones_like(alone, dtype=torch.bool))[0])


@pytest.mark.parametrize("make_of", OTHERS.values(), ids=OTHERS)
def test_a_batch_holds_the_rows_that_its_index_names(make_of):
    for batch in make_of():
        if "inputs" in batch:
            assert torch.equal(batch.inputs, torch.from_numpy(POINTS[batch.index]))
            assert torch.equal(batch.targets, batch.inputs[:, 0])
        else:
            assert torch.equal(batch.ids, batch.index[:, None] + 2 + torch.arange(batch.ids.shape[1]))
            assert torch.equal(batch.targets, batch.ids + 1)


def test_order_depends_on_the_seed_alone(make):
    truth = seen(make(seed=3))
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    assert seen(make(seed=3)) == truth
    loader = make(seed=3)
    loader.set_epoch(7)
    loader.set_epoch(0)
    assert seen(loader) == truth


def test_another_seed_is_another_order(name):
    make = OTHERS.get(name) or (lambda **how: TEXTS[name](some_texts("like reviews"), **how))
    assert (seen(make(seed=3)) != seen(make(seed=4))) == (name in SEEDED)


@pytest.mark.parametrize("make_of", TEXTS.values(), ids=TEXTS)
def test_ids_may_be_lists_or_arrays(ids, make_of):
    assert seen(make_of(ids)) == seen(make_of([np.array(row, np.int64) for row in ids]))


def test_resumes_at_the_same_example(make):
    whole = make()
    truth = seen(whole) + seen(whole)
    for cut in {0, 1, len(whole) // 2, len(whole), len(whole) + 1}:
        first, second = make(), make()
        head = seen(islice(first, cut))
        if cut > len(whole):
            head += seen(islice(first, cut - len(whole)))
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        rest = seen(second)
        while second.epoch < 2:
            rest += seen(second)
        assert head + rest == truth


@pytest.mark.parametrize("world", [2, 3])
def test_processes_see_together_what_one_sees(make, world):
    whole = make()
    ranks = [make(rank=rank, world=world) for rank in range(world)]
    assert {len(loader) for loader in ranks} == {len(whole)}
    for batch, *parts in zip(whole, *ranks, strict=True):
        mine = [part for r, part in zip(ranks, parts, strict=True) if r.weight]
        assert sorted(i for part in mine for i in part.index.tolist()) == sorted(batch.index.tolist())
        assert sum(r.weight for r in ranks) == pytest.approx(world)
        assert {part.continues for part in parts} == {batch.continues}
        place = {i: row for row, i in enumerate(batch.index.tolist())}
        for part in mine:
            rows = [place[i] for i in part.index.tolist()]
            for key, tensor in part.items():
                wide = tensor.shape[1] if tensor.ndim > 1 else None
                same = batch[key][rows] if wide is None else batch[key][rows, :wide]
                assert torch.equal(tensor, same)
                assert wide is None or key != "mask" or not batch.mask[rows, wide:].any()


def test_a_loader_resumes_with_another_number_of_processes(make):
    one = make()
    head = list(islice(one, len(one) // 2))
    rest = [sorted(batch.index.tolist()) for batch in one]
    ranks = [make(rank=rank, world=2) for rank in range(2)]
    stopped = make()
    list(islice(stopped, len(head)))
    for loader in ranks:
        loader.load_state_dict(stopped.state_dict())
    found = [
        sorted(i for r, part in zip(ranks, parts, strict=True) if r.weight for i in part.index.tolist())
        for parts in zip(*ranks, strict=True)
    ]
    assert found == rest
