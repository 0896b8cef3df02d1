"""The parts of a training by name: each row makes what it says, and uses the options that it names."""

import inspect
import math
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lingon.data.tokenizer_table import TOKENIZERS, train_tokenizer
from lingon.data.tokenizers import Tokenizer
from lingon.engine.average import EMA, NTASGD, SWA
from lingon.engine.training_parts import AVERAGES, OPTIMIZERS, PRECISIONS, SCHEDULES, make_optimizer
from lingon.models.registry import MODELS, get_entry

TEXTS = ["the cat sat on the mat", "a cat and a mat , not a cat"] * 3


@pytest.mark.parametrize("name", [name for name, row in OPTIMIZERS.items() if row.gradient])
def test_an_optimizer_lowers_a_loss_and_uses_the_options_of_its_row(name):
    row = OPTIMIZERS[name]
    torch.manual_seed(0)
    model, x = nn.Linear(3, 5), torch.randn(7, 3)
    optimizer = make_optimizer(name, model, 0.01, SimpleNamespace(weight_decay=0.25, epochs=3))
    decays = {group["weight_decay"] for group in optimizer.param_groups if "weight_decay" in group}
    assert (0.25 in decays) == ("weight_decay" in row.options)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = model(x).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    known = inspect.signature(getattr(import_module(row.module), name)).parameters
    assert {"lr", *row.options} <= known.keys()


def test_every_model_has_an_optimizer_of_the_table():
    assert {get_entry(name).optimizer for name in MODELS} <= OPTIMIZERS.keys()


def test_schedules_rise_and_then_do_what_they_are_called():
    rise, steps = 5, 25
    found = {name: [make(rise, steps)(step) for step in range(steps + 1)] for name, make in SCHEDULES.items()}
    for factors in found.values():
        assert factors[:rise] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    middle, end = rise + 10, steps
    assert {name: (factors[middle], factors[end]) for name, factors in found.items()} == {
        "constant": (1.0, 1.0),
        "linear": (pytest.approx(0.5), pytest.approx(0.0)),
        "cosine": (pytest.approx(0.5), pytest.approx(0.0, abs=1e-12)),
        "inverse_sqrt": (pytest.approx(math.sqrt(5 / 15)), pytest.approx(math.sqrt(5 / 25))),
    }


def test_averages_and_precisions_are_of_their_names():
    made = {name: make(40) for name, make in AVERAGES.items()}
    assert made == {"none": None, "ema": EMA(), "swa": SWA(start=30), "nt": NTASGD(2)}
    assert {name: make().dtype for name, make in PRECISIONS.items()} == {
        name: getattr(torch, name) for name in PRECISIONS
    }


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_tokenizer_of_the_table_is_trained_by_its_name(name):
    tokenizer = train_tokenizer(name, TEXTS, 300)
    assert isinstance(tokenizer, Tokenizer)
    assert tokenizer.decode(tokenizer.encode("the cat")) == "the cat"
    assert len(tokenizer.vocab) <= max(300, TOKENIZERS[name].least)
