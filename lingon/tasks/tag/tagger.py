"""The task `tag`: a model and its tokenizer predict a tag for each word of a sentence."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import eval_view
from lingon.data.batches import Column, Loader, text_batches
from lingon.data.tag_schemes import are_spans
from lingon.data.tagged_sentences import TaggedSentences, TaggedSplits
from lingon.data.tokenizers import Tokenizer
from lingon.metrics.scores import Scores
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.precision import Inference, in_precision
from lingon.tasks.tag.allowed_tags import forbidden_transitions
from lingon.tasks.tag.card import card
from lingon.tasks.tag.decode import Decoded, decode
from lingon.tasks.tag.encoding import Encoded, encode, targets
from lingon.tasks.tag.scoring import metrics_of, scores_of
from lingon.tasks.tag.sentence_files import column_of
from lingon.tasks.tag.tagged_text import Sentence, TaggedText, tagged_text
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.tag.settings import Settings
    from lingon.tasks.training import TrainContext, Training


class Tagger:
    """A model, its tokenizer, the tags of words, and labels of sentences if it says these too.

    model: (ids, mask, first, words) -> `lingon.layers.tag_head.TagScores`, with a `head`. tags: K different names;
    where they are of spans (B-person, I-person, O), those of IOB2. labels: C names, such as intents; none by default.
    Raises UserError for names that are not different.
    """

    name: ClassVar[str] = "tag"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("tags", "labels")
    formats: ClassVar[Sequence[str]] = ("conllu", "conll")  # of a prediction, beside text and JSON

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, tags: Sequence[str], labels: Sequence[str] = ()):
        if not tags or len({*tags}) < len(tags) or len({*labels}) < len(labels):
            raise UserError(f"a tagger needs different tags and labels, not {[*tags][:5]} and {[*labels][:5]}")
        self.model: Any = model
        self.tokenizer, self.tags, self.labels = tokenizer, list(tags), list(labels)
        self.is_spans, self._forbidden = are_spans(tags), forbidden_transitions(tags)
        self.inference = Inference(model, laid_out=True)

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return tags and labels, by name."""
        return {"tags": self.tags, "labels": self.labels}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong, such as tags, or how many of them the model has."""
        for key, least in (("tags", 1), ("labels", 0)):
            names = want(config, key, list, "a list of names")
            texts = [name for name in names if isinstance(name, str) and name.isprintable()]
            if len(names) < least or len(texts) < len(names) or len({*texts}) < len(texts):
                raise DataError(f"key {key!r} must hold different printable names, {least} or more")
            count = sizes["model"].get(key, least)
            if type(count) is int and count != len(names):
                raise DataError(f"{len(names)} {key} for a model of {count}; key {key!r}")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Tagger":
        """Return the tagger of a checked configuration. Raises DataError for a model that is not a tagger."""
        if not hasattr(parts["model"], "head"):
            raise DataError("key 'model' names a model that does not tag words; expected one such as encoder_tagger")
        return cls(parts["model"], parts["tokenizer"], config["tags"], config["labels"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the tags."""
        return card(model, config)

    @classmethod
    def prepare(cls, data: TaggedSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a tagger that is ready to be trained; see `lingon.tasks.tag.prepare`."""
        from lingon.tasks.tag.prepare import prepare

        return prepare(data, settings, context)

    def encoded(self, sentences: Sequence[Sequence[str]]) -> Encoded:
        """Return sentences of words as token ids and columns."""
        return encode(self.model, self.tokenizer, sentences, getattr(self.model, "max_length", None))

    def batches(self, examples: TaggedSentences, **how: Any) -> Loader:
        """Return shuffled batches to train on, by length. how: as `lingon.data.batches.text_batches` takes it.

        Raises UserError where no sentence has a word.
        """
        _check_examples(examples, "batches", "train")
        some = TaggedSentences([sentence for sentence in examples if sentence.words])
        if not len(some):
            raise UserError("there are no sentences to train on")
        encoded = self.encoded(some.words)
        return text_batches(encoded.ids, columns=self._columns(encoded, some), pad=self.tokenizer.pad_id, **how)

    def _columns(self, encoded: Encoded, examples: TaggedSentences) -> dict[str, Any]:
        labels = [sentence.label for sentence in examples]
        return {**encoded.columns, **targets(examples.tags, self.tags, labels, self.labels)}

    def decoded(self, sentences: Sequence[Sequence[str]], sure: bool = False) -> Decoded:
        """Return the tags of sentences of words, one or more in each, in their order. sure: with their log P.

        Raises NotFinite for scores that are NaN or infinite, as those of broken weights are.
        """
        encoded = self.encoded(sentences)
        return self._said(encoded, encoded.columns, sure)

    def _said(self, encoded: Encoded, columns: Mapping[str, Column], sure: bool = False) -> Decoded:
        """What the model says in its precision. Raises NotFinite for broken weights."""
        view, precision = self.inference.view(encoded.ids)
        return self._decode(view, encoded, columns, precision=precision, sure=sure, checked=True)

    def _decode(self, view: Any, encoded: Encoded, columns: Mapping[str, Column], **how: Any) -> Decoded:
        how |= {"pad": self.tokenizer.pad_id, "labels": len(self.labels), "device": self.device}
        return decode(view, encoded.ids, columns, self._forbidden, **how)

    def with_precision(self, precision: str) -> "Tagger":
        """Return this tagger as it predicts and evaluates in a precision: float32, bfloat16, int8 or auto.

        Raises UserError as `lingon.tasks.precision` says, for a tagger without an encoder too.
        """
        return in_precision(self, precision)

    def evaluate(self, examples: Any) -> Scores:
        """Return the metrics on sentences with tags: see `lingon.tasks.tag.scoring`.

        Raises UserError for other examples, for sentences of which no tag is known, and where labels are said and the
        sentences have none; NotFinite for broken weights.
        """
        some, encoded = self._some(examples)
        return self.scores_of(self._said(encoded, self._columns(encoded, some)), some)

    def evaluate_with_page(
        self, examples: Any, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write a page of what is confused and of sentences. name: of the model."""
        from lingon.pages.page import check_page_path
        from lingon.tasks.tag.held_out import HeldOut
        from lingon.tasks.tag.report import write_evaluation

        check_page_path(path)
        _check_examples(examples, "evaluate_with_page", "test")
        held_out = HeldOut(self, examples)
        scores = held_out.scores()
        write_evaluation(path, held_out, scores, name)
        return scores

    def judge(self, examples: TaggedSentences) -> Decoded:
        """Return the predictions for sentences with tags, with how sure it is, and the loss. Each has a word."""
        some, encoded = self._some(examples)
        return self._said(encoded, self._columns(encoded, some), sure=True)

    def scores_of(self, found: Decoded, examples: TaggedSentences) -> Scores:
        """Return what `evaluate` gives, of sentences that have been decoded."""
        return scores_of(*self._judged(found, examples))

    def evaluator(self, examples: TaggedSentences) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these sentences, which are encoded only once."""
        some, encoded = self._some(examples)
        columns = self._columns(encoded, some)
        return lambda model: metrics_of(*self._judged(self._decode(eval_view(model), encoded, columns), some))

    def _some(self, examples: Any) -> tuple[TaggedSentences, Encoded]:
        """Sentences with words, encoded."""
        _check_examples(examples, "evaluate", "test")
        some = TaggedSentences([sentence for sentence in examples if sentence.words])
        if not len(some):
            raise UserError("there are no sentences to evaluate on")
        if not {*self.tags} & {tag for sentence in some for tag in sentence.tags}:
            raise UserError(
                f"the sentences have tags such as {some[0].tags[0]!r}, and this tagger knows none of them, but "
                f"{', '.join(self.tags[:5])}; is it another column or another scheme?"
            )
        return some, self.encoded(some.words)

    def _judged(self, found: Decoded, examples: TaggedSentences) -> tuple[Any, Any, bool, Any, float]:
        """What the metrics are of: true and predicted tags, whether they are of spans, true and predicted labels."""
        said = [self.names(row) for row in found.tags]
        labels = None
        if found.labels is not None and any(sentence.label is not None for sentence in examples):
            names = [self.labels[i] for i in found.labels.argmax(1).tolist()]
            labels = ([sentence.label for sentence in examples], names)
        return examples.tags, said, self.is_spans, labels, found.loss

    def names(self, numbers: Sequence[int]) -> list[str]:
        """Return the names of tags, of their numbers."""
        return [self.tags[i] for i in numbers]

    def predict(self, texts: Any) -> Any:
        """Return the prediction for a text, or for each of a list of texts: a `TaggedText`.

        A text is divided into words by `lingon.data.words_of_text`; a list of words, or a `ConlluSentence`, is a
        sentence that is divided already.

        >>> import lingon
        >>> lingon.load("runs/tag").predict("A warm film.").tags  # doctest: +SKIP
        ['DET', 'ADJ', 'NOUN', 'PUNCT']
        """
        return one_or_many(self._predict, texts)

    def _predict(self, given: Sequence[Any]) -> list[TaggedText]:
        sentences = [Sentence.of(one) for one in given]
        with_words = [i for i, sentence in enumerate(sentences) if sentence.words]
        found = self.decoded([sentences[i].words for i in with_words])
        tags: list[list[str]] = [[] for _ in sentences]
        labels: list[Any] = [None for _ in sentences]
        column = column_of(self.tags)
        best = None if found.labels is None else found.labels.max(1)
        for place, i in enumerate(with_words):
            tags[i] = self.names(found.tags[place])
            if best is not None:
                labels[i] = (self.labels[int(best.indices[place])], float(best.values[place]))
        return [
            tagged_text(sentence, own, self.is_spans, label, column)
            for sentence, own, label in zip(sentences, tags, labels, strict=True)
        ]

    def write_page(self, path: Path, found: Sequence[TaggedText], name: str) -> Path:
        """Write a page that shows sentences with their spans or tags in colours; return its path."""
        from lingon.tasks.tag.page import write_page

        kinds = sorted({tag.partition("-")[2] for tag in self.tags} - {""}) if self.is_spans else sorted(self.tags)
        return write_page(path, found, name, kinds)


TASK = Tagger


def _check_examples(examples: Any, method: str, part: str) -> None:
    if not isinstance(examples, TaggedSentences):
        hint = f"; give one part of it, such as splits.{part}" if isinstance(examples, TaggedSplits) else ""
        raise UserError(f"{method} takes TaggedSentences, words with tags, not {type(examples).__name__}{hint}")
