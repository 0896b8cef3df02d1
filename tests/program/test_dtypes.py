"""The dtype of every result is the one that NumPy gives, and so are the numbers."""

import itertools

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.program import Variable, compile, where
from lingon.program.elementwise import UFUNCS
from lingon.program.expression import apply_operator
from lingon.program.operator_types import DTYPES

DTYPE_PAIRS = list(itertools.product(DTYPES, DTYPES))
NUMBERS = (True, 2, 2.5, -1)


def values(dtype, seed=0):
    return np.random.default_rng(seed).integers(1, 4, (3, 5)).astype(dtype)


def same(ours, theirs):
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", UFUNCS)
def test_elementwise_operators_follow_numpy_for_every_pair_of_dtypes(name):
    ufunc = getattr(np, name)
    x, y = Variable("x"), Variable("y")
    f = compile(apply_operator(name, [x, y][: ufunc.nin]))
    refused = 0
    for a, b in DTYPE_PAIRS if ufunc.nin == 2 else [(d, d) for d in DTYPES]:
        given = {"x": values(a), "y": values(b, 1)} if ufunc.nin == 2 else {"x": values(a)}
        try:
            with np.errstate(all="ignore"):
                wanted = ufunc(*given.values())
        except TypeError:
            refused += 1
            with pytest.raises(UserError, match=name):
                f(**given)
            continue
        same(f(**given), wanted)
    assert refused < len(DTYPE_PAIRS)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("number", NUMBERS)
def test_plain_numbers_take_the_dtype_of_what_they_meet(dtype, number):
    x = Variable("x")
    for name in ("add", "multiply", "divide", "power", "maximum", "less", "equal"):
        ufunc = getattr(np, name)
        for left in (False, True):
            array = values(dtype)
            given = (number, array) if left else (array, number)
            built = apply_operator(name, [number, x] if left else [x, number])
            try:
                with np.errstate(all="ignore"):
                    wanted = ufunc(*given)
            except (OverflowError, ValueError, TypeError):
                with pytest.raises(UserError):
                    compile(built)(x=array)
                continue
            same(compile(built)(x=array), wanted)


@pytest.mark.parametrize(("a", "b"), DTYPE_PAIRS, ids=str)
def test_where_and_concatenate_find_the_common_dtype(a, b):
    x, y = values(a), values(b, 1)
    X, Y = Variable("x"), Variable("y")
    from lingon.program import concatenate

    same(compile(where(X > 1, X, Y))(x=x, y=y), np.where(x > 1, x, y))
    same(compile(concatenate([X, Y], 1))(x=x, y=y), np.concatenate([x, y], 1))
    same(compile(where(X > 1, X, 2))(x=x), np.where(x > 1, x, 2))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "any", "all", "argmax", "argmin"])
@pytest.mark.parametrize(("axis", "keepdims"), [(None, False), (0, True), (-1, False), ((0, 2), False), ((), True)])
def test_reductions_follow_numpy(dtype, name, axis, keepdims):
    if name.startswith("arg") and isinstance(axis, tuple):
        return
    x = np.random.default_rng(0).integers(0, 5, (3, 5, 7)).astype(dtype)
    f = compile(apply_operator(name, [Variable("x")], {"axis": axis, "keepdims": keepdims}))
    theirs = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims))
    ours = f(x=x)
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-6 if dtype != np.float16 else 1e-2)


def test_exponents_are_those_of_numpy_where_they_differ_from_pow():
    x = np.array([-np.inf, -0.0, 0.0, 4.0, np.nan, -1.0])
    for exponent in (0.5, 2, 2.0, -1.0, 3, 0, 1):
        with np.errstate(all="ignore"):
            same(compile(Variable("x") ** exponent)(x=x), x**exponent)


def test_a_number_that_does_not_fit_is_named_with_its_line():
    with pytest.raises(UserError, match=r"x \+ 300: 300 does not fit into uint8.*test_dtypes.py"):
        compile(Variable("x") + 300)(x=np.ones(3, np.uint8))
    same(compile(Variable("x") < 300)(x=np.ones(3, np.uint8)), np.ones(3, bool))
