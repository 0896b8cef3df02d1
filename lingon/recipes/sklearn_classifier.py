"""A text classifier with scikit-learn's protocol, for its pipelines, cross-validation and searches."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from lingon.core.device import pick_device
from lingon.core.errors import UserError, unknown
from lingon.core.optional_packages import install_command
from lingon.core.progress import no_progress
from lingon.data.examples import Examples, Splits
from lingon.data.split import stratified_split
from lingon.engine.world import World
from lingon.recipes.pretrained import merge_adapters, open_pretrained
from lingon.recipes.train_once import train_once
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.settings import Settings
from lingon.tasks.settings import LARGEST
from lingon.tasks.training import TrainContext, Training
from lingon.word_vectors.files.text_format import read_vectors

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise UserError(f"LingonClassifier needs scikit-learn; install it with: {install_command('sklearn')}") from None

SEEDS = 1 << 31
# Settings with parameters of their own.
OWN = ("model", "from_", "C", "epochs", "lr", "max_length", "class_weights", "seed", "device", "folds")


class LingonClassifier(ClassifierMixin, BaseEstimator):
    """A text classifier that is trained by `fit` and asked by `predict`, as estimators of scikit-learn are.

    model: ngrams, bag, textcnn, bilstm or self_attentive. from_: the weights to start from, in the place of a model, as
    --from names them: a published encoder such as minilm-l6, a folder, or hf:owner/name. C: the inverse of the
    regularisation strength of ngrams, chosen on validation texts when None. epochs, lr, max_length: passes over the
    texts, peak learning rate of the others, tokens of a text that are read; what suits the model when None.
    class_weight: None, "balanced" or a weight by label. validation_fraction: of the texts, on which the best weights
    are selected. random_state: None, a seed or a numpy.random.RandomState. device: cpu, cuda, mps or auto. verbose:
    show progress on stderr. settings: other options of `lingon train classify`, by name.

    After `fit`: classes_, the labels in rising order; classifier_, a `lingon.tasks.classify.Classifier`.

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

    def fit(
        self, X: Sequence[str], y: Sequence[Any], sample_weight: Sequence[float] | None = None
    ) -> "LingonClassifier":
        """Train on texts and their labels, both of length n; return the classifier itself.

        sample_weight: how much each text counts, 0 or more [n]; in the loss, where 2 is the same text twice, and in
        the scores that select the best weights. A text of weight 0 is left out. Which words there are, and how rare
        each is, is counted by texts, as a vectorizer of scikit-learn counts it.
        Raises UserError, which is a ValueError, for what are no texts, labels of another length or of one class only,
        and weights that cannot be.
        """
        texts, labels = _texts(X), _labels(y)
        if len(texts) != len(labels):
            raise UserError(f"there are {len(texts):,} texts and {len(labels):,} labels; give each text its label")
        if not 0 < self.validation_fraction < 1:
            raise UserError(f"validation_fraction is {self.validation_fraction!r}, expected a fraction from 0 to 1")
        weights = None if sample_weight is None else _weights(sample_weight, len(texts))
        if weights is not None:
            texts, labels = [text for text, kept in zip(texts, weights > 0, strict=True) if kept], labels[weights > 0]
            weights = weights[weights > 0].tolist()
        classes = np.unique(labels)
        names = dict(zip(classes.tolist(), map(str, classes.tolist()), strict=True))
        settings = self._settings(names)
        examples = Examples(texts, [names[label] for label in labels.tolist()], weights=weights)
        splits = _splits(examples, self, settings.seed)
        with no_progress(not self.verbose):
            training = _trained(splits, settings)
        classifier = cast(Classifier, training.task)
        self.classes_, self.classifier_ = classes, classifier
        self._order = [classifier.labels.index(names[label]) for label in classes.tolist()]
        return self

    def predict(self, X: Sequence[str]) -> np.ndarray:
        """Return the likeliest label of each text [n]."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(1)]

    def predict_proba(self, X: Sequence[str]) -> np.ndarray:
        """Return the probability of each label for each text [n, C], labels in the order of `classes_`."""
        check_is_fitted(self)
        classifier = self.classifier_
        return classifier.targets.probabilities(classifier.logits(_texts(X)).double()).numpy()[:, self._order]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array = True, True
        tags.input_tags.two_d_array, tags.input_tags.sparse = False, False
        tags.non_deterministic = self.random_state is None
        return tags

    def _settings(self, names: Mapping[Any, str]) -> Settings:
        """The options of `lingon train classify` that the parameters mean."""
        more, known = dict(self.settings or {}), Settings.__dataclass_fields__
        for name in more:
            if name in OWN:
                raise UserError(f"settings has {name!r}, which is a parameter of LingonClassifier itself")
            if name not in known:
                raise unknown("setting", name, [name for name in known if name not in OWN])
        weights = self.class_weight
        if isinstance(weights, Mapping):
            weights = json.dumps({names.get(label, str(label)): float(weight) for label, weight in weights.items()})
        given: dict[str, Any] = {
            "model": self.model,
            "from_": self.from_,
            "C": self.C,
            "epochs": self.epochs,
            "lr": self.lr,
            "max_length": self.max_length,
        }
        seed = _seed(self.random_state)
        return replace(Settings(), **given, class_weights=weights, seed=seed, device=self.device, **more)


def _seed(state: Any) -> int:
    whole = isinstance(state, int | np.integer)
    return int(state) if whole else int(check_random_state(state).randint(SEEDS, dtype=np.int64))


def _texts(X: Any) -> list[str]:
    """Texts of a list, an array or a column of a table; raises UserError for anything else."""
    if isinstance(X, str):
        raise UserError("X is a single text; expected a list of texts")
    if getattr(X, "ndim", 1) != 1:
        raise UserError(f"X has the shape {tuple(X.shape)}; expected texts in one dimension, as one column of a table")
    texts = list(X)
    for text in texts:
        if not isinstance(text, str):
            raise UserError(f"a text is a str, not {type(text).__name__}: {str(text)[:40]!r}")
    return [str(text) for text in texts]  # a text of NumPy becomes one of Python


def _labels(y: Any) -> np.ndarray:
    if y is None:
        raise UserError("y is None; a classifier needs a label for each text")
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise UserError(f"y has the shape {labels.shape}; expected one label for each text")
    return labels


def _weights(sample_weight: Any, texts: int) -> np.ndarray:
    """The weights of texts [n], in float64. Raises UserError that names the first that cannot be one."""
    try:
        weights = np.asarray(sample_weight, np.float64)
    except (TypeError, ValueError):
        raise UserError(f"sample_weight is {str(sample_weight)[:40]!r}, expected a number for each text") from None
    if weights.shape != (texts,):
        raise UserError(f"sample_weight has the shape {weights.shape}; there are {texts:,} texts, one number for each")
    if len(wrong := np.flatnonzero(~((weights >= 0) & (weights < LARGEST)))):
        raise UserError(f"sample_weight[{wrong[0]}] is {weights[wrong[0]]}; expected 0 or more")
    if not weights.any():
        raise UserError("sample_weight is 0 for every text, so that nothing counts")
    return weights


def _splits(examples: Examples, given: LingonClassifier, seed: int) -> Splits:
    """Texts to train on, and to select the best weights on; the latter are the former where there are too few."""
    train, valid = stratified_split(examples, given.validation_fraction, seed, "valid")
    valid = valid if len(valid) else train
    return Splits(train, valid, valid, "texts")


def _trained(splits: Splits, settings: Settings) -> Training:
    """A classifier that was trained as `lingon train classify` does; no folder is left behind."""
    settings, pretrained = settings.checked(), open_pretrained(settings.from_)
    settings = (settings.started(pretrained) if pretrained else settings).filled(splits)
    if splits.valid is splits.train:  # there are no others to refit on
        settings = replace(settings, refit=False)
    with tempfile.TemporaryDirectory() as folder:
        context = TrainContext(Path(folder), World(0, 1), pick_device(settings.device), read_vectors, pretrained)
        training = train_once(Classifier.prepare(splits, settings, context), settings)
        merge_adapters(training.task)
        return training
