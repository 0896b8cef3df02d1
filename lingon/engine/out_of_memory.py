"""Out-of-memory errors that say which settings to lower."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from lingon.core.errors import RunError

SIGNS = re.compile(r"can't allocate memory|not enough memory|out of memory|bad_alloc", re.IGNORECASE)
ASKED = re.compile(r"(?:tried|unable) to allocate ([\d.]+ ?\w+)", re.IGNORECASE)


def is_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, on the CPU or a GPU."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(SIGNS.search(str(error))))


@contextlib.contextmanager
def oom_context(doing: str) -> Iterator[None]:
    """Return a context that turns an out-of-memory error into a RunError that says which setting to lower.

    doing: what was being done, for the message.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RunError) or not is_memory(error):
            raise
        wanted = f" ({_readable(asked[1])} more were wanted)" if (asked := ASKED.search(str(error))) else ""
        way_out = "lower batch_size or max_tokens_per_batch, and raise accumulation_steps to make up for it"
        # Without `from None` the traceback would keep the tensors of the failed step in memory.
        raise RunError(f"not enough memory for {doing}{wanted}; {way_out}") from None


def size_of(group: list[tuple[Any, float]]) -> str:
    """Return the size of the first batch of a group, in words.

    >>> import torch
    >>> size_of([(torch.zeros(3, 5), 1.0)])
    'a batch of 3 x 5'
    """
    from lingon.engine.batch_tree import first_tensor  # imported here: word vectors are trained without torch

    found = first_tensor(group[0][0])
    return "a batch" if found is None else f"a batch of {' x '.join(f'{n:,}' for n in found.shape)}"


def _readable(size: str) -> str:
    number, _, unit = size.partition(" ")
    return f"{float(number) / 1e9:.1f} GB" if unit == "bytes" else size
