"""A translator as people use it: texts of one language, or style, become texts of another."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError
from lingon.core.shapes import Float, Tensor
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.special_tokens import unknown_id
from lingon.decoding.beam_params import Hypothesis
from lingon.engine.loss import Loss
from lingon.metrics.scores import Scores
from lingon.tasks.comparison import SystemOutput
from lingon.tasks.task import Card
from lingon.tasks.translate import scoring
from lingon.tasks.translate.alignment import attention_of, with_copied_words
from lingon.tasks.translate.comparing import translator_output
from lingon.tasks.translate.languages import check_languages, languages_of, with_languages
from lingon.tasks.translate.objective import pair_loss
from lingon.tasks.translate.params import MORE, TIMES, TranslationParams
from lingon.tasks.translate.search import search
from lingon.tasks.translate.terms import phrases_of
from lingon.tasks.translate.translation import Translation

if TYPE_CHECKING:
    from pathlib import Path

    from lingon.data.batches import Batch
    from lingon.data.parallel_texts import ParallelSplits, ParallelTexts
    from lingon.tasks.training import TrainContext, Training
    from lingon.tasks.translate.settings import Settings

__all__ = ["TASK", "Translator"]

AT_ONCE = 2_000  # texts of a stream that are in memory, of which those of like length are translated together
DEFAULTS = TranslationParams()


class Translator:
    """Hold an encoder-decoder, the tokenizers of sources and targets, and the ids that every translation begins with.

    model: a `lingon.models.encoder_decoder.EncoderDecoder`. source, target: tokenizers; both put the end token behind a
    text. prefix_ids: follow the start of every translation, as the name of its language does in models of many
    languages. suppressed_ids: tokens that are never written, beside padding and the unknown one.

    >>> import lingon
    >>> translator = lingon.load("runs/translate")  # doctest: +SKIP
    >>> print(translator.translate(["Good morning."])[0])  # doctest: +SKIP
    """

    name: ClassVar[str] = "translate"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "source": Tokenizer, "target": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("prefix_ids", "suppressed_ids")
    max_new_tokens: ClassVar[tuple[int, int]] = (TIMES, MORE)  # of a source: times its tokens, and so many more

    def __init__(
        self,
        model: nn.Module,
        source: Tokenizer,
        target: Tokenizer,
        prefix_ids: Sequence[int] = (),
        suppressed_ids: Sequence[int] = (),
    ):
        self.model: Any = model
        # Two objects also of one vocabulary, so that a bundle has a file for each side.
        self.source, self.target = source, copy(target) if target is source else target
        self.prefix_ids, self.suppressed_ids = tuple(prefix_ids), tuple(suppressed_ids)

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "source": self.source, "target": self.target}

    def config(self) -> dict[str, Any]:
        """Return the ids that every translation begins with, and those that are never written, by name."""
        return {"prefix_ids": list(self.prefix_ids), "suppressed_ids": list(self.suppressed_ids)}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError unless the keys are lists of ids."""
        for key in cls.config_keys:
            ids = want(config, key, list, "a list of ids")
            if not all(type(i) is int and i >= 0 for i in ids):
                raise DataError(f"key {key!r} is {str(ids)[:40]!r}, expected a list of ids, 0 or more")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Translator":
        """Return the translator of a checked configuration, its model and its tokenizers.

        Raises DataError for an id that the vocabulary of the target has not.
        """
        size, sizes = len(parts["target"].vocab), parts["model"].config()
        for side, key in (("source", "source_vocab_size"), ("target", "decoder_vocab_size")):
            rows, tokens = sizes.get(key) or sizes.get("vocab_size"), len(parts[side].vocab)
            if type(rows) is int and tokens > rows:
                raise DataError(f"the tokenizer of the {side} has {tokens:,} tokens, the model was made for {rows:,}")
        for key in ("prefix_ids", "suppressed_ids"):
            if beyond := [i for i in config[key] if i >= size]:
                raise DataError(f"key {key!r} has {beyond[0]}, expected ids from 0 to {size - 1:,}, which targets have")
        return cls(parts["model"], parts["source"], parts["target"], config["prefix_ids"], config["suppressed_ids"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return what the model card says of a translator."""
        limits = "it writes what is likely for texts like those it was trained on; others it may translate wrongly"
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
        """Return the ids that end a translation."""
        return (self.model.eos_id,)

    @cached_property
    def unknown(self) -> int | None:
        """The id of a word that the vocabulary of the target lacks; None where it can write everything."""
        return unknown_id(self.target.library)

    @cached_property
    def no_text(self) -> frozenset[int]:
        """The ids of the target that add nothing to a text: its special tokens."""
        added = self.target.library.get_added_tokens_decoder()
        special = {i for i, token in added.items() if token.special}
        return frozenset(special | {*self.eos_ids, self.model.pad_id, self.model.start_id})

    @property
    def languages(self) -> list[str]:
        """Return the codes of the languages that a model of many is told by name; none for one of two languages."""
        return languages_of(self)

    def with_languages(self, source: str | None, target: str | None) -> "Translator":
        """Return the translator from one of its languages to another; see `lingon.tasks.translate.languages`."""
        return with_languages(self, source, target)

    def forbidden_ids(self, copy_unknown: bool = False) -> Tensor:
        """Return the ids that are never written. copy_unknown: the unknown token may be, as a word is put there."""
        unknown = set() if copy_unknown else {self.unknown, self.target.padding_idx}
        found = {i for i in unknown if i is not None} | set(self.suppressed_ids)
        if (embedding := getattr(self.model, "embedding", None)) is not None:  # rows that no token has, as those of T5
            found |= set(range(len(self.target.vocab), len(embedding.weight)))
        return torch.tensor(sorted(found - set(self.eos_ids)), dtype=torch.long)

    def source_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of source texts. One that is longer than the model reads is cut, which is said."""
        rows, most = self.source.encode_batch(texts), self.model.source_length
        if most is not None and (cut := sum(len(row) > most for row in rows)):
            said = f"{cut:,} of {len(rows):,} texts are longer than {most:,} tokens; their ends are not read"
            warnings.warn(said, stacklevel=3)
            rows = self.source.truncate(texts, rows, most)
        return [tuple(row) or self.eos_ids for row in rows]

    def prompt(self, prefix: str = "") -> tuple[int, ...]:
        """Return the ids that a translation begins with: the start, `prefix_ids` and those of a text.

        Raises UserError for a prefix that the vocabulary cannot write, or that leaves no room.
        """
        ids = self.target.without_special_tokens().encode(prefix) if prefix else []
        if self.unknown is not None and self.unknown in ids:
            raise UserError(f"--prefix {prefix!r} has a word that the model's vocabulary cannot write; change it")
        found = (self.model.start_id, *self.prefix_ids, *ids)
        if self.room(found) < 1:
            raise UserError(f"--prefix has {len(ids):,} tokens, the model writes {self.model.context_length:,} at most")
        return found

    def room(self, prompt: Sequence[int]) -> int:
        """Return how many tokens the model can write after these."""
        return self.model.context_length - len(prompt)

    def translate(self, texts: Sequence[str], params: TranslationParams = DEFAULTS) -> list[Translation]:
        """Return the best translation of each text, or the first sample. Raises UserError for what is no list of str.

        Each is the one that its text alone would get. Raises NotFinite for broken weights.
        """
        return [found[0] for found in self.n_best(texts, params)]

    def n_best(
        self,
        texts: Sequence[str],
        params: TranslationParams = DEFAULTS,
        advance: Callable[[int], None] = lambda count: None,
    ) -> list[list[Translation]]:
        """Return the `params.n` best translations of each text, best first; or as many samples.

        advance: is told how many texts have been translated, again and again.
        """
        if isinstance(texts, str):
            raise UserError("translate takes a list of texts, not one str; put it into a list")
        written = [i for i, text in enumerate(texts) if not isinstance(text, str) or text.strip()]
        found = [[Translation(text, "", 0.0, 0.0, self.eos_ids)] * params.n for text in texts]  # of blank ones
        advance(len(texts) - len(written))
        if written:
            those = self._n_best([texts[i] for i in written], params, advance)
            for i, some in zip(written, those, strict=True):
                found[i] = some
        return found

    def _n_best(
        self, texts: list[str], params: TranslationParams, advance: Callable[[int], None]
    ) -> list[list[Translation]]:
        check_languages(self)
        sources, phrases = self.source_ids([params.source_prefix + text for text in texts]), []
        if params.terms is not None:
            params.terms.check(self.target, self.unknown)
            wanted = [params.terms.wanted(text, params.prefix) for text in texts]
            phrases = [phrases_of(some, self.target) for some in wanted]
        found = search(self, sources, params, phrases, advance)
        each = zip(texts, sources, found, strict=True)
        return [[self._translation(text, ids, one, params) for one in some] for text, ids, some in each]

    def stream(
        self,
        texts: Iterable[str],
        params: TranslationParams = DEFAULTS,
        at_once: int = AT_ONCE,
        advance: Callable[[int], None] = lambda count: None,
    ) -> Iterator[list[Translation]]:
        """Yield what `n_best` gives for each text, in their order. at_once: texts that are in memory at a time."""
        given = iter(texts)
        while some := list(islice(given, at_once)):
            yield from self.n_best(some, params, advance)

    def predict(self, inputs: Sequence[str]) -> list[Translation]:
        """Return the translation of each text."""
        return self.translate(inputs)

    def evaluate(self, examples: "ParallelTexts", params: TranslationParams = DEFAULTS) -> Scores:
        """Return BLEU, chrF and loss of the translations of these sources; see `lingon.tasks.translate.scoring`."""
        return scoring.tested(self, examples, params)[0]

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

    def _translation(
        self, text: str, source: Sequence[int], found: Hypothesis, params: TranslationParams
    ) -> Translation:
        begun = self.prompt(params.prefix)[1 + len(self.prefix_ids) :]
        ids = (*begun, *found.ids)
        if params.copy_unknown and self.unknown in found.ids:
            said = with_copied_words(self, text, source, ids)
        else:
            said = self.text_of(ids)
        return Translation(text, said, found.score, found.logprob, ids, found.ended)


TASK = Translator
