"""Text classification: a model, its tokenizer, and what is predicted of a text."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import eval_view
from lingon.core.markdown import plain
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch, Loader, Values, text_batches
from lingon.data.examples import Examples, Splits
from lingon.data.tokenizers import Tokenizer
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.tasks.classify.encoding import Cut, encode
from lingon.tasks.classify.objective import cross_entropy, logits_of, penalty_of, with_penalty
from lingon.tasks.classify.targets.single_label import Classification, SingleLabel, scores
from lingon.tasks.classify.targets.target import Targets
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.classify.settings import Settings
    from lingon.tasks.training import TrainContext, Training

__all__ = ["TASK", "Classification", "Classifier", "cross_entropy", "penalty_of", "scores"]

TOKENS_AT_ONCE = 16_384  # per batch when predicting: large enough to keep two cores busy, small enough for any laptop


class Classifier:
    """A model, its tokenizer and its labels: all it takes to turn a text into a label.

    model: (ids [B, T], mask [B, T]) -> logits [B, C].
    targets: what is predicted; a list of labels, C of them, is one label for each text: `SingleLabel`.
    max_length: tokens of a text that the model reads; what comes after them is left out. None reads all.
    class_weights: of a list of labels: how much each counts in the loss that is trained; None: all alike.
    Raises UserError for a model whose padding is another token than that of the tokenizer.
    """

    name: ClassVar[str] = "classify"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("labels", "max_length")
    logits_shape: ClassVar[Sequence[str]] = ("batch", "labels")

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        targets: Sequence[str] | Targets,
        max_length: int | None = None,
        class_weights: Sequence[float] | None = None,
    ):
        _check_padding(model, tokenizer)
        self.targets: Targets = targets if isinstance(targets, Targets) else SingleLabel(targets, class_weights)
        self.model, self.tokenizer, self.max_length = model, tokenizer, max_length

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    @property
    def labels(self) -> list[str]:
        return self.targets.labels

    @property
    def class_weights(self) -> Sequence[float] | None:
        return getattr(self.targets, "class_weights", None)

    @property
    def answer_code(self) -> str:
        return self.targets.answer_code

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return labels and max_length, by name."""
        return {"labels": self.labels, "max_length": self.max_length}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong: labels, max_length, or the number of classes of the model."""
        SingleLabel.check_config(want(config, "labels", list, "a list of labels"), config)
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

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, at most `max_length` of them; a long text is cut, not its special tokens."""
        return self.encode_counted(texts)[0]

    def encode_counted(self, texts: Sequence[str]) -> tuple[list[list[int]], Cut]:
        """What `encode` gives, and what it left out."""
        return encode(self.tokenizer, texts, self.max_length)

    def numbers(self, labels: Sequence[Any]) -> Tensor:
        """Return labels as the numbers that a batch has [n, ...]. Raises UserError for a label that is not known."""
        return torch.from_numpy(self.targets.numbers(labels))

    def batches(
        self, examples: Examples, *, max_tokens: int, batch_size: int | None = None, seed: int = 0, **place
    ) -> Loader:
        """Shuffled, length-grouped batches to train on; `place` is the rank and world of a distributed run."""
        _check_examples(examples, "batches", "train")
        how = {"max_tokens": max_tokens, "batch_size": batch_size, "seed": seed, **place}
        return self.batches_of_ids(self.encode(examples.texts), examples, **how)

    def batches_of_ids(self, ids: list[list[int]], examples: Examples, **how) -> Loader:
        """Like `batches`, of texts that `encode` has turned into ids."""
        columns = {"labels": Values("labels", self.numbers(examples.labels))}
        if examples.weights is not None:
            columns["weights"] = Values("weights", torch.tensor(examples.weights, dtype=torch.float32))
        return text_batches(ids, columns=columns, pad=self.tokenizer.pad_id, **how)

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        """The loss of a batch, by the weights of classes and texts where there are some, plus the model's penalty."""
        weights = batch.weights if "weights" in batch else None
        return with_penalty(self.targets.loss(logits_of(model, batch), batch.labels, weights), model, batch)

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
        out = torch.empty(len(ids), self.targets.outputs)
        pad = self.tokenizer.pad_id
        for batch in text_batches(ids, max_tokens=tokens, shuffle=False, pad=pad) if ids else ():
            batch = batch.to(self.device)
            out[batch.index] = logits_of(view, batch).float().cpu()
        return out

    def evaluate(self, examples: Examples) -> Scores:
        """Return the metrics on labelled texts; see the `scores` of the targets.

        A metric that the texts do not define, such as AUC of a single class, is NaN. Raises NotFinite for broken
        weights.
        """
        return self.scores_of(self.logits_of_ids(self._some(examples)), examples)

    def scores_of(self, logits: Float[Tensor, "n C"], examples: Examples) -> Scores:
        """Return what `evaluate` gives, of texts whose logits are known."""
        return self.targets.scores(logits, self.numbers(examples.labels), text_weights(examples))

    def evaluator(self, examples: Examples) -> Callable[[nn.Module], dict[str, float]]:
        """A function of the model that scores it on these texts, which are encoded only once.

        Broken weights give NaN here: a model that is being trained may recover.
        """
        ids, numbers, weights = self._some(examples), self.numbers(examples.labels), text_weights(examples)
        return lambda model: self.targets.metrics_of(self._logits(model, ids), numbers, weights)

    def _some(self, examples: Any) -> list[list[int]]:
        _check_examples(examples, "evaluate", "test")
        if not len(examples):
            raise UserError("there are no texts to evaluate on")
        return self.encode(examples.texts)

    def predict(self, texts: str | Sequence[str]) -> Any:
        """The prediction for a text, or one for each of several texts: of one label a `Classification`.

        >>> import lingon
        >>> lingon.load("runs/sentiment").predict("A warm and clever film.").label  # doctest: +SKIP
        'positive'
        """
        if isinstance(texts, str):
            return self._predict([texts])[0]
        return self._predict(list(texts))

    def _predict(self, texts: list[str]) -> list[Any]:
        for text in texts:
            if not isinstance(text, str):
                raise UserError(f"a text is a str, not {type(text).__name__}: {str(text)[:40]!r}")
        return self.predictions(texts, self.logits(texts))

    def predictions(self, texts: Sequence[str], logits: Float[Tensor, "n C"]) -> list[Any]:
        """Return what `predict` gives, of texts whose logits are known."""
        return list(self.targets.predictions(texts, logits))

    def stream(self, texts: Iterable[str], at_once: int = 1024) -> Iterator[Any]:
        """Predictions for texts without end, `at_once` of them at a time."""
        texts = iter(texts)
        while chunk := list(islice(texts, at_once)):
            yield from self._predict(chunk)

    def explain(self, found: Any) -> list[tuple[str, float]]:
        """Return the words that moved the prediction most, either way, each with how far.

        Source: see `lingon.tasks.classify.saliency.deciding_words`.
        """
        from lingon.tasks.classify.saliency import deciding_words, strongest

        return strongest(found.text, deciding_words(self, found.text, found.label))


TASK = Classifier


def text_weights(examples: Examples) -> Float[Tensor, " n"] | None:
    """Return the weights of texts; None where all count alike."""
    return None if examples.weights is None else torch.tensor(examples.weights, dtype=torch.float32)


def _check_padding(model: nn.Module, tokenizer: Tokenizer) -> None:
    """Refuse a model that takes another token for padding: that token would have an embedding of zeros for good."""
    config = getattr(model, "config", None)
    held = config().get("padding_idx") if callable(config) else None
    wanted = -1 if tokenizer.padding_idx is None else tokenizer.padding_idx
    if held is not None and held != wanted:
        whose = "has no padding token" if wanted == -1 else f"has the id {wanted} for padding"
        raise UserError(
            f"padding_idx of the model is {held}, the tokenizer {whose}; give the model padding_idx={wanted}"
        )


def _check_examples(examples: Any, method: str, part: str) -> None:
    if not isinstance(examples, Examples):
        hint = f"; give one part of it, such as splits.{part}" if isinstance(examples, Splits) else ""
        raise UserError(f"{method} takes Examples, texts with labels, not {type(examples).__name__}{hint}")
