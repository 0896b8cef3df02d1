"""Dependency trees: the words of a sentence, each with its head and its relation to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.core.errors import UserError

__all__ = ["NotATree", "Tree", "TreeSplits"]


class NotATree(UserError):
    """Heads that are not a tree. word: index, from 0, of the word at fault."""

    def __init__(self, word: int, message: str):
        super().__init__(message)
        self.word = word


@dataclass(frozen=True)
class Tree:
    """A sentence and its dependencies (Universal Dependencies).

    heads: for each word the number of its head, from 1; 0 for the root, which is one word. relations: each word's
    relation to its head, such as "nsubj". upos: parts of speech, or empty.
    Raises NotATree unless every word leads to the one root; UserError for columns of different lengths.
    """

    words: tuple[str, ...]
    heads: tuple[int, ...]
    relations: tuple[str, ...]
    upos: tuple[str, ...] = ()

    def __post_init__(self):
        sizes = {len(self.words), len(self.heads), len(self.relations), len(self.upos) or len(self.words)}
        if len(sizes) > 1:
            raise UserError(
                f"{len(self.words):,} words, {len(self.heads):,} heads, {len(self.relations):,} relations and "
                f"{len(self.upos):,} parts of speech; a word has one of each"
            )
        check_heads(self.heads)

    def __len__(self) -> int:
        return len(self.words)


def check_heads(heads: Sequence[int]) -> None:
    """Raise NotATree, with the first word at fault, unless heads form one tree with one root, or are empty.

    >>> check_heads([2, 0, 2])
    >>> check_heads([2, 1, 0])
    Traceback (most recent call last):
    lingon.data.trees.NotATree: a cycle of heads: 1 -> 2 -> 1; every word must lead to the root
    """
    roots = [word for word, head in enumerate(heads) if head == 0]
    for word, head in enumerate(heads):
        if not 0 <= head <= len(heads):
            raise NotATree(word, f"its head is {head}; expected 0 (the root) to {len(heads)}, the number of words")
        if head == word + 1:
            raise NotATree(word, f"its head is itself ({head}); expected another word, or 0 for the root")
    if len(roots) > 1:
        also = f"word {roots[0] + 1} has head 0 too"
        raise NotATree(roots[1], f"a second root ({also}); a tree has one")
    if cycle := _cycle(heads):
        said = " -> ".join(str(word + 1) for word in [*cycle[:10], cycle[0]])
        raise NotATree(cycle[0], f"a cycle of heads: {said}; every word must lead to the root")


def _cycle(heads: Sequence[int]) -> list[int]:
    """Return the words of a cycle, from its first; an empty list if there is none. Each word is visited once."""
    seen = [0] * len(heads)  # by which walk
    for start in range(len(heads)):
        word, path = start, []
        while word >= 0 and not seen[word]:
            seen[word] = start + 1
            path.append(word)
            word = heads[word] - 1
        if word >= 0 and seen[word] == start + 1:
            cycle = path[path.index(word) :]
            first = cycle.index(min(cycle))
            return cycle[first:] + cycle[:first]
    return []


@dataclass(frozen=True)
class TreeSplits:
    """Training, validation and test trees, their name, and where they come from (stored in run.json)."""

    train: list[Tree]
    valid: list[Tree]
    test: list[Tree]
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> list[Tree]:
        """Return the trees of all three parts."""
        return self.train + self.valid + self.test
