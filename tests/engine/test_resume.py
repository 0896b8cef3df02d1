"""Exact resume: a training that was stopped anywhere and resumed is, to the last bit, one that never stopped."""

import os
import signal

import pytest
import torch
from torch import nn

from lingon.core.errors import Interrupted
from lingon.engine.average import EMA, NTASGD, SWA
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.log import read_metrics
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.engine.schedule import cosine, warmup
from tests.engine.tiny import batches, digest, error_of, loss_of, noisy_loss_of, record, tiny, train

EVERY_STEP = SaveInterval(steps=1, seconds=None)
EDGES = SaveInterval(steps=None, seconds=None)
PER_EPOCH = len(batches())


class Crash(Exception):
    """The machine goes away."""


def crashing(calls, error=Crash):
    """A loss that fails at its call number `calls`."""
    count = 0

    def loss(model, batch):
        nonlocal count
        count += 1
        if count == calls:
            raise error
        return noisy_loss_of(model, batch)

    return loss


def watching(every):
    return Evaluation(error_of, every=every, metric="error", higher_is_better=False, patience=100)


def whole(tmp_path, **given):
    model = tiny()
    with Run.open(tmp_path / "whole", {}, save_interval=EVERY_STEP) as run:
        history = train(model, run, **given)
    return digest(model), record(history.rows), history


# name: (call of the loss that fails, checkpoint save_interval, what else the training has)
MOMENTS = {
    "middle of an epoch": (PER_EPOCH + 4, EVERY_STEP, {}),
    "long after the checkpoint": (2 * PER_EPOCH + 5, EDGES, {}),
    "before the first checkpoint": (3, EDGES, {}),
    "first step of an epoch": (PER_EPOCH + 1, EVERY_STEP, {}),
    "after an evaluation": (7, EVERY_STEP, {"evaluation": watching(3)}),
    "after an epoch's evaluation": (PER_EPOCH + 1, EVERY_STEP, {"evaluation": watching("epoch")}),
    "inside accumulation": (11, EVERY_STEP, {"accumulation_steps": 3}),
    "in the last group of an epoch": (PER_EPOCH - 1, EVERY_STEP, {"accumulation_steps": 4}),
    "with an average": (17, EVERY_STEP, {"weight_average": EMA(0.9), "evaluation": watching(4)}),
    "with a plain mean": (17, EVERY_STEP, {"weight_average": SWA(start=5, every=2)}),
    "while a triggered mean waits": (17, EVERY_STEP, {"weight_average": NTASGD(1), "evaluation": watching(2)}),
    "with a schedule and clipping": (13, EVERY_STEP, {"schedule": warmup(5, cosine(25)), "max_grad_norm": 0.3}),
    "between rows of the record": (13, EVERY_STEP, {"log_every": 7}),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path, moment):
    calls, save_interval, given = MOMENTS[moment]
    weights, rows, history = whole(tmp_path, **given)
    with pytest.raises(Crash), Run.open(tmp_path / "cut", {}, save_interval=save_interval) as run:
        train(tiny(), run, loss=crashing(calls), **given)
    model = tiny(seed=99)  # everything must come from the checkpoint, so this start is another
    if not list((tmp_path / "cut" / "checkpoints").glob("0*")):
        model = tiny()
    with Run.open(tmp_path / "cut", {}, resume=True) as run:
        resumed = train(model, run, **given)
    assert record(resumed.rows) == rows
    assert record(read_metrics(tmp_path / "cut")) == rows == record(read_metrics(tmp_path / "whole"))
    assert digest(model) == weights
    assert (resumed.steps, resumed.examples, resumed.best) == (history.steps, history.examples, history.best)


def test_a_training_may_be_stopped_at_every_single_step(tmp_path):
    weights, rows, _ = whole(tmp_path, steps=13, evaluation=watching(4))
    folder, resume = tmp_path / "cut", False
    for _ in range(13):
        with pytest.raises(Crash), Run.open(folder, {}, resume=resume, save_interval=EVERY_STEP) as run:
            train(tiny(), run, loss=crashing(2), steps=13, evaluation=watching(4))
        resume = True
        if run.checkpoints.joinpath("000000012").exists():
            break
    model = tiny(seed=99)
    with Run.open(folder, {}, resume=True) as run:
        assert record(train(model, run, steps=13, evaluation=watching(4)).rows) == rows
    assert digest(model) == weights


def test_a_finished_training_is_not_trained_again(tmp_path):
    weights, rows, _ = whole(tmp_path, evaluation=watching("epoch"))
    model = tiny(seed=99)
    with Run.open(tmp_path / "whole", {}, resume=True) as run:
        history = train(model, run, loss=crashing(1), evaluation=watching("epoch"))
    assert digest(model) == weights
    assert record(history.rows) == rows


