"""Batches of rows of one shape: every row once an epoch, the order by the seed alone, resumed at the same row."""

import json
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.data.batches import Loader, SequentialOrder, Shuffled
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import sgd

ROWS = 53


def made(inputs, targets, rows, seed=0):
    return Loader({"inputs": inputs, "targets": targets}, Shuffled(len(inputs), rows, seed))


def batches(rows=7, seed=0):
    draw = np.random.default_rng(11)
    return made(draw.normal(size=(ROWS, 3, 5)), draw.integers(0, 3, ROWS), rows=rows, seed=seed)


def seen(source):
    return [batch.index.tolist() for batch in source]


@pytest.mark.parametrize("rows", [1, 7, ROWS, 101])
def test_every_row_once_in_every_epoch_with_its_target(rows):
    source, orders = batches(rows), []
    for epoch in range(3):
        assert source.epoch == epoch
        found = list(source)
        assert len(found) == len(source)
        assert {len(batch.targets) for batch in found[:-1]} <= {rows}
        orders.append([i for batch in found for i in batch.index.tolist()])
        for batch in found:
            assert torch.equal(batch.inputs, source.columns["inputs"].values[batch.index])
            assert torch.equal(batch.targets, source.columns["targets"].values[batch.index])
    assert all(sorted(order) == list(range(ROWS)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


def test_the_order_is_that_of_the_seed_or_as_given():
    assert seen(batches(seed=3)) == seen(batches(seed=3)) != seen(batches(seed=4))
    plain = Loader({"x": torch.arange(7.0)}, SequentialOrder(7, 3))
    assert [seen(plain), seen(plain)] == [[[0, 1, 2], [3, 4, 5], [6]]] * 2


def test_resumes_at_the_same_row():
    truth = seen(batches())
    for cut in (0, 1, 4, len(truth)):
        first, second = batches(), batches()
        head = seen(islice(first, cut))
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert head + seen(second) == truth


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"position": 99}, "position is 99, epoch is 0; there are 8 batches"),
        ({"epoch": -1}, "epoch is -1"),
        ({"order": 1}, "another order, seed or size of batches than Shuffled"),
        (
            {"columns": {"inputs": 1, "targets": 2}},
            "the inputs of these batches differ from those",
        ),
        ({"columns": {"inputs": 1}}, "not a state of batches of inputs, targets"),
        ({"columns": [1]}, "not a state of batches of inputs, targets"),
        ({"position": "1"}, "not a state of batches"),
        ({"more": 1}, "not a state of batches"),
    ],
)
def test_a_state_of_something_else_is_refused(change, said):
    source = batches()
    with pytest.raises(UserError, match=said):
        source.load_state_dict(source.state_dict() | change)


def test_the_checksum_sees_inputs_targets_seed_and_sizes():
    draw = torch.arange(12.0).reshape(6, 2)
    sources = [
        made(draw, draw[:, 0], rows=2),
        made(draw + 1, draw[:, 0], rows=2),
        made(draw, draw[:, 1], rows=2),
        made(draw, draw[:, 0], rows=3),
        made(draw, draw[:, 0], rows=2, seed=1),
        Loader({"inputs": draw, "targets": draw[:, 0]}, SequentialOrder(6, 2)),
        made(draw.T.contiguous().T, draw[:, 0], rows=2),  # the same numbers in another order of memory
    ]
    sums = [str(source.state_dict()) for source in sources]
    assert len(set(sums[:6])) == 6
    assert sums[6] == sums[0]


def test_wrong_rows_are_refused():
    with pytest.raises(UserError, match="there are 2 targets, but the order is one of 3 rows"):
        made(torch.zeros(3, 2), torch.zeros(2), rows=1)
    with pytest.raises(UserError, match="rows is 0"):
        made(torch.zeros(0, 2), torch.zeros(0), rows=1)
    with pytest.raises(UserError, match="batch_size is 0"):
        batches(rows=0)
    with pytest.raises(UserError, match="at least one column"):
        Loader({}, Shuffled(3, 1))


def test_the_engine_trains_on_them_as_a_loop_written_out_does():
    data = torch.from_numpy(np.random.default_rng(0).normal(size=(ROWS, 5))).float()
    target = data @ torch.tensor([1.0, -2.0, 3.0, 0.5, -1.0])
    models = [nn.Linear(5, 1), nn.Linear(5, 1)]
    models[1].load_state_dict(models[0].state_dict())
    loss_of = lambda model, batch: (model(batch.inputs)[:, 0] - batch.targets).pow(2).mean()
    source = made(data, target, rows=7)
    for _ in range(3):
        for batch in source:
            gradients = torch.autograd.grad(loss_of(models[0], batch), list(models[0].parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(models[0].parameters(), gradients, strict=True):
                    parameter -= 0.05 * gradient
    fit(models[1], made(data, target, rows=7), loss_of, sgd(models[1], 0.05), config=TrainConfig(epochs=3))
    torch.testing.assert_close(models[1].weight, models[0].weight)
