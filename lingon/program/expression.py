"""Expressions: the nodes of a computational graph, which is built before any value is known."""

import operator as python
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from lingon.core.errors import UserError
from lingon.program.operator_types import Mismatch, Type, type_of
from lingon.program.operators import OPERATORS, check_operator
from lingon.program.plain_values import dtype_of, index_entry, native_array, shape_tuple
from lingon.program.source_location import SourceLine, caller_line
from lingon.program.text import formula

LARGEST = 1 << 48  # maximum elements of one value
# As in NumPy, a few Python exponents become other functions: x ** 0.5 is sqrt(x), also for -inf.
POWERS: dict[type, dict[Any, str]] = {float: {2.0: "square", 0.5: "sqrt", -1.0: "reciprocal"}, int: {2: "square"}}


def _unary(op: str) -> Callable[["Expression"], "Expression"]:
    return lambda self: apply_operator(op, [self])


def _binary(op: str) -> Callable[["Expression", Any], "Expression"]:
    return lambda self, other: apply_operator(op, [self, other])


def _swapped(op: str) -> Callable[["Expression", Any], "Expression"]:
    """Return the method of a reflected operator, whose right operand is the expression, as in 1 - x."""
    return lambda self, other: apply_operator(op, [other, self])


class Expression:
    """One value of a program: a variable, a constant, or an operator with its operands. Immutable.

    type: shape and dtype if known (a tuple of types for several results), else None. line: where the user wrote it.
    value: of a constant, an array or a Python number.
    """

    __slots__ = ("__weakref__", "attributes", "inputs", "line", "op", "type", "value")

    def __init__(
        self, op: str, inputs: Sequence["Expression"], attributes: Mapping, kind: Any, line: SourceLine | None
    ):
        self.op, self.inputs, self.attributes = op, tuple(inputs), attributes
        self.type, self.line = kind, line
        self.value: Any = None

    def __repr__(self) -> str:
        return f"{formula(self)}  {self.type}" if isinstance(self.type, Type) else formula(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return its shape. Raises UserError if that depends on the arguments of the program."""
        return self._known("shape").shape

    @property
    def dtype(self) -> np.dtype:
        """Return its dtype. Raises UserError if that depends on the arguments of the program."""
        return self._known("dtype").dtype

    @property
    def ndim(self) -> int:
        """Return the number of its axes."""
        return len(self._known("number of axes").shape)

    def _known(self, what: str) -> Type:
        if not isinstance(self.type, Type):
            raise _refused(
                self,
                f"its {what} is known only when the program is called; declare its variables, such as "
                'Variable("x", shape=(3, 5), dtype="float32")',
            )
        return self.type

    def __bool__(self) -> NoReturn:
        raise _refused(
            self,
            "an expression is neither true nor false before the program runs; "
            "use where() for a choice, scan() for a loop",
        )

    def __iter__(self) -> NoReturn:
        raise _refused(self, "an expression cannot be looped over in Python; use scan(), or slices such as x[0]")

    def __len__(self) -> int:
        return self.shape[0]

    def __float__(self) -> NoReturn:
        raise _refused(self, "an expression has no number before the program runs")

    __int__ = __index__ = __float__

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise _refused(self, "an expression has no numbers before the program runs, so it cannot become an array")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **named: Any) -> "Expression":
        """Return an expression for a NumPy function of expressions: np.exp(x), or an array times an expression."""
        name = "matmul" if ufunc is np.matmul else ufunc.__name__
        if method != "__call__" or named or name not in OPERATORS:
            raise UserError(
                f"np.{ufunc.__name__} has no operator in a program here; see lingon.program for what there is"
            )
        if ufunc is np.power:
            return (
                inputs[0] ** inputs[1] if isinstance(inputs[0], Expression) else as_expression(inputs[0]) ** inputs[1]
            )
        return apply_operator(name, inputs)

    def __getitem__(self, index: Any) -> "Expression":
        return _item(self, index)

    def __pow__(self, other: Any) -> "Expression":
        quick = POWERS.get(type(other), {})
        return apply_operator(quick[other], [self]) if other in quick else apply_operator("power", [self, other])

    def __rpow__(self, other: Any) -> "Expression":
        return apply_operator("power", [other, self])

    __add__, __radd__ = _binary("add"), _swapped("add")
    __sub__, __rsub__ = _binary("subtract"), _swapped("subtract")
    __mul__, __rmul__ = _binary("multiply"), _swapped("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _swapped("divide")
    __floordiv__, __rfloordiv__ = _binary("floor_divide"), _swapped("floor_divide")
    __mod__, __rmod__ = _binary("remainder"), _swapped("remainder")
    __matmul__, __rmatmul__ = _binary("matmul"), _swapped("matmul")
    __and__, __rand__ = _binary("bitwise_and"), _swapped("bitwise_and")
    __or__, __ror__ = _binary("bitwise_or"), _swapped("bitwise_or")
    __xor__, __rxor__ = _binary("bitwise_xor"), _swapped("bitwise_xor")
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __eq__, __ne__ = _binary("equal"), _binary("not_equal")  # type: ignore[assignment]
    __neg__, __abs__, __invert__ = _unary("negative"), _unary("absolute"), _unary("invert")
    __hash__ = object.__hash__  # by identity: == builds an expression

    def astype(self, dtype: Any) -> "Expression":
        """Return the expression cast to another dtype."""
        return apply_operator("cast", [self], {"dtype": dtype_of(dtype).name})

    def reshape(self, *shape: Any) -> "Expression":
        """Return the expression in another shape; one size may be -1."""
        return apply_operator(
            "reshape", [self], {"shape": shape_tuple(shape[0] if len(shape) == 1 and np.ndim(shape[0]) else shape)}
        )

    def transpose(self, *axes: Any) -> "Expression":
        """Return the expression with its axes permuted; without arguments, reversed."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            axes = tuple(axes[0] or ())
        return apply_operator("transpose", [self], {"axes": shape_tuple(axes) or None})

    @property
    def T(self) -> "Expression":  # noqa: N802, as in NumPy
        """Return the expression with its axes reversed."""
        return self.transpose()

    def swapaxes(self, a: int, b: int) -> "Expression":
        """Return the expression with two axes exchanged."""
        return apply_operator("swapaxes", [self], {"a": python.index(a), "b": python.index(b)})

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Expression":
        """Return the sum over axes."""
        return reduce("sum", self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> "Expression":
        """Return the mean over axes."""
        return reduce("mean", self, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> "Expression":
        """Return the maximum over axes."""
        return reduce("max", self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> "Expression":
        """Return the minimum over axes."""
        return reduce("min", self, axis, keepdims)


def _refused(expression: Expression, why: str) -> UserError:
    at = caller_line()
    return UserError(f"{formula(expression)}: {why}" + (f" ({at})" if at else ""))


def apply_operator(
    op: str, inputs: Iterable[Any], attributes: Mapping[str, Any] | None = None, line: SourceLine | None = None
) -> Expression:
    """Return an operator applied to operands, with its type inferred if the types of all operands are known.

    Raises UserError with the expression, the types of the operands and the user's line when they do not fit.
    """
    result = Expression(op, [as_expression(i) for i in inputs], attributes or {}, None, line or caller_line())
    try:
        check_operator(OPERATORS[op], len(result.inputs), result.attributes)
        types = [i.type for i in result.inputs]
        if all(isinstance(t, Type) for t in types):
            result.type = OPERATORS[op].infer(types, result.attributes)
            check_size(result.type)
    except Mismatch as problem:
        raise mismatch_error(result, str(problem)) from None
    return result


def check_size(kind: Type) -> None:
    """Raise Mismatch for more elements than any machine can hold: a mistake, or a malicious file."""
    if kind.size > LARGEST or max(kind.shape, default=0) > LARGEST:
        raise Mismatch(f"the result would be {kind}; at most {LARGEST:,} numbers are possible")


def mismatch_error(expression: Expression, problem: str) -> UserError:
    """Return the error for operands that do not fit: expression, problem, types of the operands and the user's line."""
    given = {formula(i, 3): i.type for i in expression.inputs if isinstance(i.type, Type) and not i.type.weak}
    said = ", ".join(f"{text} is {t}" for text, t in list(given.items())[:6])
    at = f" ({expression.line})" if expression.line else ""
    return UserError(f"{formula(expression)}: {problem}" + (f"; {said}" if said else "") + at)


def as_expression(value: Any) -> Expression:
    """Return a number or an array as a constant; an expression unchanged."""
    return value if isinstance(value, Expression) else constant(value)


def constant(value: Any) -> Expression:
    """Return a constant. A Python number adapts to the dtype of the other operand, an array keeps its own.

    Raises UserError for anything but an array of numbers. The array is copied, so that later changes have no effect.
    """
    if type(value) not in (bool, int, float) or (type(value) is int and not -(2**63) <= value < 2**63):
        value = native_array(value, "a constant").copy()
        value.flags.writeable = False
    result = Expression("constant", (), {}, type_of(value), caller_line())
    result.value = value
    return result


def reduce(op: str, x: Any, axis: Any, keepdims: bool) -> Expression:
    """Return a reduction over one, several or all axes."""
    return apply_operator(op, [x], {"axis": axis if axis is None else shape_tuple(axis), "keepdims": bool(keepdims)})


def _item(x: Expression, index: Any) -> Expression:
    if isinstance(index, (Expression, np.ndarray, list)) and np.ndim(getattr(index, "value", index)) != -1:
        ids = as_expression(index)
        if isinstance(ids.type, Type) and ids.type.dtype.kind == "b":
            raise _refused(x, "a mask as an index would give a shape that depends on numbers; use where(mask, x, 0)")
        return apply_operator("take", [x, ids], {"axis": 0})
    try:
        entries = tuple(index_entry(e) for e in (index if isinstance(index, tuple) else (index,)))
    except TypeError:
        raise _refused(x, "an index is made of whole numbers, slices, None and ...; take() looks up places") from None
    return apply_operator("slice", [x], {"index": entries})
