"""Groups pairs that are connected by shared texts, within which no text is a safe negative of another."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from lingon.data.split import key_of

if TYPE_CHECKING:
    from lingon.core.shapes import Int

NOWHERE = -1  # the group of a text that is in no pair


class PairGroups:
    """Groups of pairs: two pairs are in one group if they share a text, or each shares one with a third, and so on.

    Within a group any text may belong to any other: with the pairs (a, b) and (a, c), c is not a negative of a, nor is
    b one of c. pairs: for each, its texts that belong together. Texts that differ only in white space or Unicode form
    are the same.
    """

    def __init__(self, pairs: Iterable[Iterable[str]]):
        self._numbers: dict[str, int] = {}
        self._parent: list[int] = []
        first = [self._join([self._number(text) for text in texts]) for texts in pairs]
        self.of_pairs: Int[np.ndarray, " N"] = np.array([self._root(i) for i in first], np.int64)

    def of_text(self, text: str) -> int:
        """Return the group of a text; NOWHERE for one that is in no pair."""
        number = self._numbers.get(key_of(text))
        return NOWHERE if number is None else self._root(number)

    def _number(self, text: str) -> int:
        found = self._numbers.setdefault(key_of(text), len(self._parent))
        if found == len(self._parent):
            self._parent.append(found)
        return found

    def _join(self, numbers: list[int]) -> int:
        roots = [self._root(i) for i in numbers]
        for root in roots:
            self._parent[root] = min(roots)
        return numbers[0]

    def _root(self, number: int) -> int:
        while (above := self._parent[number]) != number:
            self._parent[number] = self._parent[above]  # path halving
            number = above
        return number
