"""Mistakes are told with the expression, the shapes, and the user's own line."""

import subprocess
import sys

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.program import Variable, compile, concatenate, conv1d, gradient, scan, take, where

X, W = Variable("X", (3, 5), "float32"), Variable("W", (7, 2), "float32")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: X @ W,
            r"X @ W: .*has 5, .* 7; .*X is float32\[3, 5\], W is float32\[7, 2\] \(test_errors.py:\d+: .*X @ W",
        ),
        (lambda: X + W, r"X \+ W: .*axis -2 has 3 and 7.*W is float32\[7, 2\]"),
        (lambda: X.reshape(4, 4), r"15 numbers cannot be given the shape \[4, 4\]"),
        (lambda: X.sum(2), "there is no axis 2 in an array of 2"),
        (lambda: X[3], "index 3 is outside axis 0, which has 3"),
        (lambda: X[0, 0, 0], "3 indices for 2 axes"),
        (lambda: X[X > 0], r"use where\(mask, x, 0\)"),
        (lambda: take(X, X), "places must be whole numbers and are float32"),
        (lambda: concatenate([X, W]), "all shapes must be equal but for axis 0"),
        (lambda: conv1d(X, W), r"conv1d wants x \[batch, width, time\]"),
        (lambda: X.astype("float31"), "unknown dtype 'float31'"),
        (lambda: bool(X > 0), r"X > 0: an expression is neither true nor false.*use where"),
        (lambda: list(X), "cannot be looped over"),
        (lambda: float(X), "has no number before the program runs"),
        (lambda: np.asarray(X), "has no numbers before the program runs"),
        (lambda: np.hypot(X, X), "np.hypot has no operator"),
        (lambda: X << 1, "unsupported operand"),
        (lambda: Variable("not a name"), "cannot be given by keyword"),
        (lambda: Variable("x", (-1,)), "not negative"),
        (lambda: Variable("x").shape, "its shape is known only when the program is called"),
        (lambda: X + np.array(["a"]), "programs know no numbers"),
        (lambda: X + np.ma.array([1, 2], mask=[0, 1]), "whose mask would be lost"),
        (lambda: compile([]), "nothing to compile"),
        (lambda: compile([Variable("a"), Variable("a", (3,))]), r"two variables 'a'.*declare it once"),
        (lambda: scan(lambda s, x: s, X, X), r"must return a pair"),
        (lambda: scan(lambda s, x: ((s, s), x), X, X), r"given 1 states and returned 2"),
        (lambda: scan(lambda s, x: (s.sum(), x), np.zeros(3), X), r"float64\[3\] before a turn and float64\[\] after"),
        (lambda: gradient(compile([X, W]), X), "a gradient is of one expression"),
        (lambda: X.reshape(3, 1, 5) + np.zeros((3, 4, 1)) @ np.ones((1, 2)), "cannot be broadcast"),
    ],
)
def test_a_mistake_is_named(make, message):
    with pytest.raises((UserError, TypeError), match=message):
        make()


def test_types_that_do_not_fit_at_a_call_name_the_line_of_the_expression():
    a, b = Variable("a"), Variable("b")
    product = a @ b  # the line that is told
    f = compile(product + 1)
    with pytest.raises(UserError, match=r"a @ b: .*a is float64\[3, 5\].*test_errors.py:\d+: product = a @ b"):
        f(a=np.ones((3, 5)), b=np.ones((3, 5)))


def test_missing_and_unknown_variables_are_listed():
    f = compile(Variable("alpha") + Variable("beta"))
    with pytest.raises(
        UserError, match=r"no value for beta; there is no variable 'bta' \(did you mean 'beta'.*alpha, beta"
    ):
        f(alpha=1.0, bta=2.0)


def test_declared_shapes_and_letters_are_held_to():
    x, y = Variable("x", ("B", 3), "float32"), Variable("y", ("B",), "float32")
    f = compile(x.sum(1) + y)
    one = np.ones((5, 3), np.float32)
    assert f(x=one, y=one[:, 0]).shape == (5,)
    with pytest.raises(UserError, match="B is 5 in x and 7 in y"):
        f(x=one, y=np.ones(7, np.float32))
    with pytest.raises(UserError, match=r"x was declared with shape \[B, 3\] and is float32\[5\]"):
        f(x=one[:, 0], y=one[:, 0])
    with pytest.raises(UserError, match="x was declared as float32 and is float64"):
        f(x=np.ones((5, 3)), y=one[:, 0])


def test_what_goes_wrong_while_it_runs_names_the_expression():
    x, ids = Variable("x"), Variable("ids")
    f = compile(take(x, ids) * 2)
    with pytest.raises(UserError, match=r"take\(x, ids.*: place 9 is outside an axis of 3"):
        f(x=np.ones((3, 5)), ids=np.array([0, 9]))
    with pytest.raises(UserError, match="negative integer powers"):
        compile(x**-1)(x=np.arange(3))


@pytest.mark.parametrize("value", [np.ones(3, complex), np.array([object()]), ["a"], [[1], [1, 2]], None])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(UserError, match="x "):
        compile(Variable("x") * 2)(x=value)


def test_no_room_is_told_before_memory_is_taken():
    x = Variable("x")
    f = compile(where(x[:, None] > x, x, 0.0).sum())
    with pytest.raises(UserError, match=r"the program would take [\d,]+ bytes, and this machine has"):
        f.plan(x=((10**6,), "float64"))
    with pytest.raises(UserError, match="at most 281,474,976,710,656 numbers"):
        f.plan(x=((10**9,), "float64"))


def test_byte_order_lists_and_numbers_are_understood():
    f = compile(Variable("x") + 1)
    assert f(x=np.arange(3, dtype=">f4")).dtype == np.float32
    assert f(x=[1, 2]).tolist() == [2, 3]
    assert f(x=2.5) == 3.5
    assert compile(Variable("x", (), "float32") + 1)(x=2).dtype == np.float32


def test_numpy_functions_build_expressions():
    x = Variable("x")
    built = np.exp(x) + np.ones(3) * x - np.float32(2) / np.maximum(x, 0)
    given = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(compile(built)(x=given), np.exp(given) + given - 2 / given)


def test_torch_is_not_imported_and_tensors_are_understood():
    code = "import sys, numpy as np, lingon.program as p; x = p.Variable('x'); p.compile(p.exp(x))(x=np.ones(3)); "
    code += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    import torch

    x = torch.randn(3, 5, requires_grad=True)
    f = compile([Variable("x") * 2, Variable("y").T])
    a, b = f(x=x, y=np.ones((3, 5)))
    assert torch.equal(a, x.detach() * 2)
    assert isinstance(b, torch.Tensor)
    assert b.shape == (5, 3)
    with pytest.raises(UserError, match=r"x cannot be read as an array.*x.float\(\)"):
        f(x=x.bfloat16(), y=x)
