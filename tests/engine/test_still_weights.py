"""Weights that do not train: not in checkpoints, there again when a run is resumed, and told when they are others."""

import pytest
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.tensors import shapes_in
from lingon.engine.evaluation import Evaluation
from lingon.engine.optimizers import adamw
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.engine.still_weights import StillWeights
from tests.engine.tiny import digest, error_of, loss_of, tiny, train

FROZEN = "embedding.weight"
BEST = Evaluation(error_of, every=2, metric="error", higher_is_better=False)


def frozen(seed=0):
    model = tiny(seed=seed)
    model.embedding.requires_grad_(False)
    return model


def trained(folder, model, steps, resume=False):
    with Run.open(folder, {}, resume=resume, save_interval=SaveInterval(steps=1, seconds=None)) as run:
        train(model, run, loss=loss_of, steps=steps, evaluation=BEST)
    return model


def test_they_are_in_no_file_and_a_resumed_training_equals_an_uninterrupted_one(tmp_path):
    first = trained(tmp_path / "cut", frozen(), 4)
    for path in [*tmp_path.glob("cut/checkpoints/*/model*.safetensors"), *tmp_path.glob("cut/checkpoints/best-*")]:
        assert not [name for name in shapes_in(path) if FROZEN in name], path
        assert shapes_in(path)
    assert torch.equal(first.embedding.weight, tiny().embedding.weight)  # whole at the end
    resumed = trained(tmp_path / "cut", frozen(), 9, resume=True)
    assert digest(resumed) == digest(trained(tmp_path / "whole", frozen(), 9))


def test_others_than_at_first_are_refused(tmp_path):
    trained(tmp_path, frozen(), 4)
    with pytest.raises(UserError, match="the frozen weights differ from those that the run started with"):
        trained(tmp_path, frozen(seed=1), 9, resume=True)


def test_what_an_optimizer_holds_or_trains_later_is_kept():
    model = tiny()
    model.embedding.requires_grad_(False)
    assert StillWeights(model, torch.optim.SGD(model.parameters(), 0.1)).names == set()
    still = StillWeights(model, adamw(model, 1e-2))
    assert still.names == {FROZEN}
    before = still.state_dict()
    model.embedding.requires_grad_(True)
    assert still.names == set()
    assert FROZEN in still.left_out(model.state_dict())
    model.embedding.requires_grad_(False)
    still.load_state_dict(before)


def test_weights_that_are_shared_are_left_out_under_both_names():
    model = nn.ModuleDict({"a": nn.Linear(5, 3), "b": nn.Linear(5, 3), "head": nn.Linear(3, 2)})
    model["b"].weight = model["a"].weight
    model["a"].requires_grad_(False)
    still = StillWeights(model, adamw(model, 1e-2))
    assert still.names == {"a.weight", "a.bias", "b.weight"}
    left = still.left_out(model.state_dict())
    assert {*still.filled_in(left)} == {*model.state_dict()}


def test_checkpoints_that_have_all_weights_are_read_too(tmp_path, monkeypatch):
    monkeypatch.setattr(StillWeights, "left_out", lambda self, state: dict(state))
    monkeypatch.setattr(StillWeights, "state_dict", lambda self: {})
    trained(tmp_path, frozen(), 4)
    monkeypatch.undo()
    resumed = trained(tmp_path, frozen(seed=1), 9, resume=True)
    assert digest(resumed) == digest(trained(tmp_path / "whole", frozen(), 9))