def test_early_stopping_is_remembered(tmp_path):
    def worse(model):
        return {"error": 1.0}

    given = {"evaluation": Evaluation(worse, every=2, metric="error", higher_is_better=False, patience=3)}
    _, _, history = whole(tmp_path, **given)
    assert history.steps == 8
    with pytest.raises(Crash), Run.open(tmp_path / "cut", {}, save_interval=EVERY_STEP) as run:
        train(tiny(), run, loss=crashing(6), **given)
    with Run.open(tmp_path / "cut", {}, resume=True) as run:
        assert train(tiny(), run, **given).steps == 8


def test_ctrl_c_finishes_the_step_saves_and_stops(tmp_path):
    weights, rows, _ = whole(tmp_path)
    before = signal.getsignal(signal.SIGINT)

    def interrupted(model, batch, calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return noisy_loss_of(model, batch)

    with (
        pytest.raises(Interrupted, match=r"stopped after step 6, saved in .*resume to continue"),
        Run.open(tmp_path / "cut", {}, save_interval=EDGES) as run,
    ):
        train(tiny(), run, loss=interrupted)
    assert signal.getsignal(signal.SIGINT) is before
    model = tiny(seed=99)
    with Run.open(tmp_path / "cut", {}, resume=True) as run:
        assert record(train(model, run).rows) == rows
    assert digest(model) == weights


def test_ctrl_c_inside_accumulation_finishes_the_group(tmp_path):
    weights, _, _ = whole(tmp_path, accumulation_steps=3)

    def interrupted(model, batch, calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return noisy_loss_of(model, batch)

    with pytest.raises(Interrupted, match="after step 2"), Run.open(tmp_path / "cut", {}, save_interval=EDGES) as run:
        train(tiny(), run, loss=interrupted, accumulation_steps=3)
    model = tiny(seed=99)
    with Run.open(tmp_path / "cut", {}, resume=True) as run:
        train(model, run, accumulation_steps=3)
    assert digest(model) == weights


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    def impatient(model, batch):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the second one did not stop the step")

    with pytest.raises(KeyboardInterrupt) as caught, Run.open(tmp_path / "run", {}) as run:
        train(tiny(), run, loss=impatient)
    assert not isinstance(caught.value, Interrupted)


def test_tied_weights_are_saved_and_come_back(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Embedding(31, 5)
            self.two = nn.Linear(5, 31, bias=False)
            self.two.weight = self.one.weight

        def forward(self, ids):
            return self.two(self.one(ids))

    def loss(model, batch):
        return nn.functional.cross_entropy(model(batch.ids).flatten(0, 1), batch.ids.flatten())

    def run_to(steps, folder, resume):
        torch.manual_seed(0)
        model = Tied()
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        with Run.open(tmp_path / folder, {}, resume=resume) as run:
            fit(model, batches(), loss, optimizer, config=TrainConfig(steps=steps), run=run)
        assert model.two.weight is model.one.weight
        return digest(model)

    run_to(4, "cut", False)
    assert run_to(9, "cut", True) == run_to(9, "whole", False)


@pytest.mark.parametrize("kind", ["SGD", "Adagrad", "RMSprop", "SparseAdam", "NAdam"])
def test_every_optimizer_resumes(tmp_path, kind):
    def run_to(steps, folder, resume):
        torch.manual_seed(0)
        model = nn.Embedding(31, 3, sparse=kind == "SparseAdam")
        make = {"SGD": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)}.get(
            kind, lambda p: getattr(torch.optim, kind)(p, 0.1)
        )
        with Run.open(tmp_path / folder, {}, resume=resume) as run:
            loss = lambda model, batch: (model(batch.ids) ** 2).mean()
            fit(model, batches(), loss, make(model.parameters()), config=TrainConfig(steps=steps), run=run)
        return digest(model)

    run_to(5, "cut", False)
    assert run_to(11, "cut", True) == run_to(11, "whole", False)


def test_the_checkpoint_of_another_model_is_refused(tmp_path):
    with Run.open(tmp_path / "run", {}) as run:
        train(tiny(), run, loss=loss_of, steps=2)
    model = tiny()
    model.out = nn.Linear(7, 5)
    with (
        pytest.raises(ValueError, match=r"tensor 'out.weight' is \[3, 7\], the model expects \[5, 7\]"),
        Run.open(tmp_path / "run", {}, resume=True) as run,
    ):
        train(model, run)
