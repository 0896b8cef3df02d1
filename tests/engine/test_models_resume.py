"""Every kind of model resumes to the last bit, from inside an epoch and from inside accumulation."""

import pytest
import torch

from lingon.core.seed import seed_everything
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.engine.sparse_optimizer import row_adagrad
from lingon.models.registry import build
from lingon.tasks.classify import cross_entropy
from tests.engine.tiny import CLASSES, VOCAB, batches, digest, record

SMALL = {
    "ngrams": {"buckets": 64},
    "bag": {"width": 5},
    "textcnn": {"width": 5, "kernels": [2, 3], "channels": 7},
    "bilstm": {"width": 5, "hidden": 7},
    "self_attentive": {"width": 5, "hidden": 7, "attention": 3, "hops": 2},
}


def loss_of(model, batch):
    return cross_entropy(model, batch)


class Crash(Exception):
    """The machine goes away."""


def life(name, folder, seed, resume, fails_at=None, accumulation_steps=1):
    """Trains a small model for 20 steps, or until the loss is asked for the `fails_at`-th time."""
    seed_everything(seed)
    model, calls = build(name, {"vocab_size": VOCAB, "classes": CLASSES, **SMALL[name]}), []

    def loss(model, batch):
        calls.append(1)
        if len(calls) == fails_at:
            raise Crash
        return loss_of(model, batch)

    optimizer = row_adagrad(model, 0.1) if name == "ngrams" else torch.optim.Adam(model.parameters(), 0.01, fused=True)
    config = TrainConfig(steps=20, accumulation_steps=accumulation_steps, max_grad_norm=1.0, log_every=1)
    with Run.open(folder, {}, resume=resume, save_interval=SaveInterval(steps=1, seconds=None)) as run:
        history = fit(model, batches(), loss, optimizer, config=config, run=run)
    return record(history.rows), digest(model)


@pytest.mark.parametrize(("fails_at", "accumulation_steps"), [(9, 1), (17, 3)], ids=["in an epoch", "in accumulation"])
@pytest.mark.parametrize("name", SMALL)
def test_a_model_resumes_to_the_last_bit(tmp_path, name, fails_at, accumulation_steps):
    whole = life(name, tmp_path / "whole", 0, False, accumulation_steps=accumulation_steps)
    with pytest.raises(Crash):
        life(name, tmp_path / "cut", 0, False, fails_at, accumulation_steps)
    assert life(name, tmp_path / "cut", 99, True, accumulation_steps=accumulation_steps) == whole
