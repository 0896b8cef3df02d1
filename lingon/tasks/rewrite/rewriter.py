"""The task `rewrite`: a sentence becomes one with the same content in the other of two styles."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.errors import UserError, unknown
from lingon.data.batches import Batch, Loader
from lingon.data.examples import Examples
from lingon.data.tokenizers import Tokenizer
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.rewrite.columns import rewrite_batches
from lingon.tasks.rewrite.configuration import check_config, helpers_of
from lingon.tasks.rewrite.content import Content
from lingon.tasks.rewrite.encoding import RewriteEncoder
from lingon.tasks.rewrite.evaluation import MAIN, tested
from lingon.tasks.rewrite.objective import Generators, reconstruction_evaluator, rewrite_loss
from lingon.tasks.rewrite.rewriting import SYSTEMS, Rewriting
from lingon.tasks.rewrite.scoring import Judges
from lingon.tasks.rewrite.style_corpus import StyleCorpus
from lingon.tasks.rewrite.systems import retrieved, written
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.data.examples import Splits
    from lingon.tasks.rewrite.settings import Settings
    from lingon.tasks.training import TrainContext, Training

__all__ = ["TASK", "Rewriter", "Rewriting"]

TOKENS_AT_ONCE = 16_384


class Rewriter:
    """Sentences of two styles, two generators, and what judges them: all it takes to rewrite and to say how well.

    corpus: the sentences that markers are found in and that are retrieved. delete, delete_retrieve: encoder-decoders,
    see `lingon.models.encoder_decoder`. tokenizer: of both, with the special tokens of `with_rewrite_tokens`, and of
    the language model. style_classifier, language_model: were trained on sentences that are not in the corpus.
    embedder: gives the vectors by which sentences are retrieved and compared; None: words are all that counts.
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
    optional_parts: ClassVar[Mapping[str, Mapping[str, type]]] = {
        "embedder": {"embedder": nn.Module, "embedder_tokenizer": Tokenizer}
    }
    config_keys: ClassVar[Sequence[str]] = ("sentences", "threshold", "smoothing", "lowercase", "spaced", "embedder")
    systems: ClassVar[Sequence[str]] = SYSTEMS

    def __init__(
        self,
        corpus: StyleCorpus,
        delete: Any,
        delete_retrieve: Any,
        tokenizer: Tokenizer,
        style_classifier: Classifier | None = None,
        language_model: LanguageModel | None = None,
        embedder: Embedder | None = None,
    ):
        self.corpus = replace(corpus, encode=embedder.encode) if embedder and not corpus.encode else corpus
        self.tokenizer, self.embedder, self.judging_encoder = tokenizer, embedder, embedder
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
        if self.embedder:
            found["embedder"], found["embedder_tokenizer"] = self.embedder.model, self.embedder.tokenizer
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
        """Return the sentences by style, how markers are found in them, their spelling, and the pooling of vectors."""
        return self.corpus.config() | {"embedder": self.embedder.config() if self.embedder else None}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong; see `lingon.tasks.rewrite.configuration`."""
        check_config(config, sizes)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Rewriter":
        """Return the rewriter of a checked configuration and its parts. Raises DataError when they do not fit."""
        corpus = StyleCorpus.from_config(config)
        generators = parts["delete"], parts["delete_retrieve"]
        classifier, language, embedder = helpers_of(corpus, config, parts)
        return cls(corpus, *generators, parts["tokenizer"], classifier, language, embedder)

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the two styles, and that meaning may be lost."""
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
        return one_or_many(lambda texts: self._predict(texts, to, system), inputs)

    def _predict(self, texts: list[Any], to: str | None, system: str) -> list[Rewriting]:
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
        others = retrieved(self.corpus, contents, targets, system)
        styles = [self.corpus.styles.index(target) for target in targets]
        made = written(self.generators, self.encoder, contents, others, styles, system)
        rows = zip(texts, made, labels, targets, contents, others, strict=True)
        return [self._rewriting(*row, system=system) for row in rows]

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
        """Return what the bundle has to judge by; vectors of sentences where it has an embedder, or was given one."""
        return Judges(self.style_classifier, self.language_model, self.judging_encoder)

    def with_encoder(self, encoder: Embedder) -> "Rewriter":
        """Return this rewriter, whose sentences an encoder compares with what they became; others are retrieved."""
        found = copy(self)
        found.judging_encoder = encoder
        return found

    def evaluate(self, examples: Any, judges: Judges | None = None) -> Scores:
        """Return the metrics of delete-retrieve, with a table of all systems; judges: instead of the bundle's."""
        return self.tested(examples, judges)[0]

    def tested(self, examples: Any, judges: Judges | None = None) -> tuple[Scores, dict[str, list[Rewriting]]]:
        """Return what `evaluate` gives, and the sentences by system; see `lingon.tasks.rewrite.evaluation`."""
        return tested(self, examples, judges or self.judges)

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
        return reconstruction_evaluator(batches)


TASK = Rewriter
