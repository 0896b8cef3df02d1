"""Running text in parts: what a language model is trained, validated and tested on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Documents:
    """The documents of a text, read anew each time. of: those of "train", "valid" or "test", one by one.

    identity: what tells this text from others, so that its tokens can be kept for other runs.
    """

    of: Callable[[str], Iterator[str]]
    identity: list[Any]
