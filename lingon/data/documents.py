"""Running text in splits, for training, validating and testing language models."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Documents:
    """The documents of a text, read again at each use. of: yields those of "train", "valid" or "test".

    identity: identifies the text, so that its tokens can be cached for other runs.
    """

    of: Callable[[str], Iterator[str]]
    identity: list[Any]
