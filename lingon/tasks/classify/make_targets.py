"""The targets of a training: what the labels of its texts are, with the weights of classes that its settings name."""

from collections.abc import Callable
from typing import Any

from lingon.data.examples import Examples
from lingon.data.problem_types import ProblemType
from lingon.tasks.classify.class_weights import labels_of, weights_of
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify.targets import MultiLabel, Ordinal, Regression, SingleLabel, Targets
from lingon.tasks.classify.targets.rare_label import rare_of


def targets_of(train: Examples, problem_type: ProblemType, settings: Settings) -> Targets:
    """Return the targets for these training examples."""
    return MAKERS[problem_type](train, settings)


def _single_label(train: Examples, settings: Settings) -> SingleLabel:
    labels = labels_of(train)
    weights, rare = weights_of(settings, train, labels), rare_of(train.label_weights())
    return SingleLabel(labels, weights, settings.focal_gamma, rare=rare)


def _multi_label(train: Examples, settings: Settings) -> MultiLabel:
    labels = labels_of(train, "multi-label")
    return MultiLabel(labels, class_weights=weights_of(settings, train, labels), gamma=settings.focal_gamma)


MAKERS: dict[ProblemType, Callable[[Examples, Any], Targets]] = {
    "single-label": _single_label,
    "multi-label": _multi_label,
    "regression": lambda train, settings: Regression.of(train.labels),
    "ordinal": lambda train, settings: Ordinal(labels_of(train, "ordinal")),
}
