"""The task `parse`: a model and its tokenizer give each word of a sentence its head and its relation to it."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from lingon.core.config_keys import want
from lingon.core.counted import counted
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.core.eval_view import eval_view
from lingon.core.markdown import plain
from lingon.data.batches import FirstPieces, Loader, Padded, text_batches
from lingon.data.files.conllu import ConlluSentence
from lingon.data.tokenizers import Tokenizer, WordPieces, word_pieces
from lingon.data.trees import Tree, TreeSplits
from lingon.metrics.scores import Scores
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.parse.decode import Decoded, decode
from lingon.tasks.parse.parsed import Parsed, as_sentence, parsed
from lingon.tasks.parse.scoring import compared, scores_of
from lingon.tasks.parse.settings import METRICS
from lingon.tasks.precision import EXACT, Inference, View, in_precision
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.parse.settings import Settings
    from lingon.tasks.training import TrainContext, Training

SHOWN = 20  # relations on the card
MOST_WORDS = 10_000  # of a sentence: its best tree takes 4 GB


class Parser:
    """A model, its tokenizer, and the relations that a word can have to its head.

    model: see `lingon.models.encoder_parser`. relations: R different names; one that begins with "root" is that of the
    root alone. Raises UserError for names that are not different.
    """

    name: ClassVar[str] = "parse"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("relations",)
    formats: ClassVar[Sequence[str]] = ("conllu",)  # of a prediction, beside text and JSON

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, relations: Sequence[str]):
        if not relations or len({*relations}) < len(relations):
            raise UserError(f"a parser needs different relations, not {[*relations][:5]}")
        self.model: Any = model
        self.tokenizer, self.relations = tokenizer, list(relations)
        self.inference = Inference(model)
        self._number = {relation: i for i, relation in enumerate(relations)}

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return the relations, by name."""
        return {"relations": self.relations}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        names = want(config, "relations", list, "a list of names")
        texts = [name for name in names if isinstance(name, str) and name.isprintable()]
        if not names or len(texts) < len(names) or len({*texts}) < len(texts):
            raise DataError("key 'relations' must hold different printable names, one or more")
        count = sizes["model"].get("classes")
        if type(count) is int and count != len(names):
            raise DataError(f"{len(names)} relations for a model of {count}; keys 'relations' and 'classes'")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Parser":
        """Return the parser of a checked configuration. Raises DataError for a model that is not a parser."""
        if not hasattr(parts["model"], "arc_logits"):
            raise DataError("key 'model' names a model that does not predict heads; expected encoder_parser")
        return cls(parts["model"], parts["tokenizer"], config["relations"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: the relations."""
        names = config["relations"]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        facts = [f"- **Relations**: {', '.join(map(plain, names[:SHOWN]))}{more}.", "- **Reads** a sentence at a time."]
        return Card(f"# {model}: dependency trees", "A dependency parser,", facts, '.predict("Your sentence.")')

    @classmethod
    def prepare(cls, data: TreeSplits, settings: "Settings", context: "TrainContext") -> "Training":
        """Return a parser that is ready to be trained; see `lingon.tasks.parse.prepare`."""
        from lingon.tasks.parse.prepare import prepare

        return prepare(data, settings, context)

    def columns(self, trees: Sequence[Tree]) -> tuple[list[list[int]], dict[str, Any]]:
        """Return the token ids of sentences, and the columns of their words, heads and relations.

        A relation that the parser does not know has one number too many, which no loss counts.
        """
        pieces = self.pieces([tree.words for tree in trees])
        numbers = [[self._number.get(r, len(self.relations)) for r in tree.relations] for tree in trees]
        heads = Padded("heads", [tree.heads for tree in trees])
        return pieces.ids, {
            "first": FirstPieces(pieces.first),
            "heads": heads,
            "relations": Padded("relations", numbers),
        }

    def pieces(self, sentences: Sequence[Sequence[str]]) -> WordPieces:
        """Return the token ids of sentences of words. Raises UserError for one of more than 10,000 words."""
        for words in sentences:
            if len(words) > MOST_WORDS:
                raise UserError(
                    f"a sentence of {counted(len(words), 'word')}, which begins "
                    f"{' '.join(words[:5])[:60]!r}: each word is "
                    f"compared with all others, of {MOST_WORDS:,} at most; divide the text into sentences"
                )
        return word_pieces(self.tokenizer, sentences, self.model.window)

    def batches(self, trees: Sequence[Tree], **how: Any) -> Loader:
        """Return shuffled batches to train on, by length. how: as `lingon.data.batches.text_batches` takes it.

        Raises UserError where no sentence has a word.
        """
        some = _some(trees, "batches", "train")
        ids, columns = self.columns(some)
        return text_batches(ids, columns=columns, pad=self.tokenizer.pad_id, **how)

    def decoded(self, sentences: Sequence[Sequence[str]]) -> list[Decoded]:
        """Return the trees of sentences of words, in their order. Raises NotFinite for those of broken weights."""
        return self._decoded(self.inference.view, sentences)

    def decode_with(self, model: nn.Module, sentences: Sequence[Sequence[str]]) -> list[Decoded]:
        """Return what `decoded` gives with the weights of a model that may be trained at this moment, in float32."""
        return self._decoded(lambda ids: View(eval_view(model), EXACT), sentences)

    def _decoded(
        self, view: Callable[[Sequence[Sequence[int]]], View], sentences: Sequence[Sequence[str]]
    ) -> list[Decoded]:
        with_words = [i for i, words in enumerate(sentences) if len(words)]
        pieces = self.pieces([sentences[i] for i in with_words])
        out = [Decoded.empty()] * len(sentences)
        found = decode(view(pieces.ids), pieces, self.relations, self.tokenizer.pad_id, self.device)
        for i, one in zip(with_words, found, strict=True):
            out[i] = one
        return out

    def with_precision(self, precision: str) -> "Parser":
        """Return this parser as it predicts and evaluates in a precision: float32, bfloat16, int8 or auto.

        Raises UserError as `lingon.tasks.precision` says.
        """
        return in_precision(self, precision)

    def evaluate(self, examples: Any) -> Scores:
        """Return UAS, LAS and CLAS (see `lingon.metrics.attachment`), with tables by relation and by length.

        Raises UserError for inputs that are not trees, and where there are none.
        """
        some = _some(examples, "evaluate", "test")
        return scores_of(compared(some, self.decoded([tree.words for tree in some])))

    def evaluate_with_page(
        self, examples: Any, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write a page with scores by relation and trees. name: of the model."""
        from lingon.pages.page import check_page_path
        from lingon.tasks.parse.held_out import HeldOut
        from lingon.tasks.parse.report import write_evaluation

        check_page_path(path)
        held_out = HeldOut(self, _some(examples, "evaluate_with_page", "test"))
        scores = held_out.scores()
        write_evaluation(path, held_out, scores, name)
        return scores

    def evaluator(self, examples: Any) -> Callable[[nn.Module], dict[str, float]]:
        """Return a function of the model that scores it on these trees.

        Broken weights give NaN here: a model that is being trained may recover.
        """
        some = _some(examples, "evaluator", "valid")
        words = [tree.words for tree in some]

        def evaluate(model: nn.Module) -> dict[str, float]:
            try:
                return dict(scores_of(compared(some, self.decode_with(model, words))))
            except NotFinite:
                return dict.fromkeys(METRICS, math.nan)

        return evaluate

    def predict(self, texts: Any) -> Any:
        """Return the tree of a text, or of each of a list of texts: a `Parsed`.

        A text is one sentence, which is divided into words by `lingon.data.words_of_text`. In the place of a text may
        stand a list of words, or a sentence of `lingon.data.files.conllu`, whose other columns are kept.

        >>> import lingon
        >>> lingon.load("runs/parse").predict("Dogs chase cats.").heads  # doctest: +SKIP
        [2, 0, 2, 2]
        """
        return one_or_many(self._predict, texts, (str, ConlluSentence))

    def _predict(self, given: Sequence[Any]) -> list[Parsed]:
        sentences = [as_sentence(one) for one in given]
        found = self.decoded([sentence.words for sentence in sentences])
        rows = zip(given, sentences, found, strict=True)
        return [parsed(one, sentence, tree.heads, tree.relations) for one, sentence, tree in rows]

    def write_page(self, path: Path, found: Sequence[Parsed], name: str) -> Path:
        """Write a page that shows the trees of sentences, or of one sentence an .svg picture; return its path."""
        from lingon.tasks.parse.page import write_page

        return write_page(path, found, name)


def _some(trees: Any, method: str, part: str) -> list[Tree]:
    """Return the trees with words. Raises UserError for anything but a list of trees."""
    if isinstance(trees, TreeSplits) or not all(isinstance(tree, Tree) for tree in trees):
        hint = f"; give one part of it, such as splits.{part}" if isinstance(trees, TreeSplits) else ""
        raise UserError(f"{method} takes a list of trees, not {type(trees).__name__}{hint}")
    if not (some := [tree for tree in trees if len(tree)]):
        raise UserError("there are no sentences with words")
    return some


TASK = Parser
