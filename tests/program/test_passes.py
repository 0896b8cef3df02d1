"""What the passes do to a graph, and what they must leave alone."""

import numpy as np
import pytest

from lingon.program import Variable, compile, exp, gradient, maximum, scan, where
from lingon.program.expression import apply_operator
from lingon.program.topological_order import topological_order

KINDS = {"float64": np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5]), "int64": np.array([0, 3, -5])}


def operators(roots, **types):
    """The operators that are left, sorted."""
    plan = compile(roots).plan(**types)
    return sorted(n.op for n in topological_order(plan.roots) if n.inputs)


X = Variable("x")


def negative(x):
    return apply_operator("negative", [x])


@pytest.mark.parametrize(
    ("built", "left_real", "left_whole"),
    [
        (X * 1, [], []),
        (X * 0, ["multiply"], ["broadcast_to"]),
        (X + 0, ["add"], []),
        (X - 0, [], []),
        (X + -0.0, [], ["add"]),
        (X / 1, [], ["divide"]),
        (X - X, ["subtract"], ["subtract"]),
        (X / X, ["divide"], ["divide"]),
        (X == X, ["equal"], ["equal"]),
        (-negative(X), [], []),
        (X / 4, ["multiply"], ["multiply"]),
        (X / 3, ["divide"], ["divide"]),
        (maximum(X, X), [], []),
        (where(X > 0, X, X), [], []),
        (X.T.T, [], []),
        (X.reshape(-1).reshape(X.shape) if X.type else X.reshape(-1, 1).reshape(-1), [], []),
        (exp(X) * exp(X), ["exp", "multiply"], ["exp", "multiply"]),
        (X * (np.float32(2) + np.arange(3)[1] * 3), ["multiply"], ["multiply"]),
        (X[:], [], []),
    ],
)
def test_algebra_is_exact_for_nan_infinity_and_minus_zero(built, left_real, left_whole):
    for dtype, left in (("float64", left_real), ("int64", left_whole)):
        values = KINDS[dtype]
        assert operators(built, x=values) == left
        with np.errstate(all="ignore"):
            plain = compile(built, optimise=False)(x=values)
        found = compile(built)(x=values)
        np.testing.assert_array_equal(found, plain)
        if dtype == "float64" and found.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(found), np.signbit(plain))
        assert found.dtype == plain.dtype


def test_a_chain_becomes_one_step_and_its_gradient_too():
    x, y = Variable("x"), Variable("y")
    z = exp(x * y) + x / (y * y + 1)
    one = np.ones((3, 5))
    assert len(compile(z).plan(x=one, y=one).steps) == 1
    both = compile([z, *gradient(z, [x, y])])
    assert [len(step.outputs) for step in both.plan(x=one, y=one).steps if step.outputs] == [3]


def test_what_a_loop_collects_for_nobody_is_not_collected():
    x = Variable("x")
    last, _ = scan(lambda s, v: (s + v, exp(s)), np.zeros(()), x)
    (step,) = compile(last).plan(x=np.ones(7)).steps
    assert len(step.outputs) == 1
    assert [n.op for n in step.body.nodes if n.inputs] == ["add"]


def test_constants_are_computed_once():
    table = np.arange(15.0).reshape(3, 5)
    built = X + (exp(Variable("y") * 0 + 1) * 0 + np.sqrt(2.0)) * 0 + (compile(X)[0] * 0 + table.sum()) * 0
    assert "sum" not in operators(built, x=np.ones(5), y=np.ones(5))
