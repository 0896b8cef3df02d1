"""The labels of the training texts, and the weight of each in the loss: `--class-weights`."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown
from lingon.data.problem_types import ProblemType

if TYPE_CHECKING:
    from lingon.data.examples import Examples
    from lingon.tasks.classify.settings import Settings

WRITTEN = 'expected balanced, or numbers such as good=1,bad=2.5, or JSON such as {"a, b": 2}'


def labels_of(train: "Examples", problem_type: ProblemType = "single-label") -> list[str]:
    """Return the labels in the training texts: by number where all are numbers, else alphabetically."""
    if problem_type == "regression":
        return []
    labels = list(train.label_counts())
    if len(labels) < (1 if problem_type == "multi-label" else 2):
        has = f"have the label {labels[0]!r}" if labels else "have no label"
        raise UserError(f"all {counted(len(train), 'text')} {has}; a classifier needs two or more labels")
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)


def weights_of(settings: "Settings", train: "Examples", labels: Sequence[str]) -> list[float] | None:
    """Return the weight of each label in the loss that the settings name; None when all count alike."""
    given = settings.class_weights
    return class_weights(given, labels, train.label_weights()) if given else None


def class_weights(given: str, labels: Sequence[str], counts: Mapping[str, int | float]) -> list[float]:
    """Reads the weight of each label; labels that are not named have 1.

    balanced: n / (C * count), so that every class counts as much as every other, as in scikit-learn (King and Zeng
    2001). counts: of each label in the training texts, each by its weight. Raises UserError for what cannot be read.

    >>> class_weights("balanced", ["a", "b"], {"a": 30, "b": 10})
    [0.6666666666666666, 2.0]
    >>> class_weights("b=2.5", ["a", "b"], {"a": 30, "b": 10})
    [1.0, 2.5]
    """
    if given.strip() == "balanced":
        return [sum(counts.values()) / (len(labels) * counts[label]) for label in labels]
    weights = _as_json(given) if given.lstrip().startswith("{") else _as_pairs(given)
    for label, weight in weights.items():
        if label not in labels:
            raise unknown("label in --class-weights", label, labels)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < 1e12:
            raise UserError(f"--class-weights: {label!r} has {weight!r}, expected a number over 0")
    return [float(weights.get(label, 1.0)) for label in labels]


def _as_json(given: str) -> dict[str, Any]:
    try:
        return dict(json.loads(given))
    except (ValueError, TypeError):
        raise UserError(f"--class-weights {given!r} is not JSON; {WRITTEN}") from None


def _as_pairs(given: str) -> dict[str, float]:
    found = {}
    for pair in given.split(","):
        label, equals, number = pair.rpartition("=")
        try:
            found[label.strip()] = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise UserError(f"--class-weights {given!r}: {pair!r} is not a label with a number; {WRITTEN}")
    return found
