"""Variables: the inputs of a program."""

from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.program.expression import LARGEST, Expression
from lingon.program.operator_types import RANK, Type
from lingon.program.plain_values import dtype_of, shape_tuple
from lingon.program.source_location import caller_line


def Variable(name: str, shape: Any = None, dtype: Any = None) -> Expression:  # noqa: N802, it is written as in A = Variable("A")
    """Return a variable, an input of a program.

    shape: sizes, or letters for sizes that may differ between calls, as in ("B", 5); the same letter is the same size
    everywhere. None means any shape. With integer sizes and a dtype, errors are raised when expressions are built.
    Raises UserError for an invalid name or size.
    """
    if not (isinstance(name, str) and name.isidentifier()):
        raise UserError(f"a variable is named like one of Python's, such as 'x'; {name!r} cannot be given by keyword")
    if shape is not None:
        shape = tuple(
            n if isinstance(n, str) else shape_tuple((n,))[0] for n in (shape if np.iterable(shape) else (shape,))
        )
        bad = [n for n in shape if not (n.isidentifier() if isinstance(n, str) else 0 <= n <= LARGEST)]
        if bad or len(shape) > RANK:
            raise UserError(
                f"variable {name}: shape {shape} must be at most {RANK} letters or sizes, "
                f"not negative and not over {LARGEST:,}"
            )
    dtype = None if dtype is None else dtype_of(dtype)
    whole = shape is not None and dtype is not None and not any(isinstance(n, str) for n in shape)
    attributes = {"name": name, "shape": shape, "dtype": dtype}
    return Expression("variable", (), attributes, Type(shape, dtype) if whole else None, caller_line())
