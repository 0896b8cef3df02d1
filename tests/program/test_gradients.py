"""Gradients, first and second, against torch; loops and choices too."""

import numpy as np
import pytest
import torch

from lingon import program as p
from lingon.core.errors import UserError
from lingon.program import Variable, compile, gradient, scan
from lingon.program.derivatives import DERIVATIVES
from lingon.program.operators import OPERATORS

IDS = np.array([[1, 0, 2], [2, 2, -1]])
OPERATIONS = {
    "add": (lambda x, y: x + y, lambda x, y: x + y, [(3, 5), (5,)]),
    "subtract": (lambda x, y: x - y, lambda x, y: x - y, [(3, 1), (5,)]),
    "multiply": (lambda x, y: x * y, lambda x, y: x * y, [(3, 5), ()]),
    "divide": (lambda x, y: x / (y + 5), lambda x, y: x / (y + 5), [(3, 5), (3, 1)]),
    "remainder": (lambda x, y: x % (y * y + 1), lambda x, y: x % (y * y + 1), [(3, 5), (3, 5)]),
    "power": (lambda x, y: (x * x + 1) ** y, lambda x, y: (x * x + 1) ** y, [(3, 5), (5,)]),
    "maximum": (p.maximum, torch.maximum, [(3, 5), (5,)]),
    "minimum": (p.minimum, torch.minimum, [(3, 5), (5,)]),
    "absolute": (p.absolute, torch.abs, [(3, 5)]),
    "square": (p.square, torch.square, [(3, 5)]),
    "cube": (lambda x: x**3, lambda x: x**3, [(3, 5)]),
    "sqrt": (lambda x: p.sqrt(x * x + 1), lambda x: (x * x + 1).sqrt(), [(3, 5)]),
    "reciprocal": (lambda x: (x * x + 1) ** -1.0, lambda x: (x * x + 1) ** -1.0, [(3, 5)]),
    "exp": (p.exp, torch.exp, [(3, 5)]),
    "expm1": (p.expm1, torch.expm1, [(3, 5)]),
    "log": (lambda x: p.log(x * x + 1), lambda x: (x * x + 1).log(), [(3, 5)]),
    "log1p": (lambda x: p.log1p(x * x), lambda x: (x * x).log1p(), [(3, 5)]),
    "sin": (p.sin, torch.sin, [(3, 5)]),
    "cos": (p.cos, torch.cos, [(3, 5)]),
    "tan": (p.tan, torch.tan, [(3, 5)]),
    "arctan": (p.arctan, torch.arctan, [(3, 5)]),
    "sinh": (p.sinh, torch.sinh, [(3, 5)]),
    "cosh": (p.cosh, torch.cosh, [(3, 5)]),
    "tanh": (p.tanh, torch.tanh, [(3, 5)]),
    "sigmoid": (p.sigmoid, torch.sigmoid, [(3, 5)]),
    "relu": (p.relu, torch.relu, [(3, 5)]),
    "gelu": (p.gelu, lambda x: torch.nn.functional.gelu(x, approximate="tanh"), [(3, 5)]),
    "clip": (lambda x: p.clip(x, -0.5, 0.7), lambda x: x.clip(-0.5, 0.7), [(3, 5)]),
    "where": (lambda x, y: p.where(x > y, x * x, y), lambda x, y: torch.where(x > y, x * x, y), [(3, 5), (5,)]),
    "masked_fill": (lambda x: p.masked_fill(x, x > 0, 7.0), lambda x: x.masked_fill(x > 0, 7.0), [(3, 5)]),
    "detach": (lambda x: p.detach(x) * x, lambda x: x.detach() * x, [(3, 5)]),
    "sum": (lambda x: p.sum(x, 1), lambda x: x.sum(1), [(3, 5, 7)]),
    "mean": (lambda x: p.mean(x, (0, 2), True), lambda x: x.mean((0, 2), True), [(3, 5, 7)]),
    "max": (lambda x: p.max(x, (0, 1)), lambda x: x.amax((0, 1)), [(3, 5, 7)]),
    "min": (lambda x: p.min(x, -1, True), lambda x: x.amin(-1, True), [(3, 5, 7)]),
    "var": (lambda x: p.var(x, 1), lambda x: x.var(1, correction=0), [(3, 5)]),
    "cumsum": (lambda x: p.cumsum(x, 1), lambda x: x.cumsum(1), [(3, 5, 7)]),
    "softmax": (lambda x: p.softmax(x, 1), lambda x: x.softmax(1), [(3, 5, 7)]),
    "log_softmax": (p.log_softmax, lambda x: x.log_softmax(-1), [(3, 5)]),
    "logsumexp": (lambda x: p.logsumexp(x, 0), lambda x: x.logsumexp(0), [(3, 5)]),
    "layer_norm": (p.layer_norm, lambda x, w, b: torch.nn.functional.layer_norm(x, (5,), w, b), [(3, 5), (5,), (5,)]),
    "reshape": (lambda x: x.reshape(5, -1) * 2, lambda x: x.reshape(5, -1) * 2, [(3, 5)]),
    "transpose": (lambda x: x.transpose(2, 0, 1), lambda x: x.permute(2, 0, 1), [(3, 5, 7)]),
    "swapaxes": (lambda x: x.swapaxes(0, -1), lambda x: x.transpose(0, -1), [(3, 5, 7)]),
    "broadcast_to": (lambda x: p.broadcast_to(x, (7, 3, 5)), lambda x: x.expand(7, 3, 5), [(3, 1)]),
    "slice": (lambda x: x[1:, ::2, None, -1], lambda x: x[1:, ::2, None, -1], [(3, 5, 7)]),
    "backwards": (lambda x: x[..., ::-1], lambda x: x.flip(-1), [(3, 5)]),
    "concatenate": (lambda x, y: p.concatenate([x, y * y], 1), lambda x, y: torch.cat([x, y * y], 1), [(3, 5), (3, 2)]),
    "stack": (lambda x, y: p.stack([x, y], -1), lambda x, y: torch.stack([x, y], -1), [(3, 5), (3, 5)]),
    "embedding": (lambda x: p.embedding(x, IDS), lambda x: x[torch.from_numpy(IDS)], [(3, 5)]),
    "take": (lambda x: p.take(x, IDS, 1), lambda x: x[:, torch.from_numpy(IDS)], [(5, 3, 2)]),
    "take_along_axis": (
        lambda x: p.take_along_axis(x, IDS % 3, 1),
        lambda x: x.gather(1, torch.from_numpy(IDS % 3)),
        [(2, 3)],
    ),
    "matmul": (lambda x, y: x @ y, lambda x, y: x @ y, [(3, 5), (5, 7)]),
    "matmul_batch": (lambda x, y: x @ y, lambda x, y: x @ y, [(2, 1, 3, 5), (3, 5, 7)]),
    "matmul_vector": (lambda x, y: x @ y, lambda x, y: x @ y, [(5,), (2, 5, 7)]),
    "vector_matmul": (lambda x, y: x @ y, lambda x, y: x @ y, [(2, 3, 5), (5,)]),
    "dot": (lambda x, y: x @ y, lambda x, y: x @ y, [(5,), (5,)]),
    "conv1d": (
        lambda x, w, b: p.conv1d(x, w, b),
        lambda x, w, b: torch.nn.functional.conv1d(x, w, b),
        [(2, 3, 11), (5, 3, 4), (5,)],
    ),
    "conv1d_stride": (
        lambda x, w: p.conv1d(x, w, stride=2, padding=1),
        lambda x, w: torch.nn.functional.conv1d(x, w, stride=2, padding=1),
        [(2, 3, 10), (5, 3, 3)],
    ),
    "cast": (lambda x: x.astype("float32") * 2, lambda x: x.float() * 2, [(3, 5)]),
    "cross_entropy": (
        lambda x: p.cross_entropy(x, np.array([1, 4, 0])),
        lambda x: torch.nn.functional.cross_entropy(x, torch.tensor([1, 4, 0])),
        [(3, 5)],
    ),
    "attention": (
        lambda q, k: p.softmax(q @ k.swapaxes(-1, -2) / 2.0) @ k,
        lambda q, k: (q @ k.transpose(-1, -2) / 2.0).softmax(-1) @ k,
        [(2, 3, 5), (2, 7, 5)],
    ),
}


