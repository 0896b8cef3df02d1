"""One input or many of them: what `predict` of a task takes and gives back."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lingon.core.errors import UserError


def one_or_many(predict: Callable[[list[Any]], list[Any]], inputs: Any, single: type | tuple[type, ...] = str) -> Any:
    """Return the predictions of a list of inputs; of one input, which is of a type of `single`, its one prediction.

    Raises UserError for what is neither.

    >>> one_or_many(lambda texts: [len(text) for text in texts], "four"), one_or_many(len, ["a", "b"])
    (4, 2)
    """
    if isinstance(inputs, single):
        return predict([inputs])[0]
    if isinstance(inputs, bytes | Mapping) or not isinstance(inputs, Iterable):
        raise UserError(f"predict takes one input or a list of them, not {type(inputs).__name__}: {str(inputs)[:40]!r}")
    return predict(list(inputs))
