"""Batches of a data set: what they hold, their order, how they resume and how processes share them."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.data.batches import text_batches
from lingon.data.load_data import load_data
from lingon.data.tokenizers import words


def rows_of(lengths):
    """Text i is i, i, i, ... of the given length, so that every batch can be checked against its index."""
    return [[i + 2] * n for i, n in enumerate(lengths)]


LENGTHS = np.random.default_rng(7).geometric(1 / 31, 211).tolist()
DATA = rows_of(LENGTHS)
LABELS = [i % 3 for i in range(211)]


def order(batches):
    return [batch.index.tolist() for batch in batches]


def test_an_epoch_holds_every_text_once_and_whole():
    batches = text_batches(DATA, LABELS, max_tokens=173, batch_size=11)
    seen = []
    for batch in batches:
        for ids, mask, label, i in zip(batch.ids, batch.mask, batch.labels, batch.index.tolist(), strict=True):
            assert ids[mask].tolist() == DATA[i]
            assert not ids[~mask].any()
            assert label == LABELS[i]
            seen.append(i)
        assert len(batch.ids) <= 11
        assert batch.ids.numel() <= 173 or len(batch.ids) == 1
    assert sorted(seen) == list(range(211))


def test_padding_is_what_a_count_says():
    batches = text_batches(DATA, max_tokens=397)
    told, tokens, total = batches.padding, 0, 0
    for batch in batches:
        tokens, total = tokens + int(batch.mask.sum()), total + batch.mask.numel()
    assert told == 1 - tokens / total
    assert told < 0.1


def test_length_is_the_same_in_every_epoch_and_members_change():
    batches = text_batches(DATA, max_tokens=397)
    epochs = [order(batches) for _ in range(5)]
    assert batches.epoch == 5
    assert {len(e) for e in epochs} == {len(batches)}
    sets = [{frozenset(b) for b in e} for e in epochs]
    assert len(sets[0] & sets[1]) < len(sets[0])


def test_order_is_of_the_seed_and_epoch_alone():
    first = text_batches(DATA, max_tokens=397, seed=5)
    again = text_batches(DATA, max_tokens=397, seed=5)
    again.set_epoch(1)
    assert order(first) != order(text_batches(DATA, max_tokens=397, seed=6))
    assert order(first) == order(again)  # `first` is now in epoch 1 too


@pytest.mark.parametrize("hashseed", ["1", "2"])
def test_order_does_not_depend_on_the_process(hashseed):
    code = (
        "from lingon.data.batches import text_batches\n"
        f"print([b.index.tolist() for b in text_batches({DATA!r}, max_tokens=397, seed=5)])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hashseed, "OMP_NUM_THREADS": "1"}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == order(text_batches(DATA, max_tokens=397, seed=5))


def test_resumes_at_every_batch():
    whole = text_batches(DATA, LABELS, max_tokens=397, seed=3)
    truth = order(whole) + order(whole)
    running, cut = text_batches(DATA, LABELS, max_tokens=397, seed=3), 0
    for _ in range(2):
        for _batch in running:
            cut += 1
            state = json.loads(json.dumps(running.state_dict()))
            other = text_batches(DATA, LABELS, max_tokens=397, seed=3)
            other.load_state_dict(state)
            rest = order(other)
            while other.epoch < 2:
                other.set_epoch(other.epoch)
                rest += order(other)
            assert rest == truth[cut:]
    assert cut == len(truth)


def test_a_state_of_other_data_is_refused():
    state = text_batches(DATA, max_tokens=397, seed=3).state_dict()
    others = {
        "another order, seed or size of batches than ByLength": [
            text_batches(DATA, max_tokens=397, seed=4),
            text_batches(DATA, max_tokens=396, seed=3),
            text_batches(DATA, max_tokens=397, batch_size=7, seed=3),
        ],
        "not a state of batches of texts, labels": [text_batches(DATA, LABELS, max_tokens=397, seed=3)],
        "the texts of these batches differ": [text_batches(DATA[:-1], max_tokens=397, seed=3)],
    }
    for message, loaders in others.items():
        for other in loaders:
            with pytest.raises(UserError, match=message):
                other.load_state_dict(state)
    with pytest.raises(UserError, match="not a state of batches"):
        other.load_state_dict({"epoch": 0})
    whole = text_batches(DATA, max_tokens=397, seed=3)
    with pytest.raises(UserError, match="position is 9999"):
        whole.load_state_dict({**state, "position": 9999})


def test_without_shuffling_the_longest_come_first():
    batches = text_batches(DATA, max_tokens=397, shuffle=False)
    widths = [batch.ids.shape[1] for batch in batches]
    assert widths == sorted(widths, reverse=True)
    assert order(batches) == order(batches)


@pytest.mark.parametrize("world", [2, 3, 5])
def test_weighted_mean_over_processes_is_the_mean_of_the_batch(world):
    lengths = [*LENGTHS, 1000, 1500]  # two that are alone in their batch: fewer rows than processes
    data, labels = rows_of(lengths), [i % 3 for i in range(len(lengths))]
    table = torch.randn(len(data) + 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def loss(batch):
        return F.cross_entropy(table[batch.index], batch.labels)

    one = text_batches(data, labels, max_tokens=397)
    ranks = [text_batches(data, labels, max_tokens=397, rank=r, world=world) for r in range(world)]
    assert {len(r) for r in ranks} == {len(one)}
    for whole, *parts in zip(one, *ranks, strict=True):
        mean = sum(r.weight * loss(part) for r, part in zip(ranks, parts, strict=True)) / world
        torch.testing.assert_close(mean, loss(whole))
        rows = [i for r, part in zip(ranks, parts, strict=True) if r.weight for i in part.index.tolist()]
        assert sorted(rows) == sorted(whole.index.tolist())
    assert one.weight == 1


def test_long_and_empty_texts():
    batches = text_batches([[], [1] * 50, [2], []], max_tokens=7)
    assert sorted(i for b in batches for i in b.index.tolist()) == [0, 1, 2, 3]
    (long,) = [b for b in batches if 1 in b.index.tolist()]
    assert long.ids.tolist() == [[1] * 50]
    assert max(b.ids.shape[1] for b in text_batches([[], [1] * 50, [2]], max_tokens=7, max_length=5)) == 5
    (only,) = text_batches([[], []])
    assert only.ids.tolist() == [[0], [0]]
    assert not only.mask.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": []}, "no texts"),
        ({"labels": [1]}, "there are 1 labels, but the order is one of 2 rows"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"max_length": 0}, "max_length is 0"),
        ({"world": 2, "rank": 2}, "rank is 2, it must be one of 0 to 1"),
        ({"ids": [[-1]]}, "run from -1 to -1"),
        ({"ids": [[2**31]]}, "token ids run"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(UserError, match=message):
        text_batches(**{"ids": [[1], [2]], "labels": None, **arguments})


@pytest.mark.data
def test_padding_on_imdb_is_below_five_percent():
    reviews = load_data("imdb").train.texts
    ids = words(reviews, max_size=30_011).encode_batch(reviews)
    assert text_batches(ids).padding < 0.05
    assert text_batches(ids, batch_size=64).padding < 0.05
    assert text_batches(ids, max_tokens=8192, max_length=400).padding < 0.05
