"""A regression of texts with scikit-learn's estimator interface: a number for each text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.core.optional_packages import install_command
from lingon.data.examples import Examples

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise UserError(f"LingonRegressor needs scikit-learn; install it with: {install_command('sklearn')}") from None

from lingon.recipes.sklearn_inputs import texts_of, with_weights
from lingon.recipes.sklearn_training import fitted, settings_of


class LingonRegressor(RegressorMixin, BaseEstimator):
    """A model of numbers that is trained on texts by `fit` and queried by `predict`; `score` is R2.

    The parameters are those of `LingonClassifier`, without class_weight. After `fit`: classifier_, a
    `lingon.tasks.classify.Classifier` whose targets are numbers.

    >>> texts, stars = ["a good film", "a bad film", "good", "bad"] * 5, [4.5, 1.0, 4.0, 1.5] * 5
    >>> model = LingonRegressor(random_state=0).fit(texts, stars)
    >>> low, high = model.predict(["bad", "good"])
    >>> bool(low < 2.5 < high)
    True
    """

    def __init__(
        self,
        model: str = "ngrams",
        *,
        from_: str | None = None,
        C: float | None = None,
        epochs: float | None = None,
        lr: float | None = None,
        max_length: int | None = None,
        validation_fraction: float = 0.1,
        random_state: Any = None,
        device: str = "cpu",
        verbose: bool = False,
        settings: Mapping[str, Any] | None = None,
    ):
        self.model = model
        self.from_ = from_
        self.C = C
        self.epochs = epochs
        self.lr = lr
        self.max_length = max_length
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device
        self.verbose = verbose
        self.settings = settings

    def fit(
        self, X: Sequence[str], y: Sequence[float], sample_weight: Sequence[float] | None = None
    ) -> "LingonRegressor":
        """Train on texts and a number for each [n]; return the regressor itself. sample_weight: see `LingonClassifier`.

        Raises UserError, which is a ValueError, for anything but texts, and for numbers that are infinite or too few.
        """
        texts, numbers, weights = with_weights(texts_of(X), _numbers(y), sample_weight, self.validation_fraction)
        examples = Examples(texts, numbers.tolist(), weights=weights)
        settings = settings_of(self)
        self.classifier_ = fitted(examples, "regression", settings, self.validation_fraction, self.verbose)
        return self

    def predict(self, X: Sequence[str]) -> np.ndarray:
        """Return the number of each text [n]."""
        check_is_fitted(self, "classifier_")  # from_ looks like a fitted one
        return np.array([found.value for found in self.classifier_.predict(texts_of(X))])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array = True, True
        tags.input_tags.two_d_array, tags.input_tags.sparse = False, False
        tags.non_deterministic = self.random_state is None
        return tags


def _numbers(y: Any) -> np.ndarray:
    if y is None:
        raise UserError("y is None; a regression needs a number for each text")
    try:
        numbers = np.asarray(y, np.float64)
    except (TypeError, ValueError):
        raise UserError(f"y is {str(y)[:40]!r}, expected a number for each text") from None
    if numbers.ndim != 1:
        raise UserError(f"y has the shape {numbers.shape}; expected one number for each text")
    if len(wrong := np.flatnonzero(~np.isfinite(numbers))):
        raise UserError(f"y[{wrong[0]}] is {numbers[wrong[0]]}, expected a finite number")
    return numbers
