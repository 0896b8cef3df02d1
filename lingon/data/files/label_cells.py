"""Reads the cells of a label column as one label, several, a number or a rank; and detects which a column holds."""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from lingon.core.counted import counted
from lingon.data.files.row import cell_text, label_text
from lingon.data.problem_types import Label, ProblemType

BETWEEN = "|"  # separates several labels in one cell
MANY_NUMBERS = 20  # distinct numbers: more are unlikely to be classes
FEW_OTHERS = 0.1  # maximum share of cells that are not numbers, in a column of numbers
ENOUGH_LISTS = 0.01  # minimum share of rows with two labels: fewer are probably mistakes
YES, NO = ("1", "true", "yes"), ("0", "false", "no", "")


class BadLabel(Exception):
    """What is wrong with a cell."""


def one_label(value: Any, column: str) -> str:
    """Return the label in a cell. Raises BadLabel for several labels, and for none."""
    if isinstance(value, list | tuple | dict):
        several = f"several labels ({str(value)[:60]}) in column {column!r}"
        raise BadLabel(f"{several}; keep one, or give --problem-type multi-label")
    name = label_text(value)
    if name is None:
        raise BadLabel(f"no label in column {column!r}")
    return name


def several_labels(value: Any, column: str) -> tuple[str, ...]:
    """Return the distinct labels in a cell: a list, a list in JSON, or names separated by |. A list may be empty."""
    if isinstance(value, list | tuple):
        return _names(value, column)
    text = (cell_text(value) or "").strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            raise BadLabel(f'{text[:60]!r} in column {column!r} is not a JSON list, such as ["a", "b"]') from None
        return _names(found, column)
    if not text:
        raise BadLabel(f"no label in column {column!r}; a text that has none is written []")
    return _names(text.split(BETWEEN), column)


def _names(values: Sequence[Any], column: str) -> tuple[str, ...]:
    names = [label_text(value) for value in values if not isinstance(value, list | tuple | dict)]
    if len(names) < len(values) or None in names:
        raise BadLabel(f"an empty label or a list in a list ({str(values)[:60]}) in column {column!r}")
    return tuple(dict.fromkeys(name for name in names if name is not None))


def a_number(value: Any, column: str) -> float:
    """Return the number in a cell. Raises BadLabel for text, for NaN and for infinity."""
    text = (cell_text(value) or "").strip()
    if isinstance(value, bool) or not text:
        raise BadLabel(f"no number in column {column!r}")
    try:
        number = float(text)
    except ValueError:
        raise BadLabel(f"{text[:60]!r} in column {column!r} is not a number") from None
    if not math.isfinite(number):
        raise BadLabel(f"{text[:60]!r} in column {column!r} is not a finite number")
    return number


def a_rank(value: Any, column: str) -> str:
    """Return the rank in a cell, a number as a label. Raises BadLabel for anything without an order."""
    a_number(value, column)
    return one_label(value, column)


def yes_or_no(values: Sequence[Any], columns: Sequence[str]) -> tuple[str, ...]:
    """Return the indicator columns that are 1 in a row. Raises BadLabel for a cell that is not 0 or 1."""
    found = []
    for value, column in zip(values, columns, strict=True):
        said = (label_text(value) or "").lower()
        if said not in YES + NO or value is None or said == "":
            raise BadLabel(f"{str(value)[:60]!r} in column {column!r} is neither 0 nor 1")
        found += [column] if said in YES else []
    return tuple(found)


READERS: dict[ProblemType, Callable[[Any, str], Label]] = {
    "single-label": one_label,
    "multi-label": several_labels,
    "regression": a_number,
    "ordinal": a_rank,
}


def guess(values: Sequence[Any], column: str) -> tuple[ProblemType, str]:
    """Return the kind of labels in the first cells of a column, if it is certain, else one label; and a message.

    Certain are lists, also in JSON; names separated by | in most rows; and more than twenty numbers, not all of them
    integers, with few other cells (nan, n/a), which are then reported as bad rows.
    """
    values = [value for value in values if value is not None]
    lists = [value for value in values if _is_list(value)]
    if lists and len(lists) >= ENOUGH_LISTS * len(values):
        return (
            "multi-label",
            f"{len(lists):,} of {counted(len(values), 'row')} have a list of labels: {_learned('multi-label')}",
        )
    texts = [label_text(value) or "" for value in values if not isinstance(value, list | tuple | dict)]
    joined = sum(BETWEEN in text for text in texts)
    if joined > len(texts) / 2 and _parts_repeat(texts):
        said = (
            f"{joined:,} of {counted(len(texts), 'label')} are several with {BETWEEN} between: "
            f"{_learned('multi-label')}"
        )
        return "multi-label", said
    if joined:
        said = f"{counted(joined, 'label has', 'labels have')} a {BETWEEN}, each is learned as one"
        return "single-label", f"{said}; --problem-type multi-label takes them for several"
    return _guess_numbers(texts)


def _guess_numbers(texts: Sequence[str]) -> tuple[ProblemType, str]:
    read = [_finite(text) for text in texts if text]
    numbers = {number for number in read if number is not None}
    if len(numbers) <= MANY_NUMBERS or read.count(None) > FEW_OTHERS * len(read):
        return "single-label", ""
    if all(number == int(number) for number in numbers):
        return "single-label", ""  # maybe numbers of topics: reported once all are read
    return "regression", f"{len(numbers)} different numbers: {_learned('regression')}"


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _learned(problem_type: str) -> str:
    return f"--problem-type {problem_type} (single-label makes each a class)"


def _is_list(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return True
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return False
    try:
        return isinstance(json.loads(value), list)
    except (ValueError, RecursionError):
        return False


def _parts_repeat(texts: Sequence[str]) -> bool:
    """Return whether there are fewer parts than whole labels, or parts repeat, as in combinations of names."""
    parts = Counter(part for text in texts for part in text.split(BETWEEN))
    return len(parts) < len(set(texts)) or max(parts.values()) > 1
