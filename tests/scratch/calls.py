"""Calls made up for every name that scratch shares with torch: inputs, arguments, keywords, places of names."""

import contextlib
import inspect
import operator
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

import lingon.scratch as scratch

NUMBERS = {
    "f64": np.array([[0.5, -2.0, 1.5], [2.5, 0.0, -1.0]]),
    "i64": np.array([[3, -1, 2], [0, 1, 5]]),
    "bool": np.array([[True, False, True], [False, False, True]]),
    "odd": np.array([np.nan, 1.0, -np.inf, np.inf, -0.0, 1.0, np.nan]),
    "one": np.array(1.5),
    "none": np.zeros((0, 3)),
    "f32": np.array([[2.0, 2.0, 1.0], [1.0, 2.0, 1.0], [0.25, 0.5, 3.0]], "float32"),
}
MORE = {
    "3": 3,
    "row": np.array([1.0, 3.0, 2.0]),
    "square": np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [2.0, 1.0, 1.0]]),
    "cube": np.arange(30.0).reshape(2, 3, 5) / 7 - 2,
    "weights": np.arange(24.0).reshape(4, 3, 2) / 5 - 2,
    "turned": np.arange(20.0).reshape(2, 5, 2) / 3 - 2,
}
# One for each kind of value; a tensor is made anew for each call.
ARGUMENTS = {
    "0": 0, "1": 1, "-1": -1, "2": 2, "-5": -5, "True": True, "False": False, "None": None, "0.5": 0.5, "-2.0": -2.0,
    "nan": float("nan"), "inf": float("inf"), "()": (), "(0, 1)": (0, 1), "(1,)": (1,), "[-1, 0]": [-1, 0],
    "(2, 3)": (2, 3), "'sum'": "sum", "'x'": "x",
    "f64 [2, 3]": np.array([[0.5, 2.0, -1.0], [1.0, 0.0, 3.0]]), "f32 [3]": np.array([0.25, 0.5, 2.0], "float32"),
    "i64 [2]": np.array([1, 2]), "i64 [2, 3]": np.array([[1, 0, 1], [0, 0, 1]]), "i64 []": np.array(1),
    "bool [2, 3]": np.array([[True, False, True], [False, True, True]]),
    "float64": np.dtype("float64"), "int64": np.dtype("int64"), "bool_": np.dtype("bool"),
}  # fmt: skip
FITTING = {
    "dim": ("1", "-1", "(0, 1)", "[-1, 0]", "None", "True", "-5", "i64 []", "0.5"),
    "axis": ("0", "-1", "(0, 1)", "None", "True"),
    "dtype": ("float64", "int64", "bool_", "'x'", "None", "1"),
    "p": ("0", "1", "2", "-1", "0.5", "inf", "None", "True", "'x'"),
    "reduction": ("'sum'", "'x'", "None", "1"),
    "weight": ("f32 [3]", "f64 [2, 3]", "None", "1", "i64 [2]"),
}
ANY = ("1", "True", "0.5", "'x'", "(1,)", "i64 []", "f32 [3]", "None", "float64", "-5")
EVERYWHERE = (
    "dim", "axis", "keepdim", "p", "correction", "unbiased", "dtype", "descending", "stable", "reduction", "weight",
    "ignore_index", "label_smoothing", "alpha", "rounding_mode", "requires_grad", "bias", "stride", "padding", "value",
)  # fmt: skip
# What comes first where one array would not do: by name.
FIRST = {
    "dot": [("row", "row")], "outer": [("row", "row")], "mv": [("f64", "row")], "mm": [("f64", "square")],
    "bmm": [("cube", "turned")], "matmul": [("f64", "row"), ("cube", "turned")], "__matmul__": [("f64", "square")],
    "__imatmul__": [("square", "square")], "gather": [("f64", "1", "i64 [2, 3]")], "masked_fill": [("f64", "bool")],
    "scatter_add": [("f64", "1", "i64 [2, 3]", "f64 [2, 3]")], "index_select": [("f64", "1", "i64 [2]")],
    "__setitem__": [("f64", "1"), ("f64", "0", "0.5")], "where": [("bool", "f64"), ("bool", "f64", "i64")],
    "conv1d": [("cube", "weights")], "linear": [("f64", "square")], "embedding": [("i64 [2]", "square")],
    "cross_entropy": [("f64", "i64 [2]"), ("cube", "i64 [2, 5]"), ("row", "i64 []")], "pad": [("f64", "(0, 1)")],
    "nll_loss": [("f64", "i64 [2]")], "binary_cross_entropy_with_logits": [("f64", "f64 [2, 3]")],
    "one_hot": [("i64 [2]",)], "grad": [("y", "x")], "gradcheck": [("one number", "leaf")], "Sequential": [("layer",)],
    "cat": [("list",)], "stack": [("list",)], "concat": [("list",)], "concatenate": [("list",)],
    "from_numpy": [("numpy",)], "full": [("(2, 3)",)], "randint": [("2",)], "transpose": [("f64", "0")],
    "__index__": [("i64 []",)], "Parameter": [("f64",), ("i64",)], "linspace": [("0", "0.5"), ("-2.0",)],
    "Linear": [("3", "2")], "Embedding": [("3", "2")], "LSTMCell": [("3", "2")], "Conv1d": [("3", "2", "1")],
}  # fmt: skip
OPERATORS = {name for name in dir(operator) if name.startswith("__") and callable(getattr(operator, name))}
PYTHON = {"__len__": len, "__bool__": bool, "__float__": float, "__int__": int}
SIGNS = OPERATORS | set(PYTHON)
PLACES = ("", "Tensor", "nn.functional", "nn", "optim", "autograd", "autograd.functional")
# Of these it is not the result that counts: they switch recording or seed, hold names, or are made by others.
SWITCHES = {"set_grad_enabled", "no_grad", "enable_grad", "is_grad_enabled", "manual_seed"}
MODULES = {"nn", "optim", "autograd", "functional", "Module", "Tensor", "Optimizer"}


