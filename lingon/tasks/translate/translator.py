"""The translator that users call: texts of one language, or style, become texts of another."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.special_tokens import unknown_id
from lingon.engine.loss import Loss
from lingon.kernels.fast_inference import FastInference
from lingon.metrics.scores import Scores
from lingon.tasks.comparison import SystemOutput
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.task import Card
from lingon.tasks.translate import scoring
from lingon.tasks.translate.alignment import attention_of
from lingon.tasks.translate.bundle_config import check_config, check_ids
from lingon.tasks.translate.comparing import translator_output
from lingon.tasks.translate.generation_config import params_of
from lingon.tasks.translate.languages import language_pair_of, languages_of, with_languages
from lingon.tasks.translate.objective import pair_loss
from lingon.tasks.translate.params import MORE, TIMES, TranslationParams
from lingon.tasks.translate.precision import LAYOUTS, AutoPrecision, with_precision
from lingon.tasks.translate.token_ids import forbidden_ids, no_text_ids, prompt_ids, source_ids
from lingon.tasks.translate.translation import Translation
from lingon.tasks.translate.translations import translations

if TYPE_CHECKING:
    from pathlib import Path

    from lingon.data.batches import Batch
    from lingon.data.parallel_texts import ParallelSplits, ParallelTexts
    from lingon.tasks.training import TrainContext, Training
    from lingon.tasks.translate.settings import Settings

__all__ = ["TASK", "Translator"]

AT_ONCE = 2_000  # texts of a stream that are in memory, of which those of similar length are translated together


class Translator:
    """Hold an encoder-decoder, the tokenizers of sources and targets, and the ids that every translation begins with.

    model: a `lingon.models.encoder_decoder.EncoderDecoder`. source, target: tokenizers; both put the end token behind a
    text. prefix_ids: follow the start of every translation, as the name of its language does in models of many
    languages. suppressed_ids: tokens that are never written; where there is no `generation`, padding and the unknown
    one are not either. generation: settings of a published model, by the keys of its generation_config.json.

    >>> import lingon
    >>> translator = lingon.load("runs/translate")  # doctest: +SKIP
    >>> print(translator.translate(["Good morning."])[0])  # doctest: +SKIP
    """

    name: ClassVar[str] = "translate"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "source": Tokenizer, "target": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("prefix_ids", "suppressed_ids", "generation")
    max_new_tokens: ClassVar[tuple[int, int]] = (TIMES, MORE)  # of a source: times its tokens, and so many more

    def __init__(
        self,
        model: nn.Module,
        source: Tokenizer,
        target: Tokenizer,
        prefix_ids: Sequence[int] = (),
        suppressed_ids: Sequence[int] = (),
        generation: Mapping[str, Any] | None = None,
    ):
        self.model: Any = model
        # Two objects also of one vocabulary, so that a bundle has a file for each side.
        self.source, self.target = source, copy(target) if target is source else target
        self.prefix_ids, self.suppressed_ids = tuple(prefix_ids), tuple(suppressed_ids)
        self.precision, self.auto = "float32", AutoPrecision()
        self.generation = dict(generation or {})
        self.params = params_of(self.generation)  # of a translation by default

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "source": self.source, "target": self.target}

    def config(self) -> dict[str, Any]:
        """Return the ids that every translation begins with, those that are never written, and settings, by name."""
        ids = {"prefix_ids": list(self.prefix_ids), "suppressed_ids": list(self.suppressed_ids)}
        return {**ids, "generation": self.generation}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError unless the keys are lists of ids, and settings that can be."""
        check_config(config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Translator":
        """Return the translator of a checked configuration, its model and its tokenizers.

        Raises DataError for an id that the vocabulary of the target has not.
        """
        check_ids(config, parts)
        ids = config["prefix_ids"], config["suppressed_ids"]
        return cls(parts["model"], parts["source"], parts["target"], *ids, config.get("generation"))

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the model card of a translator."""
        limits = "it was trained on texts like those of its training data; others may be translated wrongly"
        return Card(f"# {model}: translations", "A translator", [f"- **Limits**: {limits}."], '.translate(["A text."])')

    @classmethod
    def prepare(cls, data: "ParallelSplits", settings: "Settings", context: "TrainContext") -> "Training":
        """Return a translator that is ready to be trained; see `lingon.tasks.translate.prepare`."""
        from lingon.tasks.translate.prepare import prepare

        return prepare(data, settings, context)

    def loss(self, model: nn.Module, batch: "Batch") -> Loss:
        """Return the loss of a batch of pairs; see `lingon.tasks.translate.objective`."""
        return pair_loss(model, batch)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Return the ids that end a translation: that of the model, or those of its settings of generation."""
        return tuple(self.generation.get("eos_token_id") or (self.model.eos_id,))

    @cached_property
    def unknown(self) -> int | None:
        """The id of a word that the vocabulary of the target lacks; None where it can write everything."""
        return unknown_id(self.target.library)

    @cached_property
    def no_text(self) -> frozenset[int]:
        """The ids of the target that add nothing to a text: its special tokens."""
        return no_text_ids(self)

    @cached_property
    def fast(self) -> FastInference:
        """The model in other precisions, each made when it is asked for."""
        return FastInference(self.model, LAYOUTS)

    @property
    def languages(self) -> list[str]:
        """Return the language codes that a multilingual model accepts; none for a model of two languages."""
        return languages_of(self)

    @property
    def language_pair(self) -> tuple[str | None, str | None]:
        """Return the codes of source and target language of such a model."""
        return language_pair_of(self)

    def with_languages(self, source: str | None, target: str | None) -> "Translator":
        """Return the translator from one of its languages to another; see `lingon.tasks.translate.languages`."""
        return with_languages(self, source, target)

    def with_precision(self, precision: str) -> "Translator":
        """Return a translator with the same model in a precision; see `lingon.tasks.translate.precision`."""
        return with_precision(self, precision)

    def forbidden_ids(self, copy_unknown: bool = False) -> Tensor:
        """Return the ids that are never written; see `lingon.tasks.translate.token_ids`."""
        return forbidden_ids(self, copy_unknown)

    def source_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of source texts; see `lingon.tasks.translate.token_ids`."""
        return source_ids(self, texts)

    def prompt(self, prefix: str = "") -> tuple[int, ...]:
        """Return the ids that a translation begins with, those of a text last. Raises UserError for one that cannot."""
        return prompt_ids(self, prefix)

    def room(self, prompt: Sequence[int]) -> int:
        """Return how many tokens the model can write after these."""
        return self.model.context_length - len(prompt)

    def translate(self, texts: Sequence[str], params: TranslationParams | None = None) -> list[Translation]:
        """Return the best translation of each text, or the first sample. Raises UserError unless given a list of str.

        params: those of the model when not given. Each translation is the one that its text alone would get. Raises
        NotFinite for broken weights.
        """
        return [found[0] for found in self.n_best(texts, params)]

    def n_best(
        self,
        texts: Sequence[str],
        params: TranslationParams | None = None,
        advance: Callable[[int], None] = lambda count: None,
    ) -> list[list[Translation]]:
        """Return the `params.n` best translations of each text, best first; or as many samples.

        advance: is called with how many texts have been translated, again and again.
        """
        if isinstance(texts, str):
            raise UserError("translate takes a list of texts, not one str; put it into a list")
        return translations(self, texts, params or self.params, advance)

    def stream(
        self,
        texts: Iterable[str],
        params: TranslationParams | None = None,
        at_once: int = AT_ONCE,
        advance: Callable[[int], None] = lambda count: None,
    ) -> Iterator[list[Translation]]:
        """Yield what `n_best` gives for each text, in their order. at_once: texts that are in memory at a time."""
        given = iter(texts)
        while some := list(islice(given, at_once)):
            yield from self.n_best(some, params, advance)

    def predict(self, inputs: Any) -> Any:
        """Return the translation of a text, or of each of a list."""
        return one_or_many(self.translate, inputs)

    def evaluate(self, examples: "ParallelTexts", params: TranslationParams | None = None) -> Scores:
        """Return BLEU, chrF and loss of the translations of these sources; see `lingon.tasks.translate.scoring`."""
        return scoring.tested(self, examples, params or self.params)[0]

    def evaluate_with_page(
        self, examples: "ParallelTexts", path: "Path", name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write a page with scores by length and translations. name: of the model."""
        from lingon.pages.page import check_page_path
        from lingon.tasks.translate.report import write_evaluation

        check_page_path(path)
        tested = scoring.tested(self, examples, self.params)
        write_evaluation(path, tested, examples, name)
        return tested[0]

    def system_output(self, examples: "ParallelTexts") -> SystemOutput:
        """Return the translations of these sources, and what BLEU, chrF and TER are computed from."""
        return translator_output(self, examples)

    def evaluator(self, examples: "ParallelTexts") -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that gives its loss on these pairs, which are encoded only once."""
        return scoring.loss_evaluator(self, examples)

    def attention(self, found: Translation) -> tuple[list[str], list[str], Float[Tensor, "T S"]]:
        """Return the tokens of the source and of a translation, and how much each of these attends to each of those.

        The mean of all heads and layers; rows sum to 1.
        """
        return attention_of(self, found)

    def write_page(self, path: "Path", found: Sequence[Translation], name: str) -> "Path":
        """Write an .html page of translations with their attention. name: of the model."""
        from lingon.tasks.translate.page import write_translations

        return write_translations(path, self, [[one] for one in found], name)

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text of ids of the target, without its special tokens."""
        return self.target.decode([i for i in ids if i not in self.no_text]).strip()


TASK = Translator
