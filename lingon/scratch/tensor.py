"""The array that remembers how it was made: its numbers, its gradient, and the step that computed it."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import REFUSED, Number, argument_type, as_number, check_arguments
from lingon.scratch.error_context import ArrayIndexError, ArrayTypeError, MathError, fail, operands
from lingon.scratch.grad_mode import is_grad_enabled, set_grad_enabled

GradientRule = Callable[["Tensor"], "Tensor | None"]  # the gradient of the result -> that of one input; None: none
_numbers = itertools.count()


class Storage:
    """What views of the same numbers have in common: how often they were changed, and whether they are out of date."""

    __slots__ = ("stale", "version")

    def __init__(self) -> None:
        self.version, self.stale = 0, False


class View(NamedTuple):
    """Of which array another one is a view, how it is taken from it and, where it can be changed, put back."""

    whole: Tensor
    take: Callable[[Tensor], Tensor]
    put: Callable[[Tensor, Tensor], Tensor] | None


class Node:
    """One recorded step: its name, what its inputs were like, and for each input the rule for its gradient."""

    def __init__(self, name: str, inputs: Sequence[Tensor], rules: Sequence[GradientRule], saved: Sequence[Tensor]):
        self.name, self.number = name, next(_numbers)
        self.inputs, self.rules = tuple(inputs), tuple(rules)
        # An edge leads to the step that made the input, or to the input itself where it is a leaf. Kept apart from
        # `inputs`, since an array that is changed in place will have been made by another step.
        self.edges = tuple(x.edge for x in inputs)
        self.saved = [(x, x.memory, x.memory.version) for x in saved]
        self.output: weakref.ref[Tensor] | None = None
        self.spent = False  # the backward pass was run, and may not be run again by mistake

    def check(self) -> None:
        """Raise when the backward pass was run before, or when numbers that it needs have changed since."""
        if self.spent:
            fail("the backward pass through these steps was run before; write retain_graph=True the first time")
        for x, storage, version in self.saved:
            if storage.version != version:
                fail(
                    f"an array {shape_of(x)} that the gradient of {self.name!r} needs was changed in place after it "
                    f"was used (version {storage.version}, expected {version}); make a new array instead, x = x + ..."
                )

    def __repr__(self) -> str:
        return f"<{self.name.capitalize()}Backward>"


if TYPE_CHECKING:
    from lingon.scratch.tensor_methods import TensorMethods
else:
    TensorMethods = object


class Tensor(TensorMethods):
    """An n-dimensional array of one dtype, with the names and rules of torch.Tensor.

    array: the numbers. requires_grad: whether gradients flow to it. grad: what `backward` has gathered, or None.
    grad_fn: the step that made it, None for a leaf.
    """

    __array_ufunc__ = None  # NumPy's operators leave the work to ours
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
        self.keeps = False  # gathers a gradient though it is no leaf
        self.number = number  # is a number of Python, which yields to the dtypes of arrays
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
        """Set whether gradients flow to this leaf; only floating numbers have any."""
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
        """Return where gradients go from here: to the step that made it, to the leaf itself, or nowhere."""
        return self.fresh().grad_fn or (self if self._requires_grad else None)

    def retain_grad(self) -> None:
        """Make `backward` keep the gradient of an array that is no leaf."""
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
        """Return the numbers without history, in the same memory; may be set."""
        return self.detach()

    @data.setter
    def data(self, other: Tensor) -> None:
        self.array = other.array

    def size(self, dim: int | None = None) -> Any:  # a tuple, or one int where dim is given
        return self.shape if dim is None else self.shape[_place(self, dim)]

    def dim(self) -> int:
        return self.ndim

    def numel(self) -> int:
        return self.array.size

    def stride(self, dim: int | None = None) -> Any:
        """Return how many numbers to go on in memory for one step in each dimension, or in one."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[_place(self, dim)]

    def is_contiguous(self) -> bool:
        return self.array.flags.c_contiguous

    def element_size(self) -> int:
        """Return the bytes of one number."""
        return self.array.itemsize

    def detach(self) -> Tensor:
        """Return the same numbers, in the same memory, of which no history is known."""
        out = Tensor(self.array)
        out.memory, out.view_of = self.memory, View(self, Tensor.detach, None)
        return out

    def fresh(self) -> Tensor:
        """Return the array itself; a view whose array has moved on to other memory is taken from it anew."""
        if self.memory.stale:
            assert self.view_of is not None, "only a view is out of date"
            with set_grad_enabled(True):
                self.become(self.view_of.take(self.view_of.whole))
        return self

    def become(self, other: Tensor) -> None:
        """Take over the numbers, the memory and the history of another array."""
        self._numbers, self.memory = other._numbers, other.memory
        self.grad_fn, self._requires_grad = other.grad_fn, other._requires_grad

    def numpy(self) -> np.ndarray:
        """Return the numbers as a NumPy array in the same memory."""
        if self._requires_grad:
            fail("numpy() would lose the gradient of an array that requires one; say x.detach().numpy()")
        return self.array

    def tolist(self) -> list | float | int | bool:
        return self.array.tolist()

    def item(self) -> float | int | bool:
        """Return the number of an array that holds one."""
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
        argument_type = {"f": "float_kind", "b": "bool"}.get(self.dtype.kind)
        write: Any = {argument_type: _writer(self.array)} if argument_type else None
        numbers = np.array2string(self.array, separator=", ", prefix="tensor(", threshold=1000, formatter=write)
        usual = self.dtype in (dtypes.float32, dtypes.int64, dtypes.bool)
        dtype = "" if usual and self.array.size else f", dtype={self.dtype}"
        history = f", grad_fn={self.grad_fn}" if self.grad_fn else ", requires_grad=True" if self.requires_grad else ""
        return f"tensor({numbers}{dtype}{history})"

    def __format__(self, spec: str) -> str:
        return format(self.item() if not self.ndim and spec else str(self), spec)


