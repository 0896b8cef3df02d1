"""The task `rewrite`: a sentence becomes one with the same content in the other of two styles."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.errors import DataError, UserError, unknown
from lingon.core.eval_view import eval_view
from lingon.data.batches import Batch, Loader
from lingon.data.examples import Examples
from lingon.data.tokenizers import Tokenizer
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.rewrite.columns import rewrite_batches
from lingon.tasks.rewrite.content import Content, fill_with
from lingon.tasks.rewrite.encoding import RewriteEncoder
from lingon.tasks.rewrite.generate import generate
from lingon.tasks.rewrite.objective import Generators, reconstruction, rewrite_loss
from lingon.tasks.rewrite.rewriting import SYSTEMS, Rewriting
from lingon.tasks.rewrite.scoring import Judges, scored
from lingon.tasks.rewrite.style_corpus import StyleCorpus
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.data.examples import Splits
    from lingon.tasks.rewrite.settings import Settings
    from lingon.tasks.training import TrainContext, Training

__all__ = ["TASK", "Rewriter", "Rewriting"]

MAIN = "delete-retrieve"
TOKENS_AT_ONCE = 16_384


class Rewriter:
    """Sentences of two styles, two generators, and what judges them: all it takes to rewrite and to say how well.

    corpus: the sentences that markers are found in and that are retrieved. delete, delete_retrieve: encoder-decoders,
    see `lingon.models.encoder_decoder`. tokenizer: of both, with the special tokens of `with_rewrite_tokens`, and of
    the language model. style_classifier, language_model: were trained on sentences that are not in the corpus.
    """

    name: ClassVar[str] = "rewrite"
    part_types: ClassVar[Mapping[str, type]] = {
        "delete": nn.Module,
        "delete_retrieve": nn.Module,
        "tokenizer": Tokenizer,
        "style_classifier": nn.Module,
        "classifier_tokenizer": Tokenizer,
        "language_model": nn.Module,
    }
    config_keys: ClassVar[Sequence[str]] = ("sentences", "threshold", "smoothing", "lowercase", "spaced")
    systems: ClassVar[Sequence[str]] = SYSTEMS

    def __init__(
        self,
        corpus: StyleCorpus,
        delete: Any,
        delete_retrieve: Any,
        tokenizer: Tokenizer,
        style_classifier: Classifier | None = None,
        language_model: LanguageModel | None = None,
    ):
        self.corpus, self.tokenizer = corpus, tokenizer
        self.generators = Generators(delete, delete_retrieve)
        self.style_classifier, self.language_model = style_classifier, language_model

    @property
    def parts(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "delete": self.generators.delete,
            "delete_retrieve": self.generators.delete_retrieve,
            "tokenizer": self.tokenizer,
        }
        if self.style_classifier and self.language_model:  # which are trained last
            found["style_classifier"] = self.style_classifier.model
            found["classifier_tokenizer"] = self.style_classifier.tokenizer
            found["language_model"] = self.language_model.model
        return found

    @property
    def labels(self) -> list[str]:
        return self.corpus.styles

    @property
    def device(self) -> torch.device:
        return next(self.generators.parameters()).device

    @cached_property
    def encoder(self) -> RewriteEncoder:
        """What makes ids of contents, markers and sentences."""
        return RewriteEncoder(self.tokenizer)

    def config(self) -> dict[str, Any]:
        """Return the sentences by style, how markers are found in them, and how they are spelt, by name."""
        return self.corpus.config()

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong, such as a third label, or a classifier of other classes."""
        corpus = StyleCorpus.from_config(config)
        classes = sizes["style_classifier"].get("classes")
        if classes != len(corpus.styles):
            raise DataError(f"the style classifier has {classes} classes; expected {len(corpus.styles)}, one a label")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Rewriter":
        """Return the rewriter of a checked configuration and its parts. Raises DataError when they do not fit."""
        corpus = StyleCorpus.from_config(config)
        try:
            RewriteEncoder(parts["tokenizer"])
            classifier = Classifier(parts["style_classifier"], parts["classifier_tokenizer"], corpus.styles)
            language = LanguageModel(parts["language_model"], parts["tokenizer"])
        except UserError as error:
            raise DataError(str(error)) from None
        return cls(corpus, parts["delete"], parts["delete_retrieve"], parts["tokenizer"], classifier, language)

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return what the model card says: the two styles, and that meaning may be lost."""
        first, second = config["sentences"]
        facts = [
            f"- **Styles**: {first} and {second}; a sentence of the one is written in the other.",
            "- **Limits**: it rewrites single sentences, and may change what they say, not only how.",
        ]
        return Card(f"# {model}: {first} and {second}", "A rewriter", facts, '.predict(["A sentence."])')

    @classmethod
    def prepare(cls, data: "Splits", settings: "Settings", context: "TrainContext") -> "Training":
        """Return a rewriter that is ready to be trained; see `lingon.tasks.rewrite.prepare`."""
        from lingon.tasks.rewrite.prepare import prepare

        return prepare(data, settings, context)

    def predict(self, inputs: Any, to: str | None = None, system: str = MAIN) -> Any:
        """Return a sentence rewritten, or one for each of a list of sentences.

        to: the style to write; by default the one that the sentence does not have, by the style classifier. system: one
        of retrieve, template, delete and delete-retrieve. Raises UserError for an empty sentence, another style or
        system, and a sentence that is longer than the generators read.

        >>> import lingon
        >>> lingon.load("runs/rewrite").predict("a dull film .", to="positive").rewritten  # doctest: +SKIP
        """
        if isinstance(inputs, str):
            return self.predict([inputs], to, system)[0]
        texts = list(inputs)
        if not texts:
            return []
        return self.rewrite(texts, [self.corpus.other(label) for label in self._targets(texts, to)], system)

    def _targets(self, texts: Sequence[Any], to: str | None) -> list[str]:
        if to is not None:
            self.corpus.other(to)  # which refuses an unknown style
            return [to] * len(texts)
        assert self.style_classifier, "a rewriter that predicts has its judges"
        spelt = [self._spelt(self._words(text)) for text in texts]
        return [self.corpus.other(one.label) for one in self.style_classifier.predict(spelt)]

    def rewrite(self, texts: Sequence[Any], labels: Sequence[str], system: str = MAIN) -> list[Rewriting]:
        """Return sentences of known styles in the other style. labels: the style of each. Raises as `predict` does."""
        if system not in SYSTEMS:
            raise unknown("system", system, SYSTEMS)
        targets = [self.corpus.other(label) for label in labels]
        pairs = zip([self._words(text) for text in texts], labels, strict=True)
        contents = [self.corpus.content(words, label) for words, label in pairs]
        marked, nothing = system != "retrieve", Content(())
        wanted = zip(contents, targets, strict=True)
        retrieved = (
            [nothing] * len(contents)
            if system == "delete"
            else [self.corpus.retrieve(content, target, marked) for content, target in wanted]
        )
        written = self._written(contents, retrieved, targets, system)
        rows = zip(texts, written, labels, targets, contents, retrieved, strict=True)
        return [self._rewriting(*row, system=system) for row in rows]

    def _written(
        self, contents: Sequence[Content], retrieved: Sequence[Content], targets: Sequence[str], system: str
    ) -> list[Sequence[str]]:
        """Return the words of each sentence, as a system writes it."""
        if system == "retrieve":
            return [other.sentence for other in retrieved]
        if system == "template":
            return [fill_with(content, other) for content, other in zip(contents, retrieved, strict=True)]
        numbers, encode = [self.corpus.styles.index(target) for target in targets], self.encoder
        if system == "delete":
            sources = [encode.delete(content, number) for content, number in zip(contents, numbers, strict=True)]
            return list(generate(self._fitting(self.generators.delete, sources), encode, sources))
        rows = zip(contents, retrieved, numbers, strict=True)
        sources = [encode.delete_retrieve(content, other.deleted, number) for content, other, number in rows]
        return list(generate(self._fitting(self.generators.delete_retrieve, sources), encode, sources))

    def _fitting(self, model: Any, sources: Sequence[tuple[int, ...]]) -> Any:
        longest = max(map(len, sources))
        if longest > model.source_length:
            raise UserError(
                f"a sentence has {longest:,} tokens with its markers, the generators read at most "
                f"{model.source_length:,}; divide it, or take system template or retrieve"
            )
        return model

    def _rewriting(
        self, text: str, words: Sequence[str], label: str, target: str, content: Content, other: Content, *, system: str
    ) -> Rewriting:
        markers = [tuple(" ".join(run) for run in one.deleted) for one in (content, other)]
        source = self._spelt(other.sentence)
        return Rewriting(text, self._spelt(words), label, target, system, markers[0], source, markers[1])

    def _words(self, text: Any) -> list[str]:
        if not isinstance(text, str):
            raise UserError(f"a sentence is a str, not {type(text).__name__}")
        if not (words := self.corpus.spelling.words(text)):
            raise UserError("a sentence is empty; give one with words to rewrite")
        return words

    def _spelt(self, words: Sequence[str]) -> str:
        return self.corpus.spelling.text(words)

    def judged_inputs(self, texts: Sequence[Any]) -> list[str]:
        """Return sentences spelt as those that are rewritten, so that spaces and capitals make no difference."""
        return [self._spelt(self._words(text)) for text in texts]

    @property
    def judges(self) -> Judges:
        """Return what the bundle has to judge by."""
        return Judges(self.style_classifier, self.language_model)

    def rewritten_by_all(self, examples: Any) -> dict[str, list[Rewriting]]:
        """Return what each system makes of sentences with their labels. Raises UserError where there are none."""
        if not isinstance(examples, Examples):
            raise UserError(f"evaluate takes Examples, sentences with labels, not {type(examples).__name__}")
        if not len(examples):
            raise UserError("there are no sentences to evaluate on")
        return {system: self.rewrite(examples.texts, examples.labels, system) for system in SYSTEMS}

    def evaluate(self, examples: Any, judges: Judges | None = None) -> Scores:
        """Return style accuracy, BLEU to the input, their harmonic mean, perplexity and the loss of reconstruction.

        Of delete-retrieve; a table has those of all systems and of the input copied. judges: others than the bundle's.
        """
        return self.tested(examples, judges)[0]

    def tested(self, examples: Any, judges: Judges | None = None) -> tuple[Scores, dict[str, list[Rewriting]]]:
        """Return what `evaluate` gives, and the sentences by system."""
        found = self.rewritten_by_all(examples)
        scores = scored(judges or self.judges, self.judged_inputs(examples.texts), found, MAIN)
        scores["loss"] = self.evaluator(examples)(self.generators)["loss"]
        check_finite(torch.tensor(scores["loss"]), "the model gave losses")
        return scores, found

    def evaluate_with_page(
        self, examples: Examples, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write a page with the four systems side by side."""
        from lingon.pages.page import check_page_path
        from lingon.tasks.rewrite.page import write_page

        check_page_path(path)
        scores, found = self.tested(examples)
        write_page(path, self, examples, scores, found, name)
        return scores

    def batches(self, examples: Examples, *, max_tokens: int, **how: Any) -> Loader:
        """Return batches of sentences to be reconstructed, with noise; see `lingon.tasks.rewrite.columns`."""
        return rewrite_batches(self.corpus, self.encoder, examples, max_tokens=max_tokens, **how)

    def loss(self, generators: nn.Module, batch: Batch) -> Loss:
        """Return the loss of a batch of sentences; see `rewrite_loss`."""
        return rewrite_loss(generators, batch)

    def evaluator(self, examples: Examples) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the generators: the loss for a token of these sentences, the sum of both."""
        batches = list(self.batches(examples, max_tokens=TOKENS_AT_ONCE, shuffle=False, noise=0.0))

        @torch.inference_mode()
        def evaluate(generators: nn.Module) -> dict[str, float]:
            view = eval_view(generators)
            sums = [reconstruction(view, batch.to(self.device)).double().sum() for batch in batches]
            tokens = sum(int(batch.target_mask.sum()) for batch in batches)
            return {"loss": float(torch.stack(sums).sum()) / tokens}

        return evaluate


TASK = Rewriter
