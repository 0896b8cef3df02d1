"""Every name that scratch shares with torch means what torch means by it, however it is called, or is refused."""

import warnings

import numpy as np
import pytest
import torch

import lingon.scratch as scratch
from lingon.core.errors import UserError
from tests.scratch.arrays import same
from tests.scratch.calls import PLACES, calls, shared
from tests.scratch.outcomes import outcome

NAMES = [(place, name) for place in PLACES for name in shared(place)]
PAIRS = 25  # calls with two arguments more, of each name


def test_the_names_are_those_that_a_reader_may_type():
    found = {f"{place}.{name}".strip(".") for place, name in NAMES}
    assert {"norm", "Tensor.norm", "Tensor.__add__", "nn.functional.cross_entropy", "nn.Linear", "optim.SGD"} <= found
    assert len(found) > 300


@pytest.mark.parametrize(("place", "name"), NAMES, ids=[f"{place}.{name}".strip(".") for place, name in NAMES])
def test_a_shared_name_means_what_torch_means_or_is_refused(place, name):
    equal, wrong = 0, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's of what it will no longer do
        for i, call in enumerate(calls(place, name, PAIRS)):
            found = outcome(call, grad=i % 2 == 0)
            equal += found == "equal"
            if found not in ("equal", "refused"):
                wrong.append(f"{call}: {found}")
    assert not wrong, "\n".join(wrong[:20])
    assert equal, "every call was refused"


def test_calls_that_once_meant_something_else():
    x = scratch.tensor([[3.0, -4.0], [0.0, 12.0]])
    assert x.norm(1).item() == 3 + 4 + 12  # the second argument is p, not dim
    assert x.norm(2).item() == 13
    assert x.norm(2, dim=1).tolist() == [5, 12]
    assert x.norm(float("inf"), 0).tolist() == [3, 12]
    assert x.var(0, False).tolist() == [1.5**2, 8**2]  # unbiased, not keepdim
    assert x.std(0, False).tolist() == [1.5, 8]
    assert x.var(False).item() == np.var([3, -4, 0, 12])
    assert x.sum(axis=1).tolist() == [-1, 12]
    assert scratch.tensor([1.0, np.nan, 2.0]).argsort(descending=True).tolist() == [1, 2, 0]
    truth = scratch.tensor([True, False])
    assert (truth.square().dtype, (truth**2).dtype, truth.square().tolist()) == (scratch.int64, scratch.int64, [1, 0])
    assert x.to(None) is x
    assert (scratch.tensor([1]) + scratch.tensor([0.5])).dtype == scratch.float32  # not the wider of the two
    ids = scratch.tensor([[5, 6], [7, 8]])
    assert ids[(1, (0, 1))].tolist() == [7, 8]
    assert ids[((0, 1), (1, 0))].tolist() == [6, 7]
    ids[(0, (0, 1))] = 0
    assert ids.tolist() == [[0, 0], [7, 8]]


@pytest.mark.parametrize(("call", "named"), [
    (lambda x: scratch.nn.functional.softmax(x, None), "'dim' is a whole number, not None"),
    (lambda x: scratch.linspace(0, 5, 3, dtype=scratch.bool), "'dtype' is not bool"),
    (lambda x: x.sum("rows"), "'dim' is a whole number or a list of them, not 'rows'|several or None, not 'rows'"),
    (lambda x: x.sum(0, keepdim=1), "'keepdim' is True or False, not 1"),
    (lambda x: x.sum(out=x), "has no argument 'out' here; it has dim, keepdim, dtype"),
    (lambda x: x.to("float64"), "a dtype is written without quotes"),
    (lambda x: x.exp(1), "takes at most 0 arguments"),
    (lambda x: x.max(keepdim=True), "'keepdim' only together with 'dim'"),
    (lambda x: scratch.optim.SGD([x], lr=0.1, momentum=-1), "'momentum' is 0 or more, not -1"),
    (lambda x: scratch.nn.Linear(3, "5"), "'out_features' is a whole number, not '5'"),
    (lambda x: x.norm("nuc"), "'p' is a number or 'fro', not 'nuc'"),
])  # fmt: skip
def test_a_refusal_names_the_argument(call, named):
    with pytest.raises(UserError, match=named):
        call(scratch.tensor([[3.0, -4.0]]))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_ignored_class_counts_in_no_loss(reduction):
    logits = np.random.default_rng(0).normal(size=(5, 3))
    results = []
    for T in (scratch, torch):
        x, target = T.tensor(logits, requires_grad=True), T.tensor([0, 2, 1, 2, 0])
        loss = T.nn.functional.cross_entropy(x, target, ignore_index=2, label_smoothing=0.1, reduction=reduction)
        more = T.nn.functional.nll_loss(x.log_softmax(1), target, ignore_index=0, reduction=reduction)
        module = T.nn.CrossEntropyLoss(ignore_index=2, reduction=reduction)(x, target)
        (loss.sum() + more.sum() + module.sum()).backward()
        results.append((loss, more, module, x.grad))
    same(*results)