def _writer(array: np.ndarray) -> Callable[[float], str]:
    """Return how PyTorch writes floating numbers: all with the same number of decimals, none if all are whole."""
    if array.dtype.kind == "b":
        return lambda truth: str(truth).rjust(4 if array.all() else 5)
    finite = array[np.isfinite(array)].astype(float)
    sizes = np.abs(finite[finite != 0])
    whole = bool((finite == np.round(finite)).all())
    wide = sizes.size and (sizes.max() > 1e8 or sizes.min() < 1e-4 or sizes.max() / sizes.min() > 1000)
    form = "{:.4e}" if wide else "{:.0f}." if whole else "{:.4f}"
    one = lambda number: form.format(number) if np.isfinite(number) else str(number)
    width = max((len(one(number)) for number in array.ravel()[:1000]), default=0) if array.ndim else 0
    return lambda number: one(number).rjust(width)


for _name, _function in list(vars(Tensor).items()):
    if callable(_function) and not _name.startswith("_") and _name not in ("become", "fresh"):
        setattr(Tensor, _name, check_arguments(_function, method=True))
Operand = Tensor | Number
argument_type(Tensor, "an array", lambda value: value if isinstance(value, Tensor) else REFUSED, Tensor)
argument_type(
    Tensor | None, "an array or None", lambda value: value if isinstance(value, Tensor) else REFUSED, Tensor, type(None)
)
argument_type(
    Operand,
    "an array or a number",
    lambda value: value if isinstance(value, Tensor) else as_number(value),
    *(Tensor, float, int, bool),
)
argument_type(Sequence[Tensor], "a list of arrays", lambda value: _arrays(value))


def _arrays(value: object) -> object:
    given = isinstance(value, list | tuple) and all(isinstance(x, Tensor) for x in value)
    return value if given else REFUSED


def record(
    name: str,
    value: np.ndarray,
    inputs: Sequence[Tensor],
    rules: Sequence[GradientRule],
    saved: Sequence[Tensor] = (),
    view: tuple[Callable, Callable | None] | None = None,
) -> Tensor:
    """Record a step: return its result, with what the backward pass needs if any input requires a gradient.

    rules: for each input a function from the gradient of the result to its own. They are written in operations that
    are recorded too, so that gradients have gradients; shapes that were broadcast and dtypes are put right later.
    saved: the arrays whose numbers the rules use. view: how the result is taken from the first input, and put back
    into it, where the two may share their memory.
    """
    for x in inputs:
        x.fresh()
    out = Tensor(value)
    if view and np.may_share_memory(out.array, inputs[0].array):
        out.memory, out.view_of = inputs[0].memory, View(inputs[0], *view)
    if is_grad_enabled() and any(x._requires_grad for x in inputs) and out.array.dtype.kind == "f":
        out.grad_fn = Node(name, inputs, rules, saved)
        out._requires_grad = True
    return out


def method(function: Callable) -> Callable:
    """Make a function on arrays a method of them as well, as in PyTorch; calls of both are checked."""
    setattr(Tensor, function.__name__, check_arguments(function, method=True))
    return check_arguments(function, variadic=False)


def shape_of(x: Tensor | np.ndarray) -> str:
    """Return the shape of an array, as messages write it.

    >>> shape_of(np.zeros((3, 5)))
    '[3, 5]'
    """
    return str(list(x.shape))


def normalize_dim(x: Tensor, dim: int, more: int = 0) -> int:
    """Return the dimension as a number from 0 on. `more` is 1 where a dimension after the last is meant as well."""
    count = max(x.ndim + more, 1)
    if not -count <= dim < count:
        fail(
            f"there is no dimension {dim} in {operands(shape_of(x))}; expected -{count} to {count - 1}",
            ArrayIndexError,
        )
    return dim % count


def _place(x: Tensor, dim: int) -> int:
    """Return the place of a dimension among those that are there: a single number has none."""
    return normalize_dim(x, dim) if x.ndim else fail(f"there is no dimension {dim} in a single number", ArrayIndexError)


def as_tensor(x: Tensor | np.ndarray | float | Sequence) -> Tensor:
    """Return an operand as an array. A number of Python yields to the dtype of the other operand."""
    if isinstance(x, Tensor):
        return x.fresh()
    if isinstance(x, bool | int | float):
        return Tensor(np.asarray(x), number=True)
    if isinstance(x, np.generic):
        return Tensor(np.asarray(x.item()), number=True)
    if isinstance(x, np.ndarray):
        return Tensor(_known(x))
    return fail(f"expected an array or a number, got {type(x).__name__}", ArrayTypeError)


def _known(array: np.ndarray) -> np.ndarray:
    if array.dtype.newbyteorder("=") not in dtypes.KNOWN:
        names = ", ".join(map(str, dtypes.KNOWN))
        fail(f"no arrays of {array.dtype}; known kinds: {names}", ArrayTypeError)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def result_dtype(*xs: Tensor) -> np.dtype:
    """Return the dtype in which operands meet; a number of Python counts as the default float, int64 or bool."""
    return dtypes.result_type(
        (
            dtypes.DEFAULT if x.number and x.array.dtype.kind == "f" else x.array.dtype,
            "number" if x.number else "array" if x.array.ndim else "scalar",
        )
        for x in xs
    )


__all__ = [
    "MathError",
    "Node",
    "Tensor",
    "as_tensor",
    "normalize_dim",
    "record",
    "shape_of",
]
