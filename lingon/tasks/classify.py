"""Text classification: one label for each text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError, unknown
from lingon.core.shapes import Float, Tensor
from lingon.data.batch import Batch
from lingon.data.examples import Examples
from lingon.data.sampler import Batches
from lingon.data.tokenize import Tokenizer
from lingon.engine.loss import Loss
from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.calibration import expected_calibration_error
from lingon.metrics.ranking import auc

TOKENS_AT_ONCE = 16_384  # per batch when predicting: large enough to keep two cores busy, small enough for any laptop


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one text: the likeliest label, and a probability for each label."""

    text: str
    label: str
    probability: float
    probabilities: dict[str, float]


class Classifier:
    """A model, its tokenizer and its labels: all it takes to turn a text into a label.

    model: (ids [B, T], real [B, T]) -> logits [B, C], C = len(labels).
    max_length: tokens of a text that the model reads; what comes after them is left out. None reads all.
    """

    kind = "classify"

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, labels: Sequence[str], max_length: int | None = None):
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise UserError(f"a classifier needs two or more different labels, not {list(labels)[:5]}")
        self.model, self.tokenizer, self.labels, self.max_length = model, tokenizer, list(labels), max_length
        self._number = {label: i for i, label in enumerate(self.labels)}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, at most `max_length` of them."""
        return [ids[: self.max_length] for ids in self.tokenizer.encode_batch(list(texts))]

    def numbers(self, labels: Sequence[str]) -> list[int]:
        """Class numbers of labels. Raises UserError for a label that the classifier does not know."""
        for label in labels:
            if label not in self._number:
                raise unknown("label", label, self.labels)
        return [self._number[label] for label in labels]

    def batches(self, examples: Examples, *, tokens: int, rows: int | None = None, seed: int = 0, **place) -> Batches:
        """Shuffled, length-grouped batches to train on; `place` is the rank and world of a distributed run."""
        return Batches(
            self.encode(examples.texts), self.numbers(examples.labels), tokens=tokens, rows=rows, seed=seed, **place
        )

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        """The cross entropy of a batch, plus the model's own penalty for each text where it has one."""
        return cross_entropy(model, batch)

    @torch.inference_mode()
    def logits(self, texts: Sequence[str], tokens: int = TOKENS_AT_ONCE) -> Float[Tensor, "n C"]:
        """Logits of texts, in the order of the texts. Batches are grouped by length, so hardly anything is padded."""
        return self._logits(self.encode(texts), tokens)

    @torch.inference_mode()
    def _logits(self, ids: list[list[int]], tokens: int = TOKENS_AT_ONCE) -> Float[Tensor, "n C"]:
        training = self.model.training
        self.model.eval()
        out = torch.empty(len(ids), len(self.labels))
        for batch in Batches(ids, None, tokens=tokens, shuffle=False) if ids else ():
            batch = batch.to(self.device)
            out[batch.index.cpu()] = self.model(batch.ids, batch.real).float().cpu()
        self.model.train(training)
        return out

    def evaluate(self, examples: Examples) -> dict[str, float]:
        """Loss, accuracy, macro F1, area under the ROC curve and calibration error on labelled texts."""
        return self.evaluator(examples)(self.model)

    def evaluator(self, examples: Examples):
        """A function of the model that scores it on these texts, which are encoded only once."""
        ids, truth = self.encode(examples.texts), torch.tensor(self.numbers(examples.labels))
        if not ids:
            raise UserError("there are no texts to evaluate on")

        def evaluate(model: nn.Module) -> dict[str, float]:
            held, self.model = self.model, model
            try:
                logits = self._logits(ids)
            finally:
                self.model = held
            return scores(logits, truth)

        return evaluate

    def predict(self, texts: str | Sequence[str]) -> Prediction | list[Prediction]:
        """The likeliest label of a text, or of each of several texts.

        >>> import lingon
        >>> lingon.load("runs/sentiment").predict("A warm and clever film.").label  # doctest: +SKIP
        'positive'
        """
        if isinstance(texts, str):
            return self.predict([texts])[0]
        texts = list(texts)
        for text in texts:
            if not isinstance(text, str):
                raise UserError(f"a text is a str, not {type(text).__name__}: {str(text)[:40]!r}")
        found = self.logits(texts).softmax(-1).tolist()
        return [self._prediction(text, row) for text, row in zip(texts, found, strict=True)]

    def stream(self, texts: Iterable[str], at_once: int = 1024) -> Iterator[Prediction]:
        """Predictions for texts without end, `at_once` of them at a time."""
        texts = iter(texts)
        while chunk := list(islice(texts, at_once)):
            yield from self.predict(chunk)

    def _prediction(self, text: str, row: list[float]) -> Prediction:
        best = max(range(len(row)), key=row.__getitem__)
        return Prediction(text, self.labels[best], row[best], dict(zip(self.labels, row, strict=True)))


def cross_entropy(model: nn.Module, batch: Batch) -> Loss:
    """The sum over the texts of -log p(label), and of the model's penalty, which is a mean over texts."""
    logits, rows = model(batch.ids, batch.real), len(batch.ids)
    return Loss(F.cross_entropy(logits, batch.labels, reduction="sum") + penalty_of(model) * rows, rows)


def penalty_of(model: nn.Module) -> Tensor | float:
    """What a model adds to its loss, through whatever wraps it for speed or distribution; 0 for most models."""
    while not hasattr(model, "penalty") and (inner := getattr(model, "module", getattr(model, "_orig_mod", None))):
        model = inner
    return model.penalty() if hasattr(model, "penalty") else 0.0


def scores(logits: Float[Tensor, "n C"], truth: Tensor) -> dict[str, float]:
    """Loss, accuracy, macro F1, AUC and calibration error of logits against class numbers [n]."""
    probabilities = logits.softmax(-1)
    return {
        "loss": F.cross_entropy(logits, truth).item(),
        "accuracy": accuracy(logits, truth),
        "macro_f1": macro_f1(logits, truth),
        "auc": auc(probabilities, truth),
        "calibration_error": expected_calibration_error(probabilities, truth),
    }
