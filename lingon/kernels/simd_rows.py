"""Rows of a float32 table as SIMD values in a compiled loop, so that sums of rows stay in the processor's registers.

    mean = read_row(A, 3, lines) + read_row(A, 5, lines)    # a row has the width of A
    write_row(B, 7, read_row(B, 7, lines) + mean * share)    # share: float32

`lines` is a tuple with one element for each LINE numbers of a row; only its length matters, which is known at compile
time. Tables are C-contiguous, float32 [N, LINE * len(lines)]; row numbers are unsigned and not checked against N.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

LINE = 16  # float32 numbers in a cache line, and in the widest registers
NUMBER, PLACE = ir.FloatType(), ir.IntType(64)
REGISTER = ir.VectorType(NUMBER, LINE)  # the compiler uses two or four registers where they are narrower
FAST = ["fast"]  # sums may be reordered, as in `fast_kernel`


class RowType(types.Type):
    """A row of `lines` * LINE numbers."""

    def __init__(self, lines: int):
        super().__init__(f"RowType({lines})")
        self.lines = lines


@register_model(RowType)
class _RowModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.ArrayType(REGISTER, kind.lines))


@intrinsic
def read_row(_, table, at, lines):
    """Return row `at` of a table."""
    if not _is_row_of(table, at):
        return None

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, table, arguments)
        return _lines(builder, signature.return_type, lambda k: _aligned(builder.load(_line(builder, place, k))))

    return RowType(len(lines))(table, at, lines), generate


@intrinsic
def write_row(_, table, at, values):
    """Overwrite row `at` of a table."""
    if not _is_row_of(table, at) or not isinstance(values, RowType):
        return None

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, table, arguments)
        for k in range(values.lines):
            _aligned(builder.store(builder.extract_value(arguments[2], k), _line(builder, place, k)))
        return context.get_dummy_value()

    return types.void(table, at, values), generate


@intrinsic
def row_dot(_, a, b):
    """Return the dot product of two rows."""
    if not isinstance(a, RowType) or a != b:
        return None

    def generate(context, builder, signature, arguments):
        total = None
        for k in range(a.lines):
            product = builder.fmul(*(builder.extract_value(value, k) for value in arguments), flags=FAST)
            total = product if total is None else builder.fadd(total, product, flags=FAST)
        kind = ir.FunctionType(NUMBER, [NUMBER, REGISTER])
        name = f"llvm.vector.reduce.fadd.v{LINE}f32"
        return builder.call(
            cgutils.get_or_insert_function(builder.module, kind, name), [NUMBER(0.0), total], fastmath=FAST
        )

    return types.float32(a, b), generate


@intrinsic
def _sum(_, a, b):
    return a(a, b), _by_lines(lambda builder, x, y: builder.fadd(x, y, flags=FAST))


@intrinsic
def _times(_, a, number):
    def generate(context, builder, signature, arguments):
        ends = ir.Constant(REGISTER, ir.Undefined)
        one = builder.insert_element(ends, arguments[1], ir.IntType(32)(0))
        all_lanes = builder.shuffle_vector(one, ends, ir.Constant(ir.VectorType(ir.IntType(32), LINE), [0] * LINE))
        product = lambda k: builder.fmul(builder.extract_value(arguments[0], k), all_lanes, flags=FAST)
        return _lines(builder, a, product)

    return a(a, types.float32), generate


@overload(operator.add)
def _plus(a, b):
    if isinstance(a, RowType) and a == b:
        return lambda a, b: _sum(a, b)
    return None


@overload(operator.mul)
def _multiplied(a, b):
    if isinstance(a, RowType) and b == types.float32:
        return lambda a, b: _times(a, b)
    return None


def _is_row_of(table: types.Type, at: types.Type) -> bool:
    is_table = isinstance(table, types.Array) and (table.dtype, table.ndim, table.layout) == (types.float32, 2, "C")
    return is_table and at in (types.int64, types.uint64)


def _place(context: Any, builder: Any, table: Any, arguments: Any) -> Any:
    """Return the address of a row."""
    array, lines = context.make_array(table)(context, builder, arguments[0]), arguments[2].type.count
    return builder.gep(builder.bitcast(array.data, REGISTER.as_pointer()), [builder.mul(arguments[1], PLACE(lines))])


def _line(builder: Any, place: Any, k: int) -> Any:
    return builder.gep(place, [PLACE(k)])


def _aligned(access: Any) -> Any:
    """Set the alignment of a load or store to 4 bytes, less than its size."""
    access.align = 4
    return access


def _lines(builder: Any, kind: RowType, line: Callable[[int], Any]) -> Any:
    """Return a row built from its lines."""
    value = ir.Constant(ir.ArrayType(REGISTER, kind.lines), ir.Undefined)
    for k in range(kind.lines):
        value = builder.insert_value(value, line(k), k)
    return value


def _by_lines(operation: Callable) -> Callable:
    def generate(context, builder, signature, arguments):
        a, b = arguments
        each = lambda k: operation(builder, builder.extract_value(a, k), builder.extract_value(b, k))
        return _lines(builder, signature.return_type, each)

    return generate
