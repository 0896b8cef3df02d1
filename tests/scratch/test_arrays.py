"""Arrays against torch: creation, dtypes that meet, single numbers, iteration, memory, errors that show the line."""

from itertools import product

import numpy as np
import pytest
import torch

import lingon.scratch as scratch
from lingon.core.errors import UserError
from tests.scratch.arrays import same

BOTH = [scratch, torch]
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
SIGNS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "&": lambda a, b: a & b,
    "^": lambda a, b: a ^ b,
}


def outcome(function):
    """The result, or that there is none."""
    try:
        return function()
    except (RuntimeError, TypeError, ZeroDivisionError, UserError):
        return "refused"


def agree(function):
    """Both give the same array, or both refuse."""
    found, truth = (outcome(lambda T=T: function(T)) for T in BOTH)
    if isinstance(truth, str) or isinstance(found, str):
        assert found == truth if isinstance(found, str) else str(found) == truth
    else:
        same(found, truth)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("b", DTYPES)
@pytest.mark.parametrize("a", DTYPES)
def test_dtypes_that_meet(a, b, sign):
    function = SIGNS[sign]
    if sign == "**" and {a, b} <= {"bool"}:
        return  # torch has no kernel for it
    for left, right in product(([1, 0, 1], 1), repeat=2):
        if sign in ("//", "%", "/"):
            right = 1 if right == 1 else [1, 1, 1]
            if {a, b} <= {"bool"} and sign != "/":
                continue
        agree(lambda T, x=left, y=right: function(T.tensor(x, dtype=getattr(T, a)), T.tensor(y, dtype=getattr(T, b))))


@pytest.mark.parametrize("number", [True, 2, 2.5, -1])
@pytest.mark.parametrize("a", DTYPES)
def test_numbers_of_python_yield(a, number):
    for sign, left in product(("+", "*", "/", "<", "=="), ([1, 0, 1], 1)):
        if a == "uint8" and number == -1:
            continue  # torch lets -1 wrap round to 255
        agree(lambda T, s=sign, x=left: SIGNS[s](T.tensor(x, dtype=getattr(T, a)), number))
        agree(lambda T, s=sign, x=left: SIGNS[s](number, T.tensor(x, dtype=getattr(T, a)) + 1))


@pytest.mark.parametrize("name", ["exp", "sin", "sqrt", "neg", "abs", "relu", "square", "sign", "sigmoid", "floor"])
@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_dtypes_of_functions_of_one_number(name, dtype):
    agree(lambda T: getattr(T, name)(T.tensor([1, 0, 3], dtype=getattr(T, dtype))))


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "cumsum", "max", "argmax", "any", "softmax", "norm", "var"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_of_reductions(name, dtype):
    along = (0,) if name in ("cumsum", "softmax") else ()
    if name == "argmax" and dtype == "bool":
        return
    agree(lambda T: getattr(T.tensor([1, 0, 1], dtype=getattr(T, dtype)), name)(*along))