def arguments(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return {f"x{i}": rng.normal(size=shape) for i, shape in enumerate(shapes)}


def weighted(y):
    """A sum in which every number has a weight of its own, and counts squared, so that second derivatives differ."""
    return (y * y * np.cos(np.arange(float(np.prod(y.shape)))).reshape(y.shape)).sum()


def torch_weighted(y):
    return (y * y * torch.arange(float(y.numel()), dtype=torch.float64).cos().reshape(y.shape)).sum()


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "free"])
def test_values_first_and_second_derivatives_equal_torch(name, declared):
    ours, theirs, shapes = OPERATIONS[name]
    given = arguments(shapes)
    xs = [Variable(n, v.shape, v.dtype) if declared else Variable(n) for n, v in given.items()]
    ts = [torch.from_numpy(v).requires_grad_() for v in given.values()]
    y, t = ours(*xs), theirs(*ts)
    tolerance = 1e-5 if name == "cast" else 1e-9
    np.testing.assert_allclose(compile(y)(**given), t.detach().numpy(), rtol=tolerance, atol=tolerance)
    if not declared:  # the weights need the shape
        y, t = (y * y).sum(), (t * t).sum()
    else:
        y, t = weighted(y), torch_weighted(t)
    first = gradient(y, xs)
    wanted = torch.autograd.grad(t, ts, create_graph=True)
    for a, b in zip(first(**given), wanted, strict=True):
        assert a.dtype == np.float64
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=tolerance, atol=tolerance)
    total, reference = 0.0, 0.0
    for a, b in zip(first, wanted, strict=True):
        total, reference = (p.sin(a) * a).sum() + total, (b.sin() * b).sum() + reference
    second = gradient(total, xs)(**given)
    for a, b in zip(second, torch.autograd.grad(reference, ts), strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=tolerance * 100, atol=tolerance * 100)


