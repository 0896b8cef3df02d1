"""Text classification: a model, its tokenizer, and its predictions for a text."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Batch, Loader, text_batches
from lingon.data.examples import Examples, Splits
from lingon.data.id_rows import as_list
from lingon.data.labelled_images import ImageSplits
from lingon.data.tokenizers import Tokenizer
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.tasks.classify import evaluation
from lingon.tasks.classify.agreement import share_of_same_answers
from lingon.tasks.classify.batched_logits import TOKENS_AT_ONCE, batched_logits, exact_view
from lingon.tasks.classify.bundle_config import card, check_config, config_of, targets_of
from lingon.tasks.classify.columns import columns_of, text_weights
from lingon.tasks.classify.comparing import single_label_output
from lingon.tasks.classify.encoding import Encoded, as_input, check_padding, encode_any, takes_token_types, warn_of_cut
from lingon.tasks.classify.evaluation import check_examples
from lingon.tasks.classify.objective import cross_entropy, logits_of, penalty_of, with_penalty
from lingon.tasks.classify.pair_graph import pair_graph
from lingon.tasks.classify.targets import SingleLabel, Targets
from lingon.tasks.classify.targets.single_label import Classification, scores
from lingon.tasks.comparison import SystemOutput
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.precision import Inference, in_precision
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.classify.settings import Settings
    from lingon.tasks.training import TrainContext, Training

__all__ = ["TASK", "Classification", "Classifier", "cross_entropy", "penalty_of", "scores"]


class Classifier:
    """A model, its tokenizer and its labels: everything needed to predict the label of a text.

    model: (ids [B, T], mask [B, T]) -> logits [B, C].
    targets: what is predicted; a list of labels, C of them, is one label for each text: `SingleLabel`.
    max_length: maximum tokens of a text; longer texts are truncated. None reads all.
    text_pair: the classifier takes pairs of texts, each a tuple of two, by the tokenizer's template for pairs.
    class_weights: of a list of labels: the weight of each in the training loss; None: all equal.
    Raises UserError for a model whose padding token differs from the tokenizer's.
    """

    name: ClassVar[str] = "classify"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("labels", "max_length", "problem_type", "targets", "text_pair")
    output_name: ClassVar[str] = "logits"
    output_shape: ClassVar[Sequence[str]] = ("batch", "labels")
    agreement_name: ClassVar[str] = "the share of real texts with the same prediction"

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        targets: Sequence[str] | Targets,
        max_length: int | None = None,
        class_weights: Sequence[float] | None = None,
        text_pair: bool = False,
    ):
        check_padding(model, tokenizer)
        self.targets: Targets = targets if isinstance(targets, Targets) else SingleLabel(targets, class_weights)
        self.model, self.tokenizer, self.max_length, self.text_pair = model, tokenizer, max_length, text_pair
        self.inference = Inference(model)
        self._types = text_pair and takes_token_types(model)

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
    def usage(self) -> str | None:
        """Return how pairs are given on the command line; None for single texts, as the registry says."""
        return "predict {} $'A text.\\tAnother text.'" if self.text_pair else None

    def graph(self) -> nn.Module:
        """Return the model; of pairs one that finds out from the ids which text a token is of."""
        return pair_graph(self.model, self.tokenizer) if self._types else self.model

    def token_ids(self, texts: Sequence[Any]) -> list[list[int]]:
        """Return what `encode` gives."""
        return self.encode(texts)

    def output_agreement(self, exact: Float[Tensor, "n C"], approximate: Float[Tensor, "n C"]) -> float:
        """Return the share of texts whose prediction is that of the exact logits."""
        return share_of_same_answers(*(self.predictions([""] * len(exact), each) for each in (exact, approximate)))

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return labels, max_length, the problem type, what its targets keep, and whether it takes pairs, by name."""
        return config_of(self)

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong, such as labels, max_length, or the classes of the model."""
        check_config(config, sizes)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Classifier":
        """Return the classifier of a checked configuration, its model and its tokenizer."""
        how = {"max_length": config["max_length"], "text_pair": config.get("text_pair", False)}
        return cls(parts["model"], parts["tokenizer"], targets_of(config), **how)

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the labels, and how much of a text is read."""
        return card(model, config)

    @classmethod
    def prepare(cls, data: Splits | ImageSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a classifier of texts, or of images, that is ready to be trained; see `prepare` of their packages."""
        if isinstance(data, ImageSplits):
            from lingon.tasks.classify_images.prepare import prepare as prepare_images

            return prepare_images(data, settings, context)
        from lingon.tasks.classify.prepare import prepare

        return prepare(data, settings, context)

    def encode(self, texts: Sequence[Any]) -> list[list[int]]:
        """Token ids of each text, at most `max_length`; a long text is truncated, but keeps its special tokens."""
        return [as_list(row) for row in self.encoded(texts).ids]

    def encoded(self, inputs: Sequence[Any]) -> Encoded:
        """What `encode` gives, with token types where the model takes them, and what was left out."""
        return encode_any(self.tokenizer, inputs, self.max_length, self.text_pair, self._types)

    def numbers(self, labels: Sequence[Any]) -> Tensor:
        """Return labels as the numbers that a batch has [n, ...]. Raises UserError for a label that is not known."""
        return torch.from_numpy(self.targets.numbers(labels))

    def batches(
        self, examples: Examples, *, max_tokens: int, batch_size: int | None = None, seed: int = 0, **place
    ) -> Loader:
        """Shuffled, length-grouped batches to train on; `place` is the rank and world of a distributed run."""
        check_examples(examples, "batches", "train")
        how = {"max_tokens": max_tokens, "batch_size": batch_size, "seed": seed, **place}
        return self.batches_of(self.encoded(examples.inputs), examples, **how)

    def batches_of(self, encoded: Encoded, examples: Examples, **how) -> Loader:
        """Like `batches`, of texts that `encoded` has turned into ids."""
        columns = columns_of(self.numbers(examples.labels), encoded, examples)
        return text_batches(encoded.ids, columns=columns, pad=self.tokenizer.pad_id, **how)

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        """The loss of a batch, by the weights of classes and texts where there are some, plus the model's penalty."""
        weights = batch.weights if "weights" in batch else None
        return with_penalty(self.targets.loss(logits_of(model, batch), batch.labels, weights), model, batch)

    def logits(self, texts: Sequence[Any], tokens: int = TOKENS_AT_ONCE) -> Float[Tensor, "n C"]:
        """Logits of texts, in the order of the texts. Batches are grouped by length, so there is little padding.

        Raises NotFinite for logits that are NaN or infinite, as those of broken weights are.
        """
        return self.logits_of(self.encoded(texts), tokens)

    def logits_of(self, encoded: Encoded, tokens: int = TOKENS_AT_ONCE) -> Float[Tensor, "n C"]:
        """Logits of texts that `encoded` has turned into ids; like `logits`."""
        found = batched_logits(self, self.inference.view(encoded.ids), encoded, tokens)
        return check_finite(found, "the model gave logits")

    def any_logits(self, model: nn.Module, encoded: Encoded, tokens: int = TOKENS_AT_ONCE) -> Float[Tensor, "n C"]:
        """Logits of a model, as it is being trained, in float32; broken ones too."""
        return batched_logits(self, exact_view(model), encoded, tokens)

    def with_precision(self, precision: str) -> "Classifier":
        """Return this classifier as it predicts and evaluates in a precision: float32, bfloat16, int8 or auto.

        Raises UserError as `lingon.tasks.precision` says, for a classifier without an encoder too.
        """
        return in_precision(self, precision)

    def evaluate(self, examples: Examples) -> Scores:
        """Return the metrics on labelled texts; see `lingon.tasks.classify.evaluation`."""
        return evaluation.evaluate(self, examples)

    def evaluate_with_page(
        self, examples: Examples, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write it as a page; see `lingon.tasks.classify.evaluation`."""
        return evaluation.evaluate_with_page(self, examples, path, name, sections)

    def system_output(self, examples: Examples) -> SystemOutput:
        """Return the predicted labels and whether each is right; see `lingon.tasks.classify.comparing`."""
        return single_label_output(self, examples)

    def scores_of(self, logits: Float[Tensor, "n C"], examples: Examples) -> Scores:
        """Return what `evaluate` gives, of texts whose logits are known."""
        return self.targets.scores(logits, self.numbers(examples.labels), text_weights(examples))

    def evaluator(self, examples: Examples) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these texts, which are encoded only once."""
        return evaluation.evaluator(self, examples)

    def predict(self, texts: Any) -> Any:
        """The prediction for a text, or one for each of a list of texts: of one label a `Classification`.

        Of pairs, a text is a tuple of two, or one str with a tab between.

        >>> import lingon
        >>> lingon.load("runs/sentiment").predict("A warm and clever film.").label  # doctest: +SKIP
        'positive'
        """
        return one_or_many(self._predict, texts, (str, tuple) if self.text_pair else str)

    def _predict(self, texts: Sequence[Any]) -> list[Any]:
        inputs = [as_input(given, self.text_pair) for given in texts]
        return self.predictions(inputs, self.logits_of(warn_of_cut(self.encoded(inputs), self.max_length)))

    def predictions(self, inputs: Sequence[Any], logits: Float[Tensor, "n C"]) -> list[Any]:
        """Return what `predict` gives, of texts whose logits are known."""
        return list(self.targets.predictions(inputs, logits))

    def stream(self, texts: Iterable[Any], at_once: int = 1024) -> Iterator[Any]:
        """Predictions for texts without end, `at_once` of them at a time."""
        texts = iter(texts)
        while chunk := list(islice(texts, at_once)):
            yield from self.predict(chunk)

    def explain(self, found: Any) -> list[tuple[str, float]]:
        """Return the words that moved the prediction most, either way, each with how far.

        Source: see `lingon.tasks.classify.saliency.deciding_words`.
        """
        from lingon.tasks.classify.saliency import deciding_words, strongest

        return strongest(found.text, deciding_words(self, found.text, getattr(found, "label", None)))


TASK = Classifier
