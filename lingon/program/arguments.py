"""The arguments of a program: arrays or tensors by name, checked against its variables."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import UserError, suggest
from lingon.program.expression import Expression
from lingon.program.operator_types import Type
from lingon.program.plain_values import native_array


def is_tensor(value: Any) -> bool:
    """Return whether a value is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def check_names(given: Mapping[str, Any], variables: Mapping[str, Expression]) -> None:
    """Raise UserError listing variables without a value and values without a variable, if there are any."""
    missing = [name for name in variables if name not in given]
    extra = [name for name in given if name not in variables]
    said = [f"no value for {', '.join(missing)}"] if missing else []
    said += [f"there is no variable {name!r} ({suggest(name, variables)})" for name in extra]
    if said:
        known = ", ".join(variables) or "none"
        raise UserError(f"{'; '.join(said)}; the variables of this program are: {known}")


def to_array(name: str, value: Any) -> np.ndarray:
    """Convert an argument to an array, without a copy where possible. Raises UserError that names the variable."""
    if is_tensor(value):
        try:
            value = value.detach().cpu().resolve_conj().resolve_neg().numpy()
        except (TypeError, RuntimeError) as error:
            raise UserError(f"{name} cannot be read as an array ({error}); convert it, as in {name}.float()") from None
    return native_array(value, name)


def bind_arguments(given: Mapping[str, Any], variables: Mapping[str, Expression]) -> list[np.ndarray]:
    """Return the arrays of all variables, in their order, with the declared shapes and dtypes."""
    check_names(given, variables)
    arrays = []
    for name, variable in variables.items():
        array = to_array(name, given[name])
        dtype = variable.attributes["dtype"]
        if type(given[name]) in (bool, int, float) and dtype is not None:
            array = array.astype(dtype)  # a Python number is converted to the declared dtype
        arrays.append(array)
    check_types([Type(a.shape, a.dtype) for a in arrays], variables)
    return arrays


def check_types(types: Sequence[Type], variables: Mapping[str, Expression]) -> None:
    """Raise UserError when a type differs from the declaration of its variable, or a letter stands for two sizes."""
    letters: dict[str, tuple[int, str]] = {}
    for kind, (name, variable) in zip(types, variables.items(), strict=True):
        shape, dtype = variable.attributes["shape"], variable.attributes["dtype"]
        at = f" ({variable.line})" if variable.line else ""
        if dtype is not None and kind.dtype != dtype:
            raise UserError(f"{name} was declared as {dtype} and is {kind}; convert it with .astype{at}")
        if shape is None:
            continue
        said = f"{name} was declared with shape [{', '.join(map(str, shape))}] and is {kind}{at}"
        if len(shape) != len(kind.shape):
            raise UserError(said)
        for wanted, found in zip(shape, kind.shape, strict=True):
            if not isinstance(wanted, str):
                if wanted != found:
                    raise UserError(said)
            elif letters.setdefault(wanted, (found, name))[0] != found:
                size, other = letters[wanted]
                raise UserError(f"{said}: {wanted} is {size} in {other} and {found} in {name}; it must be one size")
