"""Guards calls of the tokenizers library, whose panics are not an `Exception` and would end the program."""

from collections.abc import Callable
from typing import Any

from lingon.core.errors import DataError


def call_guarded(name: object, why: str, function: Callable, *arguments: Any, **more: Any) -> Any:
    """Call function(*arguments, **more). Raises DataError `name: why (...)` for any failure inside the library.

    A TypeError is passed on: it is about the arguments, so the caller should handle it.
    """
    try:
        return function(*arguments, **more)
    except (TypeError, KeyboardInterrupt, SystemExit, MemoryError, DataError):
        raise
    except BaseException as error:  # a panic inside the library is not an Exception
        said = " ".join(str(error).split())
        raise DataError(f"{name}: {why} ({said if len(said) <= 80 else said[:77] + '...'})") from None