CREATED = {
    "lists": lambda T: T.tensor([[1, 2], [3, 4]]),
    "floats": lambda T: T.tensor([[1, 2.5], [3, 4]]),
    "truth": lambda T: T.tensor([True, False]),
    "one": lambda T: T.tensor(3),
    "one float": lambda T: T.tensor(3.0),
    "empty": lambda T: T.tensor([]),
    "empty rows": lambda T: T.tensor([[], []]),
    "numpy": lambda T: T.tensor(np.arange(3.0)),
    "numpy numbers": lambda T: T.tensor(np.float32(2.5)),
    "arrays in a list": lambda T: T.tensor([T.tensor(1.0), T.tensor(2.0)]),
    "with dtype": lambda T: T.tensor([1, 2], dtype=T.float16),
    "cut": lambda T: T.tensor([1.9, -1.9], dtype=T.int32),
    "zeros": lambda T: T.zeros(2, 3),
    "zeros of a list": lambda T: T.zeros([2, 0]),
    "one zero": lambda T: T.zeros(()),
    "ones": lambda T: T.ones(2, dtype=T.int64),
    "full": lambda T: T.full((2, 3), 7),
    "full of floats": lambda T: T.full((2,), 1.5),
    "full of truth": lambda T: T.full((2,), True),
    "arange": lambda T: T.arange(5),
    "arange with ends": lambda T: T.arange(2, 11, 3),
    "arange back": lambda T: T.arange(5, 0, -2),
    "arange of floats": lambda T: T.arange(0, 1, 0.3),
    "arange of none": lambda T: T.arange(0),
    "linspace": lambda T: T.linspace(-1, 2, 7),
    "eye": lambda T: T.eye(3),
    "eye of two": lambda T: T.eye(2, 3),
    "like": lambda T: T.zeros_like(T.ones(2, dtype=T.int32)),
    "ones like": lambda T: T.ones_like(T.zeros(2, 3), dtype=T.float64),
    "full like": lambda T: T.full_like(T.zeros(2), 3),
    "from numpy": lambda T: T.from_numpy(np.ones((2, 3), np.int32)),
    "as tensor": lambda T: T.as_tensor([1.0, 2.0]),
    "randint": lambda T: T.randint(3, 5, (7,)) * 0,
    "randint up to": lambda T: T.randint(5, (2, 3)) * 0,
    "randn": lambda T: T.randn(2, 3) * 0,
    "rand": lambda T: T.rand([3]) * 0,
    "randperm": lambda T: T.randperm(5).sum(),
    "cat of kinds": lambda T: T.cat([T.ones(2), T.ones(3, dtype=T.int64)]),
    "cat with nothing": lambda T: T.cat([T.tensor([]), T.ones(2, 3)]),
    "where of numbers": lambda T: T.where(T.tensor([True, False]), 1.0, 0.0),
    "where": lambda T: T.where(T.tensor([True, False]), T.ones(2, dtype=T.int64), T.zeros(())),
    "clamp of whole": lambda T: T.arange(5).clamp(1, 3),
    "clamp by a float": lambda T: T.arange(5).clamp(1.5),
    "logic": lambda T: T.logical_and(T.tensor([1, 0]), T.tensor([2.0, 1.0])),
    "not": lambda T: ~T.tensor([True, False]),
    "not of numbers": lambda T: ~T.tensor([1, 0]),
    "or": lambda T: T.tensor([True, False]) | (T.ones(2) > 2),
    "one hot": lambda T: T.nn.functional.one_hot(T.tensor([2, 0]), 5),
    "isnan": lambda T: T.isnan(T.tensor([float("nan"), float("inf")])),
    "isfinite": lambda T: T.tensor([float("nan"), float("inf"), 1.0]).isfinite(),
    "isinf": lambda T: T.tensor([float("nan"), float("inf"), 1.0]).isinf(),
    "shape": lambda T: list(T.zeros(2, 3).shape),
    "size": lambda T: T.zeros(2, 3).size(-1),
    "numel": lambda T: T.zeros(2, 3).numel(),
    "dim": lambda T: T.zeros(2, 3).dim(),
    "strides": lambda T: list(T.zeros(2, 3, 5).transpose(0, 2)[:, 1:].stride()),
    "contiguous": lambda T: [T.zeros(2, 3).is_contiguous(), T.zeros(2, 3).t().is_contiguous()],
    "bytes": lambda T: T.zeros(2, dtype=T.float16).element_size(),
    "tolist": lambda T: T.tensor([[1.5, 2.0]]).tolist(),
    "item": lambda T: T.tensor([[2]]).item(),
    "float": lambda T: float(T.tensor([1.5])),
    "int": lambda T: int(T.tensor(2.7)),
    "bool": lambda T: bool(T.tensor([0])),
    "as index": lambda T: [10, 20, 30][T.tensor(1)],
    "range": lambda T: list(range(T.tensor(3))),
    "len": lambda T: len(T.zeros(5, 3)),
    "iteration": lambda T: list(T.tensor([[1, 2], [3, 4]])),
    "unpacking": lambda T: [*T.tensor([1.0, 2.0])],
    "contains": lambda T: [2 in T.tensor([1, 2]), 5 in T.tensor([1, 2])],
    "not equal to none": lambda T: T.ones(2) == None,  # noqa: E711
    "equal": lambda T: T.equal(T.ones(2), T.ones(2)),
    "allclose": lambda T: T.allclose(T.ones(2), T.ones(2) + 1e-7),
    "numpy on the right": lambda T: T.ones(3) + np.ones(3),
    "numpy numbers on the right": lambda T: T.ones(3) * np.float64(2),
    "format": lambda T: f"{T.tensor(1.5):.2f}",
    "to": lambda T: T.ones(2).to("cpu").to(T.float64),
    "casts": lambda T: [x for y in [T.tensor([1.7])] for x in (y.int(), y.long(), y.half(), y.double(), y.bool())],
    "in place": lambda T: T.ones(3).add_(2).mul_(3).sub_(1).div_(2),
    "no hash of numbers": lambda T: len({T.ones(1), T.ones(1)}),
}  # fmt: skip


