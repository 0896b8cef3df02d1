"""Python's operators on arrays, + - * / ** // % @ < == & | ^ ~, also with numbers, also in place."""

from collections.abc import Callable

import numpy as np

from lingon.scratch import arithmetic, comparison, unary
from lingon.scratch.arguments import Number
from lingon.scratch.choice import clamp
from lingon.scratch.dimensions import shape_of
from lingon.scratch.dtypes import bool as truth
from lingon.scratch.dtypes import rank
from lingon.scratch.error_context import ArrayTypeError, fail
from lingon.scratch.grad_mode import is_grad_enabled
from lingon.scratch.indexing import put_at
from lingon.scratch.operands import Operand, as_tensor
from lingon.scratch.products import matmul
from lingon.scratch.record import method
from lingon.scratch.storage import Storage
from lingon.scratch.tensor import Tensor

BINARY = {
    "add": arithmetic.add, "sub": arithmetic.sub, "mul": arithmetic.mul, "truediv": arithmetic.div,
    "pow": arithmetic.pow, "floordiv": arithmetic.floor_divide, "mod": arithmetic.remainder, "matmul": matmul,
    "and": comparison.bitwise_and, "or": comparison.bitwise_or, "xor": comparison.bitwise_xor,
}  # fmt: skip
COMPARE = {name: getattr(comparison, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
OTHERS = Tensor | np.ndarray | np.generic | float | int | bool


def _sign(function: Callable, turned: bool = False) -> Callable:
    function = getattr(function, "__wrapped__", function)  # unchecked: operators take numbers on either side

    def sign(self, other):
        if isinstance(other, np.dtype):  # a dtype would compare itself with the dtype of an array
            return _unlike(function.__name__)
        if not isinstance(other, OTHERS):
            return NotImplemented
        return function(other, self) if turned else function(self, other)

    return sign


def _unlike(name: str) -> bool:
    if name not in ("eq", "ne"):
        fail(f"{name} of an array and a dtype: write x.dtype", ArrayTypeError)
    return name == "ne"


def change(x: Tensor, step: Callable[[Tensor], Tensor]) -> Tensor:
    """Replace the values of an array, in place, by the result of `step`; return the array.

    If the step is not recorded, the memory is overwritten, which all views see. If it is recorded, the array gets new
    memory and a new history; what was computed from the old values keeps them.
    """
    if x.is_leaf and x.requires_grad and is_grad_enabled():
        fail(
            "an array that requires a gradient is changed in place while steps are recorded; do it in `with no_grad():`"
        )
    before = Tensor(x.array)
    before.grad_fn, before._requires_grad = x.grad_fn, x._requires_grad
    after = step(before)
    if after.shape != x.shape:
        fail(f"the result {shape_of(after)} does not fit into the array {shape_of(x)} that is changed in place")
    if rank(after.dtype) > rank(x.dtype):
        fail(f"the result is {after.dtype} and does not fit into an array of {x.dtype}; write x = x + ... instead")
    after = after.to(x.dtype)
    if after.grad_fn is None:
        _overwrite(x, after.array)
    elif x.view_of:
        _change_within(x, after)
    else:
        _move_on(x, after)
    x.memory.version += 1
    return x


def _move_on(x: Tensor, after: Tensor) -> None:
    """Give the array the values and the history of another one; views of its old memory become stale."""
    x.memory.version += 1
    x.memory.stale = True
    x.become(after)
    x.memory = Storage()


def _change_within(x: Tensor, after: Tensor) -> None:
    """Change a view of an array: change the array, then take the view from it again."""
    assert x.view_of is not None, "asked of views only"
    whole, take, put = x.view_of
    if put is None:
        fail(f"an expanded or detached array {shape_of(x)} is changed in place in a recorded step; say x.clone() first")
    change(whole, lambda before: put(before, after))
    x.become(take(whole))


def _overwrite(x: Tensor, numbers: np.ndarray) -> None:
    if not x.array.flags.writeable or (0 in x.stride() and x.numel() > 1 and _overlaps(x)):
        fail(
            f"an expanded array {shape_of(x)}, or memory that may only be read, cannot be changed; say x.clone() first"
        )
    x.array[...] = numbers


def _overlaps(x: Tensor) -> bool:
    return any(step == 0 and size > 1 for step, size in zip(x.stride(), x.shape, strict=True))


def _in_place(function: Callable) -> Callable:
    function = getattr(function, "__wrapped__", function)

    def changed(self, other):
        if not isinstance(other, OTHERS):
            return NotImplemented
        return change(self, lambda before: function(before, before if other is self else other))

    return changed


def _set(self, key, value) -> None:
    value = as_tensor(value)
    change(self, lambda before: put_at(before, key, before if value is self else value))


@method
def add_(x: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """Add in place: x += alpha * other."""
    return change(x, lambda before: arithmetic.add(before, before if other is x else other, alpha=alpha))


@method
def sub_(x: Tensor, other: Operand, *, alpha: Number = 1) -> Tensor:
    """Subtract in place: x -= alpha * other."""
    return change(x, lambda before: arithmetic.sub(before, before if other is x else other, alpha=alpha))


@method
def mul_(x: Tensor, other: Operand) -> Tensor:
    """Multiply in place: x *= other."""
    return change(x, lambda before: arithmetic.mul(before, before if other is x else other))


@method
def div_(x: Tensor, other: Operand) -> Tensor:
    """Divide in place: x /= other."""
    return change(x, lambda before: arithmetic.div(before, before if other is x else other))


@method
def clamp_(x: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Limit x to the range from `min` to `max`, in place."""
    return change(x, lambda before: clamp(before, min, max))


@method
def zero_(x: Tensor) -> Tensor:
    """Set every element to 0, in place."""
    return fill_(x, 0)


@method
def fill_(x: Tensor, value: Operand) -> Tensor:
    """Set every element to `value`, in place."""
    if as_tensor(value).ndim:
        fail(f"fill_(): the argument 'value' is one number, not an array {shape_of(as_tensor(value))}")
    return change(x, lambda before: put_at(before, ..., as_tensor(value)))


@method
def copy_(x: Tensor, other: Tensor) -> Tensor:
    """Copy the elements of another array of this shape, or of one that can be expanded to it, in place."""
    return change(x, lambda before: put_at(before, ..., as_tensor(other)))


Tensor.__setitem__ = _set  # type: ignore[method-assign]
for _name, _function in BINARY.items():
    setattr(Tensor, f"__{_name}__", _sign(_function))
    setattr(Tensor, f"__r{_name}__", _sign(_function, turned=True))
    if _name != "matmul":  # x @= y may have another shape: Python falls back to x = x @ y
        setattr(Tensor, f"__i{_name}__", _in_place(_function))
for _name, _function in COMPARE.items():
    setattr(Tensor, f"__{_name}__", _sign(_function))


def _plus(self) -> Tensor:
    return self if self.dtype != truth else fail("+ of truth values; say x.int() first")


def _contains(self, value) -> bool:
    if not isinstance(value, OTHERS):
        fail(f"an array holds numbers, and {value!r} is none", ArrayTypeError)
    return bool((self == value).array.any())


for _name, _single in {"neg": unary.neg, "abs": unary.abs, "invert": comparison.bitwise_not, "pos": _plus}.items():
    setattr(Tensor, f"__{_name}__", _single)
Tensor.__contains__ = _contains  # type: ignore[method-assign]
