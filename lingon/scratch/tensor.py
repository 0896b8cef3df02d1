"""An array that remembers how it was made: its values, its gradient, and the step that computed it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lingon.scratch.arguments import REFUSED, argument_type, check_arguments
from lingon.scratch.dimensions import existing_dim, shape_of
from lingon.scratch.error_context import ArrayTypeError, fail, operands
from lingon.scratch.grad_mode import set_grad_enabled
from lingon.scratch.node import Node
from lingon.scratch.storage import Storage, View
from lingon.scratch.tensor_str import tensor_str

if TYPE_CHECKING:
    from lingon.scratch.tensor_methods import TensorMethods
else:
    TensorMethods = object


class Tensor(TensorMethods):
    """An n-dimensional array of one dtype, with the names and rules of torch.Tensor.

    array: the values. requires_grad: whether gradients flow to it. grad: the gradient accumulated by `backward`, or
    None. grad_fn: the step that made it, None for a leaf.
    """

    __array_ufunc__ = None  # NumPy's operators defer to ours
    __slots__ = (
        "__weakref__",
        "_numbers",
        "_requires_grad",
        "grad",
        "grad_fn",
        "keeps",
        "memory",
        "number",
        "view_of",
    )

    def __init__(self, array: np.ndarray, requires_grad: bool = False, *, number: bool = False):
        if not isinstance(array, np.ndarray | np.generic):
            fail(f"Tensor() is for arrays of NumPy, not for {type(array).__name__}; write tensor(...)", ArrayTypeError)
        self._numbers = np.asarray(array)
        self.grad: Tensor | None = None
        self.grad_fn: Node | None = None
        self.keeps = False  # keeps its gradient although it is not a leaf
        self.number = number  # is a Python number, which adapts to the dtype of arrays
        self.memory = Storage()
        self.view_of: View | None = None
        self._requires_grad = False
        if requires_grad:
            self.requires_grad_()

    @property
    def array(self) -> np.ndarray:
        return self.fresh()._numbers

    @array.setter
    def array(self, numbers: np.ndarray) -> None:
        self._numbers = numbers

    @property
    def requires_grad(self) -> bool:
        return self.fresh()._requires_grad

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        self.requires_grad_(on)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set whether gradients flow to this leaf, which must be floating-point; return the array."""
        on = requires_grad
        if on and self.array.dtype.kind != "f":
            fail(f"only floating numbers have gradients, and this array {shape_of(self)} is {self.dtype}; say float()")
        if not on and self.grad_fn is not None:
            fail("the requires_grad of a computed array cannot be switched off; use x.detach()")
        self._requires_grad = on
        return self

    @property
    def is_leaf(self) -> bool:
        return self.fresh().grad_fn is None

    @property
    def edge(self) -> Node | Tensor | None:
        """Return where gradients flow from here: the step that made it, the leaf itself, or None."""
        return self.fresh().grad_fn or (self if self._requires_grad else None)

    def retain_grad(self) -> None:
        """Make `backward` keep the gradient of an array that is not a leaf."""
        if not self._requires_grad:
            fail("retain_grad of an array that does not require a gradient")
        self.keeps = self.grad_fn is not None
        if self.grad_fn is not None:
            self.grad_fn.output = weakref.ref(self)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def data(self) -> Tensor:
        """Return the array without history, sharing its memory; may be assigned to."""
        return self.detach()

    @data.setter
    def data(self, other: Tensor) -> None:
        self.array = other.array

    def size(self, dim: int | None = None) -> Any:  # a tuple, or one int where dim is given
        return self.shape if dim is None else self.shape[existing_dim(self, dim)]

    def dim(self) -> int:
        return self.ndim

    def numel(self) -> int:
        return self.array.size

    def stride(self, dim: int | None = None) -> Any:
        """Return the strides in elements, of all dimensions or of one."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[existing_dim(self, dim)]

    def is_contiguous(self) -> bool:
        return self.array.flags.c_contiguous

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.array.itemsize

    def detach(self) -> Tensor:
        """Return the array without history, sharing its memory."""
        out = Tensor(self.array)
        out.memory, out.view_of = self.memory, View(self, Tensor.detach, None)
        return out

    def fresh(self) -> Tensor:
        """Return the array itself; a stale view is first taken again from its array."""
        if self.memory.stale:
            assert self.view_of is not None, "only a view is out of date"
            with set_grad_enabled(True):
                self.become(self.view_of.take(self.view_of.whole))
        return self

    def become(self, other: Tensor) -> None:
        """Take the values, the memory and the history of another array."""
        self._numbers, self.memory = other._numbers, other.memory
        self.grad_fn, self._requires_grad = other.grad_fn, other._requires_grad

    def numpy(self) -> np.ndarray:
        """Return a NumPy array that shares the memory."""
        if self._requires_grad:
            fail("numpy() would lose the gradient of an array that requires one; say x.detach().numpy()")
        return self.array

    def tolist(self) -> list | float | int | bool:
        return self.array.tolist()

    def item(self) -> float | int | bool:
        """Return the element of an array with one element, as a Python number."""
        if self.array.size != 1:
            fail(f"item() is for an array with one number, and {operands(shape_of(self))} has {self.array.size}")
        return self.array.item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            fail(f"the truth of an array {shape_of(self)} is not one answer; say x.any() or x.all()")
        return bool(self.array.item())

    def __index__(self) -> int:
        if self.array.size != 1 or self.dtype.kind == "f":
            fail(
                f"only a whole number can be an index, not an array {shape_of(self)} of {self.dtype}",
                ArrayTypeError,
            )
        return int(self.array.item())

    def __len__(self) -> int:
        if not self.ndim:
            fail("an array without dimensions, a single number, has no len()", ArrayTypeError)
        return len(self.array)

    def __iter__(self):
        if not self.ndim:
            fail("an array without dimensions, a single number, cannot be iterated over", ArrayTypeError)
        return (self[i] for i in range(len(self)))

    def __hash__(self) -> int:
        return id(self)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        array = self.numpy()
        return np.array(array, dtype=dtype) if copy or (dtype and dtype != array.dtype) else array

    def __repr__(self) -> str:
        return tensor_str(self)

    def __format__(self, spec: str) -> str:
        return format(self.item() if not self.ndim and spec else str(self), spec)


for _name, _function in list(vars(Tensor).items()):
    if callable(_function) and not _name.startswith("_") and _name not in ("become", "fresh"):
        setattr(Tensor, _name, check_arguments(_function, method=True))


def _arrays(value: object) -> object:
    given = isinstance(value, list | tuple) and all(isinstance(x, Tensor) for x in value)
    return value if given else REFUSED


argument_type(Tensor, "an array", lambda value: value if isinstance(value, Tensor) else REFUSED, Tensor)
argument_type(
    Tensor | None, "an array or None", lambda value: value if isinstance(value, Tensor) else REFUSED, Tensor, type(None)
)
argument_type(Sequence[Tensor], "a list of arrays", _arrays)
