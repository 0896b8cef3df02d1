"""Warnings that wait until a text has been printed, so that none stands inside of it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_warnings() -> Iterator[None]:
    """Hold back what is warned of in a block, and show it after the block, each warning once, also after an error."""
    held: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as held:
            yield
    finally:
        for one in {str(one.message): one for one in held}.values():
            warnings.showwarning(one.message, one.category, one.filename, one.lineno)
