"""The kinds of labels that a text may have; the names are those of Hugging Face if it has one."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

ProblemType = Literal["single-label", "multi-label", "regression", "ordinal"]
PROBLEM_TYPES: tuple[ProblemType, ...] = get_args(ProblemType)
Label = str | tuple[str, ...] | float  # one name or rank, several names, a number


def names_in(labels: Sequence[Any]) -> list[str]:
    """Return all names in labels, with repetitions; numbers of a regression have none.

    >>> names_in(["a", ("b", "c"), (), 0.5])
    ['a', 'b', 'c']
    """
    found: list[str] = []
    for label in labels:
        found += [label] if isinstance(label, str) else label if isinstance(label, tuple) else []
    return found
