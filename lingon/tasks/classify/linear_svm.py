"""A linear classifier that is trained to its optimum: the path of C, chosen on validation texts, and probabilities."""

from collections.abc import Callable
from functools import cache
from typing import Any

from torch import nn

from lingon.core.check_finite import check_finite
from lingon.data.examples import Examples
from lingon.engine.dual_coordinate_descent import DualCoordinateDescent
from lingon.engine.feature_store import FeatureStore
from lingon.tasks.classify.calibration import USUAL as USUAL_SCALE
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify.targets.target import Targets
from lingon.tasks.classify.text_features import features_of

PATH = (0.3, 1.0, 3.0, 10.0, 30.0)
USUAL = (10.0,)  # where there are too few validation texts to choose by
ENOUGH = 30


def takes_over(model: nn.Module, first: DualCoordinateDescent | None) -> bool:
    """Return whether a model has taken over what that of a first training learned of the same texts before it."""
    learn_as = getattr(model, "learn_as", None)
    return first is not None and learn_as is not None and learn_as(first.model)


def optimizer_of(
    model: nn.Module,
    targets: Targets,
    train: Examples,
    valid: Examples,
    settings: Settings,
    store: FeatureStore,
) -> DualCoordinateDescent:
    """Return the optimizer; its path is the C that was asked for, or those among which the validation texts choose.

    store: the features of the texts.
    """
    path = (settings.C,) if settings.C is not None else PATH if len(valid) >= ENOUGH else USUAL
    return DualCoordinateDescent(model, len(train), path, targets.linear_problem(), settings.seed, store=store)


def calibrated_evaluator(
    classifier: Classifier, valid: Examples, store: FeatureStore, first: int
) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of the model that fits the scale of its logits to these texts, and scores it on them.

    So the loss of two models can be compared: a larger C has larger scores. store: holds the features of the texts from
    number `first` on; where it ends there, they are made when they are asked for.
    """
    numbers, weights = classifier.numbers(valid.labels), text_weights(valid)

    @cache
    def own() -> FeatureStore:
        return features_of(classifier, classifier.encoded(valid.inputs))

    def evaluate(model: Any) -> dict[str, float]:
        found = store.scores(model, first) if len(store) > first else own().scores(model)
        logits = check_finite(found, "the model gave logits")
        model.scale.fill_(scale := classifier.targets.scale_of(logits, numbers, weights, USUAL_SCALE))
        return classifier.targets.metrics_of(logits * scale, numbers, weights)

    return evaluate