@dataclass(frozen=True)
class Call:
    """A call of a shared name: what comes first, more arguments, and the keyword of the last of them."""

    place: str
    name: str
    first: tuple[str, ...]
    more: tuple[str, ...] = ()
    keyword: str = ""

    def __str__(self) -> str:
        written = [*self.first, *self.more]
        if self.keyword:
            written[-1] = f"{self.keyword}={written[-1]}"
        return f"{self.place or 'torch'}.{self.name}({', '.join(written)})"


def holder(T, place: str):
    """What holds the names of a place such as nn.functional."""
    for part in place.split(".") if place else []:
        T = getattr(T, part)
    return T


def shared(place: str) -> list[str]:
    """The names that both libraries have in a place; of arrays also the signs of Python."""
    ours, theirs = holder(scratch, place), holder(torch, place)
    names = getattr(ours, "__all__", None) or dir(ours)
    public = [name for name in names if not name.startswith("_") and hasattr(theirs, name)]
    signs = [name for name in names if name in SIGNS and place == "Tensor"]
    dtypes = [name for name in public if isinstance(getattr(ours, name), np.dtype)]
    return sorted(set(public + signs) - SWITCHES - MODULES - set(dtypes))


def keywords(place: str, name: str) -> tuple[list[str], list[str]]:
    """The keywords that torch or scratch have for a name, and those that other functions have."""
    found: list[str] = []
    for T in (scratch, torch):
        with contextlib.suppress(ValueError, TypeError):
            found += inspect.signature(getattr(holder(T, place), name, None)).parameters
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        found += [argument.name for argument in schema.arguments]
    known = [k for k in dict.fromkeys(found) if k not in ("self", "args", "kwargs", "x", "input", "device", "out")]
    return known, [k for k in EVERYWHERE if k not in known]


def firsts(place: str, name: str) -> list[tuple[str, ...]]:
    """What comes first in the calls of a name."""
    special = FIRST.get(name, [])
    if place in ("Tensor", "nn.functional"):
        return special + [(key,) for key in NUMBERS]
    if place == "autograd.functional":
        return [(function, key) for function in ("one number", "many numbers") for key in ("row", "i64", "one")]
    if place == "optim":
        return [("weights to learn",)]
    return special or [()] if place else [*special, (), *((key,) for key in NUMBERS)]


def calls(place: str, name: str, pairs: int) -> Iterator[Call]:
    """The calls of a name: no, one and some of two arguments more, and one keyword."""
    known, others = keywords(place, name)
    if name.startswith("__"):
        known, others = [], []
    # Neither what Python calls by itself nor an attribute takes arguments.
    alone = name in PYTHON or not callable(getattr(holder(scratch, place), name))
    for i, first in enumerate(firsts(place, name)):
        yield Call(place, name, first)
        if alone:
            continue
        more = list(ARGUMENTS)[i % 2 :: 2] if i > 1 else ARGUMENTS  # all for two kinds of inputs, half for the others
        yield from (Call(place, name, first, (one,)) for one in more)
        for j, keyword in enumerate(known):
            values = FITTING.get(keyword, ANY)
            yield from (Call(place, name, first, (value,), keyword) for value in values[(i + j) % 2 :: 2])
        for keyword in others[i::5]:
            yield Call(place, name, first, (FITTING.get(keyword, ANY)[0],), keyword)
    if alone:
        return
    drawn = random.Random(f"{place}.{name}")
    for _ in range(pairs):
        yield Call(place, name, drawn.choice(firsts(place, name)), tuple(drawn.choices(list(ARGUMENTS), k=2)))


def value(T, key: str):
    """The argument that a key stands for, in one of the two libraries."""
    make = (lambda a: T.tensor(a.copy())) if T is scratch else lambda a: torch.from_numpy(a.copy())
    found = {**ARGUMENTS, **NUMBERS, **MORE}.get(key)
    if isinstance(found, np.ndarray):
        return make(found)
    if isinstance(found, np.dtype):
        return getattr(T, found.name)
    if key in ARGUMENTS or key in MORE:
        return found
    return {
        "list": lambda: [make(NUMBERS["f64"]), make(NUMBERS["f64"]) * 2],
        "numpy": lambda: NUMBERS["f64"].copy(),
        "one number": lambda: lambda x: (x * x).sum(),
        "many numbers": lambda: lambda x: x * x * 2,
        "leaf": lambda: make(MORE["row"]).requires_grad_(),
        "weights to learn": lambda: [make(MORE["row"]).requires_grad_()],
        "layer": lambda: T.nn.Tanh(),
        "i64 [2, 5]": lambda: make(np.array([[1, 0, 2, 1, 0], [0, 0, 1, 2, 2]])),
    }[key]()
