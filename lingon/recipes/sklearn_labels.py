"""What y of a classifier of scikit-learn holds: one label for each text, or several, as a matrix or as lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.data.problem_types import ProblemType


@dataclass(frozen=True)
class Labels:
    """Labels of texts.

    classes: in rising order [C]. numbers: of the class of each text [n], or 1 where it has one [n, C]. as_lists: they
    were given as lists, and are given back as tuples.
    """

    classes: np.ndarray
    numbers: np.ndarray
    as_lists: bool = False

    @property
    def problem_type(self) -> ProblemType:
        return "single-label" if self.numbers.ndim == 1 else "multi-label"

    @property
    def names(self) -> dict[Any, str]:
        """The name of each class, as `lingon.tasks.classify` has them."""
        classes = self.classes.tolist()
        return dict(zip(classes, map(str, classes), strict=True))

    def named(self, numbers: np.ndarray) -> list[Any]:
        """Return a name for each text, or a tuple of names. numbers: of some of the texts."""
        names = list(self.names.values())
        if self.numbers.ndim == 1:
            return [names[i] for i in numbers.tolist()]
        return [tuple(names[i] for i in np.flatnonzero(row)) for row in numbers]


def labels_of_y(y: Any) -> Labels:
    """Return the labels that y means.

    One label for each text, in one dimension; a matrix of 0 and 1 with two columns or more, also a sparse one, or such
    rows in lists, which is an indicator matrix for scikit-learn too; or a list of labels for each text.
    Raises UserError for anything else, and where no text has a label.
    """
    if y is None:
        raise UserError("y is None; a classifier needs a label for each text")
    y = y.toarray() if hasattr(y, "toarray") else y
    if _holds_lists(y) and not _is_indicator(y):
        return _of_lists(y)
    given = np.asarray(y)
    if given.ndim == 1:
        classes, numbers = np.unique(given, return_inverse=True)
        return Labels(classes, numbers)
    if not _is_indicator(given):
        raise UserError(
            f"y has the shape {given.shape}; expected one label for each text, or a matrix of 0 and 1 with two columns "
            "or more"
        )
    return _checked(Labels(np.arange(given.shape[1]), given.astype(np.int64)))


def indicator(classes: np.ndarray, rows: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return 1 where a text has a class [n, C]; -1 in every column of a text with a label that is not known."""
    place = {label: i for i, label in enumerate(classes.tolist())}
    found = np.zeros((len(rows), len(classes)), np.int64)
    for out, row in zip(found, rows, strict=True):
        numbers = [place.get(label, -1) for label in row]
        out[[i for i in numbers if i >= 0]] = 1
        if -1 in numbers:
            out[:] = -1
    return found


def _of_lists(y: Any) -> Labels:
    rows = [list(row) for row in y]
    try:
        classes = np.array(sorted({label for row in rows for label in row}))
    except TypeError:
        raise UserError("the labels in y are of several types, which have no order; give all as str") from None
    return _checked(Labels(classes, indicator(classes, rows), as_lists=True))


def _checked(labels: Labels) -> Labels:
    if not labels.numbers.any():
        raise UserError("no text of y has a label; there is nothing to learn")
    return labels


def _holds_lists(y: Any) -> bool:
    return (
        not (isinstance(y, np.ndarray) and y.dtype != object)
        and all(isinstance(row, list | tuple | set | frozenset) for row in y)
        and len(y) > 0
    )


def _is_indicator(y: Any) -> bool:
    try:
        given = np.asarray(y)
    except ValueError:  # rows of several lengths
        return False
    return given.ndim == 2 and given.shape[1] > 1 and given.dtype.kind in "biuf" and bool(np.isin(given, (0, 1)).all())


def weights_by_name(class_weight: Mapping[Any, float], names: Mapping[Any, str]) -> dict[str, float]:
    """Return the weights of classes by their names."""
    return {names.get(label, str(label)): float(weight) for label, weight in class_weight.items()}
