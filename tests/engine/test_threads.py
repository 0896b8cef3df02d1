"""Small steps run on one thread; a run keeps the number it began with."""

import json

import pytest
import torch
from torch import nn

from lingon.data.batches import Loader, SequentialOrder
from lingon.engine import threads
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import sgd
from lingon.engine.run import Run
from lingon.engine.threads import WORTH_SHARING, flops_per_step
from tests.engine.tiny import batches, loss_of, tiny, train


@pytest.fixture(autouse=True)
def _two_threads():
    torch.set_num_threads(2)
    threads.said.clear()


def seen(run=None, steps=2):
    found = []
    train(
        tiny(),
        run,
        loss=lambda model, batch: found.append(torch.get_num_threads()) or loss_of(model, batch),
        steps=steps,
    )
    return found


def test_a_small_training_has_one_thread_and_gives_the_others_back():
    assert seen() == [1, 1]
    assert torch.get_num_threads() == 2


def test_a_large_one_has_them_all():
    width, rows = 701, 101  # 6 * 701 * 701 * 101 operations a step
    model, found = nn.Linear(width, width, bias=False), []

    def loss(model, batch):
        found.append(torch.get_num_threads())
        return model(batch.inputs).square().mean()

    data = Loader({"inputs": torch.randn(rows, width)}, SequentialOrder(rows, rows))
    first = {"inputs": data.columns["inputs"].values}
    assert flops_per_step(model, first, rows) == 6 * width * width * rows > WORTH_SHARING
    fit(model, data, loss, sgd(model, 0.1), config=TrainConfig(steps=2))
    assert found == [2, 2]


def test_tokens_are_what_a_text_is_multiplied_by():
    model, batch = tiny(), next(iter(batches()))
    wanted = 6 * 7 * 3 * batch.ids.numel()  # the one matrix is 7 x 3
    assert (
        flops_per_step(model, batch, len(batch))
        == flops_per_step(model, {"input_ids": batch.ids}, len(batch))
        == wanted
    )


def test_it_is_said_once(capsys, monkeypatch):
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    seen(), seen()
    lines = [line for line in capsys.readouterr().err.splitlines() if "threads" in line]
    assert lines == ["using 1 of 2 threads: steps of this size do not get faster with more"]


def test_a_resumed_run_keeps_its_number(tmp_path):
    with Run.open(tmp_path, {}) as run:
        assert seen(run) == [1, 1]
    facts = json.loads((tmp_path / "run.json").read_text())
    assert facts["threads"] == 1
    (tmp_path / "run.json").write_text(json.dumps(facts | {"threads": 2}))
    with Run.open(tmp_path, {}, resume=True) as run:
        assert seen(run, steps=4) == [2, 2]


def test_an_error_gives_the_threads_back():
    with pytest.raises(ZeroDivisionError):
        train(tiny(), loss=lambda model, batch: 1 / 0)
    assert torch.get_num_threads() == 2