@pytest.mark.parametrize("name", CREATED)
def test_arrays_are_as_in_torch(name):
    same(*(CREATED[name](T) for T in BOTH))


REFUSED = {
    "shapes": (lambda T: T.ones(3, 5) + T.ones(7), RuntimeError),
    "product": (lambda T: T.ones(3, 5) @ T.ones(3, 5), RuntimeError),
    "product of kinds": (lambda T: T.ones(3) @ T.ones(3, dtype=T.float64), RuntimeError),
    "reshape": (lambda T: T.ones(3, 5).reshape(7, -1), RuntimeError),
    "two unknown": (lambda T: T.ones(3, 5).reshape(-1, -1), RuntimeError),
    "reshape of nothing": (lambda T: T.ones(0, 5).reshape(-1, 0), RuntimeError),
    "view": (lambda T: T.ones(3, 5).t().view(15), RuntimeError),
    "index": (lambda T: T.ones(3)[3], IndexError),
    "place": (lambda T: T.ones(3)[T.tensor([0, -4])], IndexError),
    "too many": (lambda T: T.ones(3)[0, 0], IndexError),
    "float index": (lambda T: T.ones(3)[T.tensor([0.0])], IndexError),
    "step": (lambda T: T.ones(3)[::-1], ValueError),
    "mask": (lambda T: T.ones(3)[T.tensor([True, False])], IndexError),
    "dimension": (lambda T: T.ones(3).sum(1), IndexError),
    "twice": (lambda T: T.ones(3, 5).sum((0, 0)), RuntimeError),
    "item": (lambda T: T.ones(3).item(), RuntimeError),
    "truth": (lambda T: bool(T.ones(3)), RuntimeError),
    "len": (lambda T: len(T.tensor(1)), TypeError),
    "iteration": (lambda T: list(T.tensor(1)), TypeError),
    "ragged": (lambda T: T.tensor([[1, 2], [3]]), ValueError),
    "text": (lambda T: T.tensor("abc"), (TypeError, ValueError)),
    "text in a list": (lambda T: T.tensor(["a"]), (TypeError, ValueError)),
    "mean of whole": (lambda T: T.arange(3).mean(), RuntimeError),
    "softmax of whole": (lambda T: T.arange(3).softmax(0), RuntimeError),
    "minus of truth": (lambda T: T.tensor([True]) - T.tensor([True]), RuntimeError),
    "negative power": (lambda T: T.arange(3) ** -1, RuntimeError),
    "gather": (lambda T: T.ones(3).gather(0, T.tensor([5])), (RuntimeError, IndexError)),
    "gather from the end": (lambda T: T.ones(3).gather(0, T.tensor([-1])), (RuntimeError, IndexError)),
    "cat": (lambda T: T.cat([T.ones(2, 3), T.ones(2, 5)]), RuntimeError),
    "cat of numbers": (lambda T: T.cat([T.tensor(1), T.tensor(2)]), RuntimeError),
    "cat of nothing": (lambda T: T.cat([]), (RuntimeError, ValueError)),
    "stack": (lambda T: T.stack([T.ones(2), T.ones(3)]), RuntimeError),
    "split": (lambda T: T.ones(5).split([2, 2]), RuntimeError),
    "expand": (lambda T: T.ones(3).expand(5), RuntimeError),
    "max of nothing": (lambda T: T.ones(0).max(), RuntimeError),
    "max along nothing": (lambda T: T.ones(0, 3).max(0), (IndexError, RuntimeError)),
    "in place shape": (lambda T: T.ones(3).add_(T.ones(5, 3)), RuntimeError),
    "in place dtype": (lambda T: T.ones(3, dtype=T.int64).add_(0.5), RuntimeError),
    "in place on an expanded array": (lambda T: T.ones(1).expand(3).add_(1), RuntimeError),
    "assignment": (lambda T: T.ones(3).__setitem__(slice(0, 2), T.ones(3)), RuntimeError),
    "permute": (lambda T: T.ones(3, 5).permute(0, 0), RuntimeError),
    "sizes": (lambda T: T.zeros(-1), RuntimeError),
    "dropout": (lambda T: T.nn.functional.dropout(T.ones(3), 1.5), ValueError),
    "embedding": (lambda T: T.nn.functional.embedding(T.tensor([3]), T.ones(3, 2)), IndexError),
    "classes": (lambda T: T.nn.functional.cross_entropy(T.ones(2, 3), T.tensor([0, 3])), IndexError),
    "targets": (lambda T: T.nn.functional.cross_entropy(T.ones(2, 3), T.tensor([0, 1, 2])), ValueError),
    "arange": (lambda T: T.arange(0, 5, -1), RuntimeError),
    "condition": (lambda T: T.where(T.ones(2), 1.0, 0.0), RuntimeError),
    "a list": (lambda T: T.ones(2) * [1, 2], TypeError),
    "& of floats": (lambda T: T.ones(2) & T.ones(2), (RuntimeError, NotImplementedError)),
    "~ of floats": (lambda T: ~T.ones(2), (RuntimeError, TypeError)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_refuses_is_refused_in_one_line(name):
    function, kinds = REFUSED[name]
    with pytest.raises(kinds) as error:
        function(scratch)
    if name != "a list":  # which Python refuses itself
        assert isinstance(error.value, UserError)
        assert "\n" not in str(error.value)
        assert ", in line " in str(error.value)
        assert " of test_arrays.py: " in str(error.value)


@pytest.mark.parametrize("name", REFUSED)
def test_torch_refuses_it_too(name):
    function, _ = REFUSED[name]
    with pytest.raises((RuntimeError, IndexError, TypeError, ValueError)):
        function(torch)


def test_an_error_names_the_operands_their_shapes_and_the_line():
    W, x = scratch.zeros(3, 5), scratch.zeros(7)
    with pytest.raises(
        UserError, match=r"W \[3, 5\] and x \[7\]; the inner sizes 5 and 7 differ, in line \d+ of test_"
    ):
        W @ x + 1
    with pytest.raises(UserError, match=r"shapes do not fit: x\[:2\] \[2\] and W\.T \[5, 3\];.*: x\[:2\] \* W\.T"):
        x[:2] * W.T
    with pytest.raises(UserError, match=r"W \[3, 5\] and x \[7\]"):
        scratch.maximum(W, x)
    with pytest.raises(UserError, match=r"W \[3, 5\] and x \[7\]"):
        W.matmul(x)
    with pytest.raises(UserError, match=r"W \[3, 5\] and x \[7\]"):
        W += x
    with pytest.raises(UserError, match=r"dtypes do not fit: x \[7\] float32 and x\.double\(\) \[7\] float64"):
        x @ x.double()


def test_memory_is_shared_as_in_torch():
    for T in BOTH:
        x = T.zeros(3, 5)
        row, turned, flat = x[1], x.t(), x.reshape(-1)
        row += 1
        turned[0, 0] = 7
        flat[-1] = 9
        assert x[1].tolist() == [1] * 5
        assert x[0, 0].item() == 7
        assert x[2, 4].item() == 9
        x.clone()[0] = 3
        x[[0, 1]][0] = 3
        assert x[0, 0].item() == 7


def test_numpy_arrays_are_copied_or_shared_as_asked():
    for T in BOTH:
        a = np.zeros(3)
        copied, shared = T.tensor(a), T.from_numpy(a)
        a[0] = 5
        assert copied.tolist() == [0, 0, 0]
        assert shared.tolist() == [5, 0, 0]
        shared[1] = 7
        assert a.tolist() == [5, 7, 0]
        assert np.shares_memory(shared.numpy(), a)
        assert np.asarray(shared).tolist() == [5, 7, 0]


def test_other_byte_orders_and_other_kinds():
    assert scratch.tensor(np.array([1.0], ">f8")).tolist() == [1.0]
    for array in (np.array(["a"]), np.array([1j]), np.array([None]), np.array([1], "uint64")):
        with pytest.raises(TypeError, match="no arrays of"):
            scratch.tensor(array)
    with pytest.raises(TypeError, match=r"'dtype' is one of bool, uint8, .* not 'float128'"):
        scratch.zeros(3, dtype="float128")


def test_a_number_that_is_too_large_for_whole_numbers_is_refused():
    with pytest.raises(UserError, match="the number 300 is too large for int8"):
        scratch.ones(2, dtype=scratch.int8) + 300


def test_a_seed_gives_the_same_numbers():
    found = []
    for _ in range(2):
        scratch.manual_seed(7)
        found.append([scratch.randn(3).tolist(), scratch.rand(2).tolist(), scratch.randperm(5).tolist()])
    assert found[0] == found[1]
    assert sorted(found[0][2]) == list(range(5))


def test_arrays_are_written_as_in_torch():
    for make in (lambda T: T.tensor([1.0, 2.5]), lambda T: T.tensor([1, 2]), lambda T: T.tensor([True])):
        assert repr(make(scratch)) == repr(make(torch))
    for numbers in (
        [-1.0, 2.0],
        [[1.5, -20.25], [3.0, 4.0]],
        [1e-6, 1.0],
        [float("nan"), 1.5],
        3.25,
        [0.0],
        [1e9],
        [1.0, 5000.0],
    ):
        assert repr(scratch.tensor(numbers)) == repr(torch.tensor(numbers))
    assert repr(scratch.ones(2, requires_grad=True)) == repr(torch.ones(2, requires_grad=True))


def test_importing_scratch_imports_no_torch():
    import subprocess
    import sys

    code = "import sys, lingon.scratch; print([m for m in sys.modules if m.split('.')[0] in ('torch', 'matplotlib')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Net(scratch.nn.Module):
    """A layer inside of a module: what fails there was not written by the reader."""

    def __init__(self):
        self.layer = scratch.nn.Linear(5, 3)

    def forward(self, x):
        return self.layer(x)


W, x, ids = scratch.zeros(3, 5), scratch.zeros(7), scratch.tensor([1, 2, 9])
F = scratch.nn.functional


@pytest.mark.parametrize(("wrong", "words"), [
    (lambda: Net()(x), r"input \[7\] and weight \[3, 5\]; expected input.*in line \d+ of .*: return self.layer\(x\)"),
    (lambda: F.linear(x, W), r"x \[7\] and W \[3, 5\]"),
    (lambda: F.linear(W.double(), W), r"W\.double\(\) \[3, 5\] float64 and W \[3, 5\] float32; say x\.to"),
    (lambda: W.reshape(4, 4), r"W \[3, 5\] has 15 numbers"),
    (lambda: scratch.reshape(W, (4, 4)), r"W \[3, 5\] has 15 numbers"),
    (lambda: (W + 1)[7], r"index \[7\] of W \+ 1 \[3, 5\]"),
    (lambda: W.gather(0, ids), r"places \[3\] do not fit: W \[3, 5\]"),
    (lambda: scratch.gather(W, 2, ids), r"no dimension 2 in W \[3, 5\]"),
    (lambda: W.T.softmax(9), r"no dimension 9 in W\.T \[5, 3\]"),
    (lambda: scratch.cat([W, x, ids]), r"W \[3, 5\] and x \[7\] and ids \[3\]"),
    (lambda: scratch.stack((W, x)), r"W \[3, 5\] and x \[7\]"),
    (lambda: scratch.where(W > 0, W, x), r"W > 0 \[3, 5\] and W \[3, 5\] and x \[7\]"),
    (lambda: F.cross_entropy(input=W, target=x.long()), r"input \[3, 5\] and target \[7\]"),
    (lambda: F.cross_entropy(W, ids), r"class 9 is not among the 5 classes of W \[3, 5\]"),
    (lambda: scratch.nn.LSTMCell(5, 3)(x), r"input \[7\] and weight \[12, 5\]"),
    (lambda: scratch.tensor([1, 300], dtype=scratch.uint8), "300 does not fit into uint8"),
    (lambda: scratch.jacobian(lambda x: 3, x), "the function gave int"),
    (lambda: scratch.linspace(0, 1, -2), "-2 steps"),
    (lambda: scratch.eye(-1), r"below 0: \[-1\]"),
    (lambda: F.one_hot(x), "ids are int64, not float32"),
    (lambda: scratch.optim.Adam([x], betas=(1.5, 2)), r"betas of \(1\.5, 2\)"),
])  # fmt: skip
def test_errors_name_what_the_reader_wrote(wrong, words):
    with pytest.raises(UserError, match=words):
        wrong()
