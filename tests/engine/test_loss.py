"""Loss: what is carried from batch to batch and through a checkpoint, what is logged, what is refused."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.seed import seed_everything
from lingon.data.batches import contiguous_batches
from lingon.engine.distributed import gather_rows, scatter_rows
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import adamw
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.models.lstm import LSTM
from lingon.tasks.language_model.objective import Objective, carried_loss
from tests.engine.tiny import batches, digest, record, tiny, train

TOKENS = np.random.default_rng(0).integers(0, 13, 3 * 95 + 1)


def read_on(steps, run=None, accumulation_steps=1):
    seed_everything(0)
    model = LSTM(13, width=5, hidden=7, depth=2, dropout=0.2)
    config = TrainConfig(steps=steps, accumulation_steps=accumulation_steps, log_every=1)
    source = contiguous_batches(TOKENS, 3, 10)
    history = fit(Objective(model), source, carried_loss, adamw(model, 0.01), config=config, run=run)
    return digest(model), record(history.rows)


@pytest.mark.parametrize("accumulation_steps", [1, 3])
def test_a_carried_state_resumes_bit_for_bit(tmp_path, accumulation_steps):
    whole = read_on(7, accumulation_steps=accumulation_steps)
    for resume, steps in ((False, 4), (True, 7)):
        with Run.open(tmp_path / "run", {}, resume=resume, save_interval=SaveInterval(steps=1)) as run:
            stopped = read_on(steps, run, accumulation_steps)
    assert stopped == whole


def test_a_carry_of_any_shape_is_handed_on_and_resumed(tmp_path):
    seen = []

    def loss(model, batch, carry=None):
        seen.append(carry)
        calls = (carry or {"calls": 0})["calls"] + 1
        mean = F.cross_entropy(model(batch.ids, batch.mask), batch.labels)
        carry = {"calls": calls, "tree": [torch.tensor(2.5), (torch.ones(3), "a")]}
        return Loss(mean * len(batch.ids), len(batch.ids), carry)

    for resume, steps in ((False, 3), (True, 5)):
        with Run.open(tmp_path / "run", {}, resume=resume, save_interval=SaveInterval(steps=1)) as run:
            train(tiny(), run, loss=loss, steps=steps)
    assert [None if carry is None else carry["calls"] for carry in seen] == [None, 1, 2, 3, 4]
    assert seen[3]["tree"][0] == 2.5
    assert torch.equal(seen[3]["tree"][1][0], torch.ones(3))
    assert seen[3]["tree"][1][1] == "a"


def test_processes_keep_their_rows_and_refuse_what_has_none(monkeypatch):
    from lingon.engine import distributed
    from lingon.engine.world import World

    state = {"h": torch.arange(6.0).reshape(6, 1)}
    assert torch.equal(gather_rows(state)["h"], state["h"])
    monkeypatch.setattr(distributed, "world", lambda: World(1, 3))
    assert scatter_rows(state, torch.device("cpu"))["h"].flatten().tolist() == [1, 4]
    for odd in (3, torch.tensor(1.0)):
        with pytest.raises(UserError, match=r"with several processes it can carry tensors of shape \[rows"):
            gather_rows({"h": odd})


def test_what_is_logged_is_a_sum_over_the_count():
    sums, counts = [], []

    def loss(model, batch):
        right = (model(batch.ids, batch.mask).argmax(1) == batch.labels).sum()
        sums.append(float(right)), counts.append(len(batch.ids))
        total = F.cross_entropy(model(batch.ids, batch.mask), batch.labels, reduction="sum")
        return Loss(total, len(batch.ids), logs={"accuracy": right})

    source = batches()
    rows = train(tiny(), loss=loss, source=source, steps=4, accumulation_steps=2, log_every=2).rows
    assert [row["accuracy"] for row in rows] == [sum(sums[:4]) / sum(counts[:4]), sum(sums[4:]) / sum(counts[4:])]


WRONG = {
    "a vector": (lambda x: x, r"the loss function gave a tensor of \[\d+\], expected a scalar, or Loss"),
    "a float": (lambda x: 1.5, "the loss function gave float, expected a scalar, or Loss"),
    "a vector inside": (lambda x: Loss(x, 1), "the loss function gave a tensor of"),
    "no count": (lambda x: Loss(x.sum(), float("nan")), "the count of a loss is nan, expected a number, 0 or more"),
    "a negative count": (lambda x: Loss(x.sum(), -1), "the count of a loss is -1"),
    "a name that is there": (lambda x: Loss(x.sum(), 1, logs={"lr": 1.0}), "logs 'lr', a name that is already in use"),
}


@pytest.mark.parametrize("name", WRONG)
def test_anything_else_is_refused(name):
    make, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        train(tiny(), loss=lambda model, batch: make(model(batch.ids, batch.mask).sum(1)))


def test_a_batch_in_which_nothing_counts_changes_nothing():
    model = tiny()
    before = digest(model)
    nothing = lambda model, batch: Loss(model(batch.ids, batch.mask).sum() * 0, 0)
    history = fit(
        model, batches(), nothing, torch.optim.SGD(model.parameters(), 0.1), config=TrainConfig(steps=2, log_every=1)
    )
    assert digest(model) == before
    assert [row["loss"] for row in history.rows] == [0, 0]


def test_a_sum_over_its_count_is_the_mean_to_the_last_bit():
    """Trainings without accumulation have the weights they had when losses were means."""

    def summed(model, batch):
        return Loss(F.cross_entropy(model(batch.ids, batch.mask), batch.labels, reduction="sum"), len(batch.ids))

    weights = []
    for loss in (summed, lambda model, batch: F.cross_entropy(model(batch.ids, batch.mask), batch.labels)):
        model = tiny()
        torch.manual_seed(1)
        train(model, loss=loss)
        weights.append(digest(model))
    assert weights[0] == weights[1]


def test_a_function_is_no_model():
    with pytest.raises(UserError, match=r"fit trains a torch\.nn\.Module, not a function; give its model"):
        fit(lambda x: x, batches(), carried_loss, None, config=TrainConfig(steps=1))
