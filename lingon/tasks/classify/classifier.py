"""Text classification: one label for each text."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError, unknown
from lingon.core.eval_view import eval_view
from lingon.core.markdown import plain
from lingon.core.shapes import Float, Tensor
from lingon.core.terminal import printable
from lingon.data.batches import Batch, Loader, text_batches
from lingon.data.examples import Examples, Splits
from lingon.data.tokenizers import Tokenizer
from lingon.engine.loss import Loss
from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.calibration import expected_calibration_error
from lingon.metrics.class_table import class_lines
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.per_class import per_class
from lingon.metrics.ranking import auc
from lingon.metrics.scores import Scores
from lingon.tasks.classify.answer_code import ANSWER_CODE
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.classify.settings import Settings
    from lingon.tasks.training import TrainContext, Training

TOKENS_AT_ONCE = 16_384  # per batch when predicting: large enough to keep two cores busy, small enough for any laptop


@dataclass(frozen=True)
class Classification:
    """What a classifier says of one text: the likeliest label, and a probability for each label."""

    text: str
    label: str
    probability: float
    probabilities: dict[str, float]

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{printable(self.label):10} {self.probability:6.1%}  {printable(self.text)}"


class Cut(NamedTuple):
    """What `max_length` leaves out: texts that are longer of all texts, and tokens beyond it of all tokens."""

    texts: int
    of_texts: int
    tokens: int
    of_tokens: int


class Classifier:
    """A model, its tokenizer and its labels: all it takes to turn a text into a label.

    model: (ids [B, T], mask [B, T]) -> logits [B, C], C = len(labels).
    max_length: tokens of a text that the model reads; what comes after them is left out. None reads all.
    class_weights: how much each label counts in the loss that is trained; None: all alike.
    """

    name: ClassVar[str] = "classify"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("labels", "max_length")
    logits_shape: ClassVar[Sequence[str]] = ("batch", "labels")
    answer_code: ClassVar[str] = ANSWER_CODE

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        max_length: int | None = None,
        class_weights: Sequence[float] | None = None,
    ):
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise UserError(f"a classifier needs two or more different labels, not {list(labels)[:5]}")
        self.model, self.tokenizer, self.labels, self.max_length = model, tokenizer, list(labels), max_length
        self.class_weights = class_weights
        self._number = {label: i for i, label in enumerate(self.labels)}

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    def config(self) -> dict[str, Any]:
        """Return labels and max_length, by name."""
        return {"labels": self.labels, "max_length": self.max_length}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong: labels, max_length, or the number of classes of the model."""
        _check_labels(want(config, "labels", list, "a list of labels"))
        length = want(config, "max_length", (int, type(None)), "a number or null")
        if length is not None and length < 1:
            raise DataError(f"key 'max_length' is {length}, expected 1 or more")
        labels, classes = config["labels"], sizes["model"].get("classes")
        if type(classes) is int and classes != len(labels):
            raise DataError(f"{len(labels)} labels for a model of {classes} classes; keys 'labels' and 'classes'")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Classifier":
        """Return the classifier of a checked configuration, its model and its tokenizer."""
        return cls(parts["model"], parts["tokenizer"], config["labels"], config["max_length"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return what the model card says: the labels, and how much of a text is read."""
        length = config["max_length"]
        reads = f"the first {length} tokens of a text" if length else "all of a text"
        limits = "it has seen only texts like those it was trained on, and knows no other label"
        title = f"# {model}: {' or '.join(map(plain, config['labels'][:6]))}"
        facts = [f"- **Reads** {reads}.", f"- **Limits**: {limits}."]
        return Card(title, "A text classifier", facts, '.predict("Your text.")')

    @classmethod
    def prepare(cls, data: Splits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a classifier that is ready to be trained; see `lingon.tasks.classify.prepare`."""
        from lingon.tasks.classify.prepare import prepare

        return prepare(data, settings, context)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, at most `max_length` of them; a long text is cut, not its special tokens."""
        return self.encode_counted(texts)[0]

    def encode_counted(self, texts: Sequence[str]) -> tuple[list[list[int]], Cut]:
        """What `encode` gives, and what it left out."""
        ids, most = self.tokenizer.encode_batch(list(texts)), self.max_length
        if most is None:
            return ids, Cut(0, len(ids), 0, sum(map(len, ids)))
        over = [len(row) - most for row in ids if len(row) > most]
        return self.tokenizer.truncate(texts, ids, most), Cut(len(over), len(ids), sum(over), sum(map(len, ids)))

    def numbers(self, labels: Sequence[str]) -> list[int]:
        """Class numbers of labels. Raises UserError for a label that the classifier does not know."""
        for label in labels:
            if label not in self._number:
                raise unknown("label", label, self.labels)
        return [self._number[label] for label in labels]

    def batches(
        self, examples: Examples, *, max_tokens: int, batch_size: int | None = None, seed: int = 0, **place
    ) -> Loader:
        """Shuffled, length-grouped batches to train on; `place` is the rank and world of a distributed run."""
        _check_examples(examples, "batches", "train")
        return self.batches_of_ids(
            self.encode(examples.texts),
            examples.labels,
            max_tokens=max_tokens,
            batch_size=batch_size,
            seed=seed,
            **place,
        )

    def batches_of_ids(self, ids: list[list[int]], labels: Sequence[str], **how) -> Loader:
        """Like `batches`, of texts that `encode` has turned into ids."""
        return text_batches(ids, self.numbers(labels), pad=self.tokenizer.pad_id, **how)

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        """The cross entropy of a batch, by the class weights where there are some, plus the model's own penalty."""
        return cross_entropy(model, batch, self.class_weights)

    def logits(self, texts: Sequence[str], tokens: int = TOKENS_AT_ONCE) -> Float[Tensor, "n C"]:
        """Logits of texts, in the order of the texts. Batches are grouped by length, so hardly anything is padded.

        Raises NotFinite for logits that are NaN or infinite, as those of broken weights are.
        """
        return self.logits_of_ids(self.encode(texts), tokens)

    def logits_of_ids(self, ids: list[list[int]], tokens: int = TOKENS_AT_ONCE) -> Float[Tensor, "n C"]:
        """Logits of texts that `encode` has turned into ids; like `logits`."""
        return check_finite(self._logits(self.model, ids, tokens), "the model gave logits")

    @torch.inference_mode()
    def _logits(self, model: nn.Module, ids: list[list[int]], tokens: int = TOKENS_AT_ONCE) -> Float[Tensor, "n C"]:
        view = eval_view(model)  # others may be training the model at this moment
        out = torch.empty(len(ids), len(self.labels))
        pad = self.tokenizer.pad_id
        for batch in text_batches(ids, max_tokens=tokens, shuffle=False, pad=pad) if ids else ():
            batch = batch.to(self.device)
            out[batch.index] = view(batch.ids, batch.mask).float().cpu()
        return out

    def evaluate(self, examples: Examples) -> Scores:
        """Return loss, accuracy, macro F1, area under the ROC curve and calibration error on labelled texts.

        A metric that the texts do not define, such as AUC of a single class, is NaN. Its table `per_class` has
        precision, recall, F1 and support of each label. Raises NotFinite for broken weights.
        """
        return self.scores_of(self.logits_of_ids(self._some(examples)), examples)

    def scores_of(self, logits: Float[Tensor, "n C"], examples: Examples) -> Scores:
        """Return what `evaluate` gives, of texts whose logits are known."""
        targets = torch.tensor(self.numbers(examples.labels))
        classes = zip(self.labels, per_class(confusion_matrix(logits, targets)), strict=True)
        table = {label: found._asdict() for label, found in classes}
        return Scores(scores(logits, targets), "accuracy", {"per_class": table}, class_lines(table))

    def evaluator(self, examples: Examples) -> Callable[[nn.Module], dict[str, float]]:
        """A function of the model that scores it on these texts, which are encoded only once.

        Broken weights give NaN here: a model that is being trained may recover.
        """
        ids, targets = self._some(examples), torch.tensor(self.numbers(examples.labels))
        return lambda model: scores(self._logits(model, ids), targets)

    def _some(self, examples: Any) -> list[list[int]]:
        _check_examples(examples, "evaluate", "test")
        if not len(examples):
            raise UserError("there are no texts to evaluate on")
        return self.encode(examples.texts)

    def predict(self, texts: str | Sequence[str]) -> Classification | list[Classification]:
        """The likeliest label of a text, or of each of several texts.

        >>> import lingon
        >>> lingon.load("runs/sentiment").predict("A warm and clever film.").label  # doctest: +SKIP
        'positive'
        """
        if isinstance(texts, str):
            return self._predict([texts])[0]
        return self._predict(list(texts))

    def _predict(self, texts: list[str]) -> list[Classification]:
        for text in texts:
            if not isinstance(text, str):
                raise UserError(f"a text is a str, not {type(text).__name__}: {str(text)[:40]!r}")
        return self.predictions(texts, self.logits(texts))

    def predictions(self, texts: Sequence[str], logits: Float[Tensor, "n C"]) -> list[Classification]:
        """Return what `predict` gives, of texts whose logits are known."""
        found = logits.softmax(-1).tolist()
        return [self._prediction(text, row) for text, row in zip(texts, found, strict=True)]

    def stream(self, texts: Iterable[str], at_once: int = 1024) -> Iterator[Classification]:
        """Predictions for texts without end, `at_once` of them at a time."""
        texts = iter(texts)
        while chunk := list(islice(texts, at_once)):
            yield from self._predict(chunk)

    def explain(self, found: Classification) -> list[tuple[str, float]]:
        """Return the words that moved the probability of the label most, either way, each with how far.

        Source: see `lingon.tasks.classify.saliency.deciding_words`.
        """
        from lingon.tasks.classify.saliency import deciding_words, strongest

        return strongest(found.text, deciding_words(self, found.text, found.label))

    def _prediction(self, text: str, row: list[float]) -> Classification:
        best = max(range(len(row)), key=row.__getitem__)
        return Classification(text, self.labels[best], row[best], dict(zip(self.labels, row, strict=True)))


TASK = Classifier


def _check_labels(labels: list[Any]) -> None:
    if len(labels) < 2 or len(set(map(str, labels))) < len(labels) or not all(isinstance(x, str) for x in labels):
        raise DataError("key 'labels' must hold two or more different texts")
    if any("\ud800" <= c <= "\udfff" for c in "".join(labels)):
        raise DataError("key 'labels' holds half a surrogate pair, which is no character")


def _check_examples(examples: Any, method: str, part: str) -> None:
    if not isinstance(examples, Examples):
        hint = f"; give one part of it, such as splits.{part}" if isinstance(examples, Splits) else ""
        raise UserError(f"{method} takes Examples, texts with labels, not {type(examples).__name__}{hint}")


def cross_entropy(model: nn.Module, batch: Batch, weights: Sequence[float] | None = None) -> Loss:
    """The sum over the texts of -log p(label), and of the model's penalty, which is a mean over texts.

    weights: of the classes; each text then counts as much as its class, so that the mean is PyTorch's weighted one.
    """
    logits, rows = model(batch.ids, batch.mask), len(batch)
    count, of_class = float(rows), None
    if weights is not None:
        of_class = torch.tensor(weights, dtype=logits.dtype, device=logits.device)
        count = of_class[batch.labels].sum().item()
    return Loss(F.cross_entropy(logits, batch.labels, of_class, reduction="sum") + penalty_of(model) * rows, count)


def penalty_of(model: nn.Module) -> Tensor | float:
    """What a model adds to its loss, through whatever wraps it for speed or distribution; 0 for most models."""
    while not hasattr(model, "penalty") and (inner := getattr(model, "module", getattr(model, "_orig_mod", None))):
        model = inner
    penalty: Callable[[], Tensor | float] | None = getattr(model, "penalty", None)
    return penalty() if penalty is not None else 0.0


def scores(logits: Float[Tensor, "n C"], targets: Tensor) -> dict[str, float]:
    """Loss, accuracy, macro F1, AUC and calibration error of logits against class numbers [n].

    All are NaN where a logit is NaN or infinite: the model is broken, and the class that it seems to give is chance.
    """
    if not logits.isfinite().all():
        logits = torch.full_like(logits, torch.nan)
    probabilities = logits.softmax(-1)
    return {
        "loss": F.cross_entropy(logits, targets).item(),
        "accuracy": accuracy(logits, targets),
        "macro_f1": macro_f1(logits, targets),
        "auc": auc(probabilities, targets),
        "calibration_error": expected_calibration_error(probabilities, targets),
    }