def test_every_operator_has_a_derivative_or_no_real_result():
    whole = {n for n, o in OPERATORS.items() if n.startswith(("logical", "bitwise", "is", "arg"))}
    whole |= {"any", "all", "invert", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
    assert set(OPERATORS) - whole == set(DERIVATIVES)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrent_network_by_scan_equals_torch(reverse):
    given = {"x": (7, 2, 3), "W": (3, 5), "U": (5, 5), "h0": (2, 5)}
    given = {n: np.random.default_rng(i).normal(size=s) * 0.5 for i, (n, s) in enumerate(given.items())}
    xs = {n: Variable(n) for n in given}

    def step(h, x):
        new = p.tanh(x @ xs["W"] + h @ xs["U"])
        return new, p.where(new > 0, new * 2.0, new)

    last, hs = scan(step, xs["h0"], xs["x"], reverse)
    loss = (hs * hs).sum() + p.sin(last).sum()
    ts = {n: torch.from_numpy(v).requires_grad_() for n, v in given.items()}
    h, collected = ts["h0"], []
    for x in ts["x"].flip(0) if reverse else ts["x"]:
        h = torch.tanh(x @ ts["W"] + h @ ts["U"])
        collected.append(torch.where(h > 0, h * 2, h))
    stacked = torch.stack(collected[::-1] if reverse else collected)
    reference = (stacked * stacked).sum() + h.sin().sum()
    np.testing.assert_allclose(compile(loss)(**given), reference.item())
    np.testing.assert_allclose(compile(hs)(x=given["x"], W=given["W"], U=given["U"], h0=given["h0"]), stacked.detach())
    first = gradient(loss, list(xs.values()))
    wanted = torch.autograd.grad(reference, list(ts.values()), create_graph=True)
    for a, b in zip(first(**given), wanted, strict=True):
        np.testing.assert_allclose(a, b.detach(), rtol=1e-9, atol=1e-12)
    second = gradient(p.sum(first[1] * first[1]), [xs["U"], xs["x"]])
    again = torch.autograd.grad((wanted[1] * wanted[1]).sum(), [ts["U"], ts["x"]])
    for a, b in zip(second(**given), again, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_loops_in_loops_several_states_and_nothing_collected():
    x = Variable("x")

    def row(state, r):
        total, count = state
        inner, _ = scan(lambda s, v: (s * 0.5 + v * total, None), np.zeros(()), r)
        return (total + inner, count + 1), inner

    (total, count), each = scan(row, (np.ones(()), np.array(0)), x)
    given = np.random.default_rng(0).normal(size=(3, 5))
    t = torch.from_numpy(given).requires_grad_()
    s, collected = torch.ones((), dtype=torch.float64), []
    for r in t:
        inner = torch.zeros((), dtype=torch.float64)
        for v in r:
            inner = inner * 0.5 + v * s
        collected.append(inner)
        s = s + inner
    found = compile([total, count, each])(x=given)
    np.testing.assert_allclose(found[0], s.item())
    assert found[1] == 3
    np.testing.assert_allclose(found[2], torch.stack(collected).detach())
    np.testing.assert_allclose(gradient(total, x)(x=given), torch.autograd.grad(s, t)[0])


def test_a_loop_of_no_turns_gives_back_its_state():
    x = Variable("x")
    last, ys = scan(lambda s, v: (s + v, s), np.ones(3), x)
    a, b = compile([last, ys])(x=np.zeros((0, 3)))
    assert a.tolist() == [1, 1, 1]
    assert b.shape == (0, 3)


def test_seeds_unused_inputs_and_intermediate_expressions():
    x, y = Variable("x"), Variable("y")
    h = x * y
    z = p.exp(h)
    given = {"x": np.array([1.0, 2.0]), "y": np.array([3.0, 0.5])}
    np.testing.assert_allclose(gradient(z, [h])(**given)[0], np.exp([3.0, 1.0]))
    np.testing.assert_allclose(gradient(z, "x", seed=np.array([1.0, 10.0]))(**given), [3 * np.exp(3), 5 * np.e])
    a, b = gradient(compile(h), ["x", "y"])(**given)
    assert (a.tolist(), b.tolist()) == ([3, 0.5], [1, 2])
    with pytest.raises(UserError, match=r"exp\(x \* y\) does not depend on w"):
        gradient(z, [Variable("w")])
    with pytest.raises(UserError, match="x is int64, and a gradient is with respect to floating-point"):
        gradient((x * 1.5).sum(), [x])(x=np.arange(3))
    with pytest.raises(UserError, match="unknown variable 'xx'"):
        gradient(z, "xx")


def test_the_facts_of_calculus():
    x = Variable("x")
    at = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(gradient(2 * x**2, x)(x=at), [[4, 8], [12, 16]])
    f = p.exp(x) + x
    first = gradient(f, x)
    np.testing.assert_allclose(first(x=1.0), np.e + 1)
    np.testing.assert_allclose(gradient(first, x)(x=1.0), np.e)
