"""Out of memory, said in a way that tells what to lower."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from lingon.core.errors import RunError

SIGNS = re.compile(r"can't allocate memory|not enough memory|out of memory|bad_alloc", re.IGNORECASE)
ASKED = re.compile(r"tried to allocate ([\d.]+ ?\w+)", re.IGNORECASE)


def is_memory(error: BaseException) -> bool:
    """Whether an error means that there was not enough memory, on the CPU or a GPU."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(SIGNS.search(str(error))))


@contextlib.contextmanager
def explained(step: int, group: list[tuple[Any, float]] | None) -> Iterator[None]:
    """Turns a want of memory into a RunError that says which setting to lower. group: None in an evaluation."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RunError) or not is_memory(error):
            raise
        wanted = f", {asked[1]} more were wanted" if (asked := ASKED.search(str(error))) else ""
        work = "the evaluation" if group is None else f"a batch of {_size(group)}"
        message = f"step {step}: not enough memory for {work}{wanted}"
        # Without `from None` the traceback would hold on to the tensors of the failed step.
        raise RunError(
            f"{message}; lower the tokens per batch (tokens), and raise accumulate to make up for it"
        ) from None


def _size(group: list[tuple[Any, float]]) -> str:
    shape = getattr(getattr(group[0][0], "ids", None), "shape", None)
    return "unknown size" if shape is None else f"{shape[0]:,} rows x {shape[1]:,} tokens"
