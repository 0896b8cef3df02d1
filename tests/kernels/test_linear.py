"""Linear layers by oneDNN: PyTorch's values and gradients, whatever lies where, and where nothing may change."""

import pytest
import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile

from lingon.kernels import linear as layer
from lingon.kernels.linear import OneDNNLinear, onednn_linear

ROWS, WIDE, NARROW = 211, 193, 127  # above LEAST numbers, and above WORTH multiplications
pytestmark = pytest.mark.skipif(not layer.ONEDNN, reason="this PyTorch has no oneDNN")


def by_onednn(act):
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        act()
    return sum(event.name == "mkldnn::_linear_pointwise" for event in seen.events())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), [(WIDE, NARROW), (NARROW, WIDE)])
def test_values_and_gradients_are_those_of_torch(inputs, outputs, bias):
    torch.manual_seed(0)
    own, x = OneDNNLinear(inputs, outputs, bias), torch.randn(3, 5, ROWS, inputs)
    exact = torch.nn.Linear(inputs, outputs, bias).double()
    exact.load_state_dict(own.state_dict())
    upstream, found = torch.randn(3, 5, ROWS, outputs), []
    for module, kind in ((own, torch.float32), (exact, torch.float64)):
        given = x.to(kind).detach().clone().requires_grad_()
        out = module(given)
        out.backward(upstream.to(kind))
        found.append([out, given.grad, *(p.grad for p in module.parameters())])
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()
    assert by_onednn(lambda: own(x.clone().requires_grad_()).sum().backward()) == 3


def test_rows_that_lie_apart_and_factors_without_gradients():
    torch.manual_seed(0)
    x, weight = torch.randn(NARROW, ROWS).T.expand(3, -1, -1), torch.randn(2 * WIDE, NARROW)[::2]
    torch.testing.assert_close(onednn_linear(x, weight), F.linear(x, weight))
    weight = weight.clone().requires_grad_()
    onednn_linear(x, weight).sum().backward()
    torch.testing.assert_close(weight.grad, x.sum((0, 1)).expand(WIDE, -1), rtol=1e-4, atol=1e-3)


def test_the_gradient_of_a_gradient(monkeypatch):
    monkeypatch.setattr(layer, "LEAST", 0)
    monkeypatch.setattr(layer, "WORTH", 0)
    torch.manual_seed(0)
    given = [torch.randn(*shape, requires_grad=True) for shape in ((5, 3), (7, 3), (7,))]
    found = []
    for function in (onednn_linear, F.linear):
        (first,) = torch.autograd.grad(function(*given).tanh().sum(), given[0], create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), given[:2]))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_other_precisions_are_left_to_torch(kind):
    torch.manual_seed(0)
    x, weight = torch.randn(ROWS, NARROW), torch.randn(WIDE, NARROW)
    assert torch.equal(onednn_linear(x.to(kind), weight.to(kind)), F.linear(x.to(kind), weight.to(kind)))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(onednn_linear(x, weight), F.linear(x, weight))


def test_small_products_are_left_to_torch():
    assert by_onednn(lambda: onednn_linear(torch.randn(2, NARROW), torch.randn(WIDE, NARROW))) == 0


def test_what_is_exported_has_none_of_it_and_any_number_of_rows():
    module, rows = OneDNNLinear(NARROW, WIDE), torch.export.Dim("rows", min=2)
    exported = torch.export.export(module, (torch.randn(ROWS, NARROW),), dynamic_shapes=({0: rows},))
    assert [str(node.target) for node in exported.graph.nodes if node.op == "call_function"] == ["aten.linear.default"]
    for size in (3, 3 * ROWS):
        x = torch.randn(size, NARROW)
        torch.testing.assert_close(exported.module()(x), module(x))


def test_rows_that_overlap_and_what_need_not_be_kept():
    x = torch.randn(ROWS + NARROW, requires_grad=True)
    weight = torch.randn(NARROW - 1, NARROW, requires_grad=True)
    found = []
    for function in (onednn_linear, F.linear):
        function(x.unfold(0, NARROW, 1), weight).square().sum().backward()
        found.append((x.grad, weight.grad))
        x.grad = weight.grad = None
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-2)
    frozen = onednn_linear(torch.randn(ROWS, NARROW, requires_grad=True), torch.randn(WIDE, NARROW))
    assert [kept is None for kept in frozen.grad_fn.next_functions[0][0].saved_tensors] == [True, False]
