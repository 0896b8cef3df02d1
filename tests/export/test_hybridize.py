"""A hybrid says what the model says; where it cannot be made, it says which line hinders and what to write."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.export import Dim

import lingon
from lingon.core.errors import UserError
from lingon.export import hybridize as module
from lingon.export.hybridize import Hybrid, hybridize
from lingon.export.one_lstm import with_one_lstms
from lingon.export.trace import trace
from tests.contracts.test_classifiers import SIZES, kind_of, made


class Branch(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x + 1
        return x


class Item(nn.Module):
    def forward(self, x):
        return x * int(x.max())


class Numpy(nn.Module):
    def forward(self, x):
        return torch.from_numpy(np.exp(x.numpy()))


class While(nn.Module):
    def forward(self, x):
        while x.max() > 1:
            x = x / 2
        return x


class Loop(nn.Module):
    def forward(self, x):
        y = x[:, 0]
        for t in range(x.shape[1]):
            y = y / 2 + x[:, t]
        return y


class Taller(nn.Module):
    """Another formula where a batch is higher than wide."""

    def forward(self, x):
        return x * 2 if x.shape[0] > x.shape[1] else x * 3


@pytest.fixture
def without_a_compiler(monkeypatch):
    """The traced graph itself as the program, and a clock that finds it twice as fast."""
    monkeypatch.setattr(module, "_compiled", lambda traced: traced.module())
    monkeypatch.setattr(module, "_seconds", lambda model, program, inputs: ([2.0], [1.0]))


@pytest.mark.parametrize(
    ("model", "line", "remedy"),
    [
        (Branch(), "if x.sum() > 0:", "write torch.where"),
        (Item(), "return x * int(x.max())", "keep it a tensor"),
        (Numpy(), "np.exp(x.numpy())", "the function of torch that does the same"),
        (While(), "while x.max() > 1:", "run all steps and keep those that count"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_cannot_be_traced_is_told_its_line_and_a_way_out(model, line, remedy):
    x = torch.rand(3, 5)
    with pytest.warns(UserWarning, match="runs as it is: .* cannot be traced: test_hybridize.py:") as said:
        hybrid = hybridize(model, x)
    assert line in str(said[0].message)
    assert remedy in str(said[0].message)
    assert torch.equal(hybrid(x), model(x))
    assert line in repr(hybrid)


def test_a_size_that_must_vary_and_cannot_is_told_its_line():
    with pytest.raises(UserError, match=r"hybridize.py:\d+: `for t in range.*`: a loop over a size"):
        trace(Loop(), [torch.rand(3, 5)], Dim.DYNAMIC)


def test_a_loop_over_a_size_is_compiled_for_that_size_alone(without_a_compiler):
    hybrid = hybridize(Loop(), torch.rand(3, 5))
    assert hybrid.reason is None
    for shape in [(3, 5), (7, 5), (3, 11), (1, 1)]:
        x = torch.rand(shape)
        torch.testing.assert_close(hybrid(x), Loop()(x))


def test_a_branch_on_sizes_is_kept_on_its_side(without_a_compiler):
    hybrid = hybridize(Taller(), torch.rand(5, 3))
    assert hybrid.reason is None
    for shape in [(5, 3), (11, 7), (3, 5), (2, 2), (1, 1)]:
        x = torch.rand(shape)
        assert torch.equal(hybrid(x), Taller()(x))


@pytest.mark.parametrize("name", ["textcnn", "bilstm", "self_attentive"])
def test_every_model_is_traced_for_all_sizes(name, without_a_compiler):
    model = made(name).eval()
    ids = torch.randint(1, 61, (5, 13))
    mask = torch.arange(13) < torch.tensor([[13], [7], [0], [2], [11]])
    hybrid = hybridize(model, [ids * mask, mask])
    assert hybrid.reason is None
    for rows, length in [(5, 13), (3, 7), (1, 2), (2, 1), (1, 1)]:
        inputs = (ids * mask)[:rows, :length], mask[:rows, :length]
        with torch.no_grad():
            torch.testing.assert_close(hybrid(*inputs), model(*inputs), rtol=1e-4, atol=1e-5)


def test_ngrams_run_as_they_are_and_say_why():
    model = made("ngrams")
    ids = torch.randint(1, 61, (3, 7))
    with pytest.warns(UserWarning, match=r"NGrams runs as it is: .* ngrams.py:\d+"):
        hybrid = hybridize(model, [ids, ids > 0])
    assert torch.equal(hybrid(ids, ids > 0), model(ids, ids > 0))


def test_a_program_that_differs_is_not_used(monkeypatch):
    monkeypatch.setattr(module, "_compiled", lambda traced: lambda x: x + (1e-3 if len(x) == 1 else 0))
    with pytest.warns(UserWarning, match=r"gives other numbers than the model for inputs of \[1, 5\]"):
        hybrid = hybridize(nn.Identity(), torch.rand(3, 5))
    assert torch.equal(hybrid(torch.ones(1, 5)), torch.ones(1, 5))


def test_a_program_that_does_not_pay_is_not_used_and_says_its_times(monkeypatch):
    monkeypatch.setattr(module, "_compiled", lambda traced: traced.module())
    monkeypatch.setattr(module, "_seconds", lambda model, program, inputs: ([0.003] * 3, [0.005] * 3))
    with pytest.warns(UserWarning, match="the program takes 5 ms and the model 3 ms: it does not pay"):
        hybrid = hybridize(nn.Linear(3, 5), torch.rand(7, 3))
    assert hybrid.times_as_fast == pytest.approx(3 / 5)


def test_training_and_changed_weights_go_to_the_model(without_a_compiler):
    model = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.5))
    x = torch.rand(7, 3)
    hybrid = hybridize(model, x)
    assert model.training
    assert hybrid(x).requires_grad
    model.eval()
    assert not hybrid(x).requires_grad
    with torch.no_grad():
        model[0].weight.add_(1)
    with pytest.warns(UserWarning, match="the weights have changed since; call hybridize again"):
        torch.testing.assert_close(hybrid(x), model(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hybrid(x)


def test_a_model_is_left_as_it_was_part_by_part(without_a_compiler):
    model = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.5), nn.BatchNorm1d(5))
    model[2].eval()  # as one keeps statistics that shall not move
    model[0].held = open(__file__)
    with model[0].held:
        assert hybridize(model, torch.rand(7, 3)).reason is None
    assert [part.training for part in model] == [True, True, False]
    assert model.training


def test_inputs_of_another_kind_go_to_the_model(without_a_compiler):
    hybrid = hybridize(nn.Identity(), torch.rand(3, 5))
    assert hybrid(torch.ones(3, 5, dtype=torch.int64)).dtype == torch.int64
    assert hybrid(torch.ones(3, 5, 7)).shape == (3, 5, 7)


@pytest.mark.parametrize(
    ("model", "example", "said"),
    [
        (len, torch.ones(3), "takes an nn.Module, not a builtin_function"),
        (nn.Identity(), [3, 5], "input 0 of the example is a int; expected a tensor"),
        (nn.Identity(), [], r"the example is '\[\]'"),
    ],
)
def test_anything_but_a_module_and_tensors_is_refused(model, example, said):
    with pytest.raises(UserError, match=said):
        lingon.hybridize(model, example)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("first", [False, True])
def test_an_lstm_as_one_operator_is_the_same(turned, depth, first):
    lstm = nn.LSTM(3, 5, depth, batch_first=first, bidirectional=turned)
    one, x = with_one_lstms(lstm), torch.rand(7, 11, 3)
    state = torch.rand(depth * (1 + turned), 7 if first else 11, 5)
    with torch.no_grad():
        torch.testing.assert_close(one(x), lstm(x), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(one(x, (state, state)), lstm(x, (state, state)), rtol=1e-4, atol=1e-5)
    assert next(one.parameters()) is next(lstm.parameters())


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in SIZES if name != "ngrams"])
def test_every_model_compiled(name):
    """With a real compiler, and sizes large enough to pay."""
    model = made(name).eval()
    ids = torch.randint(1, 61, (5, 13))
    mask = torch.arange(13) < torch.tensor([[13], [7], [0], [2], [11]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hybrid = hybridize(model, [ids * mask, mask])
    assert isinstance(hybrid, Hybrid)
    assert hybrid.reason is None or "does not pay" in hybrid.reason
    assert hybrid.difference < 1e-4
    with torch.no_grad():
        torch.testing.assert_close(hybrid(ids * mask, mask), model(ids * mask, mask), rtol=1e-4, atol=1e-5)
    assert kind_of(name) in ("bag", "textcnn", "bilstm", "self_attentive")
