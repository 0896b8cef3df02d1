"""Predictions beside the true labels: which are right, how sure each is, and both in words, for each kind of labels."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lingon.data.problem_types import ProblemType


class Judged(NamedTuple):
    """A prediction: whether it is right, its confidence, the two labels in words, and a remark on the confidence."""

    right: bool
    confidence: float
    predicted: str
    true: str
    how_sure: str = ""


class Groups(NamedTuple):
    """What the groups of examples are called: those that are right, surest first; those that are wrong; and doubts."""

    right: str
    wrong: str
    doubtful: str


LABELS = Groups("Most confident, correct", "Most confident, wrong", "Least confident")
GROUPS: dict[ProblemType, Groups] = {
    "single-label": LABELS,
    "ordinal": LABELS,
    "multi-label": LABELS,
    "regression": Groups("Smallest errors", "Largest errors", ""),
}


def judge(problem_type: ProblemType, found: Sequence[Any], labels: Sequence[Any]) -> list[Judged]:
    """Return how each prediction stands to its true label."""
    return [JUDGES[problem_type](one, label) for one, label in zip(found, labels, strict=True)]


def _label(found: Any, label: str) -> Judged:
    return Judged(found.label == label, found.probability, found.label, label, f"{found.probability:.1%}")


def _several(found: Any, label: Sequence[str]) -> Judged:
    """It is as sure as it is of the label it is least sure about."""
    doubt = min(max(p, 1 - p) for p in found.probabilities.values())
    names = [", ".join(one) or "no label" for one in (found.labels, label)]
    return Judged(set(found.labels) == set(label), doubt, *names)


def _number(found: Any, label: float) -> Judged:
    """It is as sure as it is near: nothing else is known."""
    error = abs(found.value - label)
    return Judged(False, -error, f"{found.value:.4g}", f"{label:.4g}")


JUDGES: dict[ProblemType, Callable[[Any, Any], Judged]] = {
    "single-label": _label,
    "ordinal": _label,
    "multi-label": _several,
    "regression": _number,
}


def surest(judged: Sequence[Judged]) -> tuple[list[int], list[int]]:
    """Positions of the right and of the wrong predictions, surest first; of numbers the largest errors are wrong."""
    order = sorted(range(len(judged)), key=lambda i: -judged[i].confidence)
    if judged and judged[0].confidence <= 0:
        return order, order[::-1]
    return [i for i in order if judged[i].right], [i for i in order if not judged[i].right]
