"""A linear classifier that is trained to its optimum: the path of C, chosen on validation texts, and probabilities."""

from typing import Any

from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.shapes import Float, Tensor
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


class Validation:
    """Scores of a linear model on validation texts, whose features are computed once.

    store: holds the features of the texts from index `first` on; if it ends there, they are computed when first needed.
    """

    def __init__(self, classifier: Classifier, valid: Examples, store: FeatureStore, first: int):
        self.classifier, self.valid, self.store, self.first = classifier, valid, store, first
        self.numbers, self.weights = classifier.numbers(valid.labels), text_weights(valid)

    def __call__(self, model: Any) -> dict[str, float]:
        """Return the metrics of a model, after its scale is fitted to the texts.

        With a scale fitted for each, the losses of two models are comparable: a larger C has larger scores.
        """
        logits, targets = check_finite(self.scores(model), "the model gave logits"), self.classifier.targets
        model.scale.fill_(scale := targets.scale_of(logits, self.numbers, self.weights, USUAL_SCALE))
        return targets.metrics_of(logits * scale, self.numbers, self.weights)

    def scores(self, model: Any) -> Float[Tensor, "n C"]:
        """Return the logits of the texts, before they are scaled."""
        if len(self.store) <= self.first:
            self.store, self.first = features_of(self.classifier, self.classifier.encoded(self.valid.inputs)), 0
        return self.store.scores(model, self.first)

    def logits(self) -> Float[Tensor, "n C"]:
        """Return the scaled logits of the texts by the classifier's model as it is now."""
        model: Any = self.classifier.model
        return self.scores(model) * model.scale
