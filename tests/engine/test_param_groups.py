"""Rates by layer: each parameter gets the rate that arithmetic gives it, trains by it, and resumes with it."""

import pytest
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.seed import seed_everything
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.fsdp import Sharded
from lingon.engine.log import read_metrics
from lingon.engine.optimizers import adamw, sgd
from lingon.engine.param_groups import head_factors, layer_decay_factors, parameter_groups, set_rate_factors
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.models.registry import build
from tests.engine.tiny import CLASSES, VOCAB, batches, digest, loss_of, record


class Deep(nn.Module):
    """Embeddings, three blocks, a norm and a head."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.embedding = nn.Embedding(VOCAB, 5)
        self.encoder.blocks = nn.ModuleList(nn.Linear(5, 5) for _ in range(3))
        self.encoder.norm = nn.LayerNorm(5)
        self.out = nn.Linear(5, CLASSES)

    def forward(self, ids, mask):
        x = self.encoder.embedding(ids) * mask[..., None]
        for block in self.encoder.blocks:
            x = block(x).tanh()
        return self.out(self.encoder.norm(x.sum(1)))


def deep(seed=0):
    seed_everything(seed)
    return Deep()


def rates(optimizer, model):
    names = {id(p): name for name, p in model.named_parameters()}
    return {names[id(p)]: group["lr"] for group in optimizer.param_groups for p in group["params"]}


def test_each_layer_has_the_rate_of_the_one_above_times_the_decay():
    model = deep()
    optimizer = set_rate_factors(adamw(model, 0.1), model, layer_decay_factors(model, 0.5))
    found = rates(optimizer, model)
    top = 0.1
    assert {name.split(".weight")[0]: rate for name, rate in found.items() if name.endswith("weight")} == pytest.approx(
        {
            "out": top,
            "encoder.norm": top,
            "encoder.blocks.2": top / 2,
            "encoder.blocks.1": top / 4,
            "encoder.blocks.0": top / 8,
            "encoder.embedding": top / 16,
        }
    )
    assert found.keys() == dict(model.named_parameters()).keys()
    listed = [group["lr"] for group in optimizer.param_groups]
    assert listed == sorted(listed, reverse=True)  # the one that is logged is the largest
    decays = {id(p): g["weight_decay"] for g in parameter_groups(model, 0.01) for p in g["params"]}
    assert all(decays[id(p)] == group["weight_decay"] for group in optimizer.param_groups for p in group["params"])


def test_a_head_has_a_rate_of_its_own_that_multiplies():
    model = deep()
    decay, head = layer_decay_factors(model, 0.5), head_factors(model, 10)
    found = rates(set_rate_factors(sgd(model, 0.1), model, {n: f * head[n] for n, f in decay.items()}), model)
    assert found["out.bias"] == pytest.approx(1.0)
    assert found["encoder.blocks.2.weight"] == pytest.approx(0.05)


@pytest.mark.parametrize("wrap", [lambda m: Sharded(m, m), lambda m: torch.compile(m, backend="eager")])
def test_names_are_those_of_the_model_inside_of_what_wraps_it(wrap):
    model = deep()
    assert layer_decay_factors(wrap(model), 0.5) == layer_decay_factors(model, 0.5)
    optimizer = set_rate_factors(adamw(wrap(model), 0.1), wrap(model), layer_decay_factors(model, 0.5))
    assert rates(optimizer, model)["encoder.embedding.weight"] == pytest.approx(0.1 / 16)


def test_a_frozen_parameter_is_in_no_group():
    model = deep()
    model.encoder.requires_grad_(False)
    optimizer = set_rate_factors(adamw(model, 0.1), model, layer_decay_factors(model, 0.5))
    assert rates(optimizer, model).keys() == {"out.weight", "out.bias"}


def test_a_step_moves_each_parameter_by_its_own_rate():
    model = deep()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = set_rate_factors(sgd(model, 0.1), model, layer_decay_factors(model, 0.5))
    loss = loss_of(model, next(iter(batches())))
    loss.backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    optimizer.step()
    for name, p in model.named_parameters():
        torch.testing.assert_close(p.detach(), before[name] - rates(optimizer, model)[name] * gradients[name])


def life(folder, resume, seed=0, steps=20):
    model = deep(seed)
    optimizer = set_rate_factors(adamw(model, 0.03), model, layer_decay_factors(model, 0.7))
    config = TrainConfig(steps=steps, log_every=1, schedule=lambda step: 1 - step / 20)
    with Run.open(folder, {}, resume=resume, save_interval=SaveInterval(steps=1, seconds=None)) as run:
        fit(model, batches(), loss_of, optimizer, config=config, run=run)
    return record(read_metrics(folder)), digest(model), [group["lr"] for group in optimizer.param_groups]


def test_a_training_with_groups_resumes_to_the_last_bit(tmp_path):
    whole = life(tmp_path / "whole", False)
    life(tmp_path / "cut", False, steps=9)
    assert life(tmp_path / "cut", True, seed=9) == whole


def test_a_model_of_blocks_of_ours_is_known():
    model = build("gpt", {"vocab_size": 31, "width": 8, "heads": 2, "depth": 2})
    found = layer_decay_factors(model, 0.5)
    assert found["embedding.weight"] == found["positions.weight"] == 0.125
    assert (found["blocks.0.attention.qkv.weight"], found["blocks.1.feed_forward.up.bias"]) == (0.25, 0.5)
    assert found["norm.weight"] == 1


@pytest.mark.parametrize("decay", [0, -0.5, 1.5])
def test_an_impossible_decay_is_refused(decay):
    with pytest.raises(UserError, match=f"by layer is {decay}, expected more than 0 and at most 1"):
        layer_decay_factors(deep(), decay)


def test_a_model_without_layers_or_head_is_refused():
    model = nn.Linear(3, 5)
    with pytest.raises(UserError, match="--layer-lr-decay is for models made of blocks"):
        layer_decay_factors(model, 0.5)
    with pytest.raises(UserError, match="--head-lr is for models with a head on an encoder"):
        head_factors(model, 2.0)
