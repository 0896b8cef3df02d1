"""A text classifier with scikit-learn's estimator interface, for pipelines, cross-validation and searches."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.core.optional_packages import install_command
from lingon.data.examples import Examples

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise UserError(f"LingonClassifier needs scikit-learn; install it with: {install_command('sklearn')}") from None

from lingon.recipes.sklearn_inputs import texts_of, with_weights
from lingon.recipes.sklearn_labels import indicator, labels_of_y, weights_by_name
from lingon.recipes.sklearn_training import fitted, settings_of


class LingonClassifier(ClassifierMixin, BaseEstimator):
    """A text classifier that is trained by `fit` and queried by `predict`, like a scikit-learn estimator.

    model: ngrams, bag, textcnn, bilstm or self_attentive. from_: the weights to start from, in place of a model, as
    --from names them: a published encoder such as minilm-l6, a folder, or hf:owner/name. C: the inverse of the
    regularisation strength of ngrams, chosen on validation texts when None. epochs, lr, max_length: passes over the
    texts, peak learning rate of the others, tokens of a text that are read; the model's default when None.
    class_weight: None, "balanced" or a weight by label. validation_fraction: of the texts, on which the best weights
    are selected. random_state: None, a seed or a numpy.random.RandomState. device: cpu, cuda, mps or auto. verbose:
    show progress on stderr. settings: other options of `lingon train classify`, by name.

    After `fit`: classes_, the labels in rising order, of a matrix of 0 and 1 the numbers of its columns; classifier_, a
    `lingon.tasks.classify.Classifier`.

    >>> from sklearn.model_selection import cross_val_score
    >>> texts, labels = ["a good film", "a bad film", "good", "bad"] * 5, [1, 0, 1, 0] * 5
    >>> cross_val_score(LingonClassifier(random_state=0), texts, labels, cv=2).tolist()
    [1.0, 1.0]
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
        class_weight: str | Mapping[Any, float] | None = None,
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
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device
        self.verbose = verbose
        self.settings = settings

    def fit(self, X: Sequence[str], y: Any, sample_weight: Sequence[float] | None = None) -> "LingonClassifier":
        """Train on n texts and their labels; return the classifier itself.

        y: a label for each text [n]; or several, as a matrix of 0 and 1 [n, C], also a sparse one, or as a list of
        labels for each text. sample_weight: how much each text counts, 0 or more [n]; in the loss, where 2 is the same
        text twice, and in the scores that select the best weights. A text of weight 0 is left out. Which words there
        are, and how rare each is, is counted by texts, as a vectorizer of scikit-learn counts it.
        Raises UserError, which is a ValueError, for anything but texts, labels of another length or of one class only,
        and invalid weights.
        """
        labels = labels_of_y(y)
        texts, numbers, weights = with_weights(texts_of(X), labels.numbers, sample_weight, self.validation_fraction)
        class_weights = self.class_weight
        if isinstance(class_weights, Mapping):
            class_weights = json.dumps(weights_by_name(class_weights, labels.names))
        settings = settings_of(self, class_weights)
        examples = Examples(texts, labels.named(numbers), weights=weights)
        classifier = fitted(examples, labels.problem_type, settings, self.validation_fraction, self.verbose)
        self.classes_, self.classifier_, self._as_lists = labels.classes, classifier, labels.as_lists
        self._order = [classifier.labels.index(n) if n in classifier.labels else -1 for n in labels.names.values()]
        return self

    def predict(self, X: Sequence[str]) -> np.ndarray:
        """Return the likeliest label of each text [n]; of several, 1 where it has one [n, C], or as they were given.

        That is for a `fit` to lists of labels a tuple of labels for each text [n]. A text has a label whose probability
        is over the threshold that was tuned on validation texts.
        """
        probabilities = self.predict_proba(X)
        targets: Any = self.classifier_.targets
        if targets.problem_type == "single-label":
            return self.classes_[probabilities.argmax(1)]
        thresholds = np.array([*targets.thresholds, np.inf])[self._order]
        has = (probabilities >= thresholds).astype(np.int64)
        if not self._as_lists:
            return has
        found = np.empty(len(has), object)
        found[:] = [tuple(self.classes_[row > 0].tolist()) for row in has]
        return found

    def predict_proba(self, X: Sequence[str]) -> np.ndarray:
        """Return the probability of each label for each text [n, C], labels in the order of `classes_`.

        A text has one label, and its row sums to 1; or several, and each probability stands for itself, 0 for a label
        that no text of `fit` had.
        """
        check_is_fitted(self, "classifier_")  # from_ looks like a fitted one
        classifier = self.classifier_
        targets: Any = classifier.targets  # of one label for each text, or of several: `fit` takes nothing else
        found = targets.probabilities(classifier.logits(texts_of(X)).double()).numpy()
        return np.pad(found, ((0, 0), (0, 1)))[:, self._order]

    def score(self, X: Sequence[str], y: Any, sample_weight: Sequence[float] | None = None) -> float:
        """Return the accuracy: the share of texts with the right label, or with all of their labels and no other."""
        check_is_fitted(self, "classifier_")
        if not self._as_lists:
            return super().score(X, y, sample_weight)
        said, true = (indicator(self.classes_, rows) for rows in (self.predict(X), list(y)))
        return float(np.average((said == true).all(1), weights=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array = True, True
        tags.input_tags.two_d_array, tags.input_tags.sparse = False, False
        tags.classifier_tags.multi_label = True
        tags.non_deterministic = self.random_state is None
        return tags
