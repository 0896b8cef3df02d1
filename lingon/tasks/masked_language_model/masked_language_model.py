"""The task `masked-language-model`: an encoder with a head that predicts the token behind [MASK]."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.errors import DataError, UserError
from lingon.core.eval_view import eval_view
from lingon.core.terminal import printable
from lingon.data.tokenizers import Tokenizer
from lingon.metrics.scores import Scores
from lingon.tasks.masked_language_model.masking import Masking, continuing
from lingon.tasks.masked_language_model.objective import masked_scores
from lingon.tasks.masked_language_model.special_ids import WORDS, special_ids, without_template
from lingon.tasks.masked_language_model.token_windows import TokenWindows
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.data.documents import Documents
    from lingon.tasks.masked_language_model.settings import Settings
    from lingon.tasks.training import TrainContext, Training


@dataclass(frozen=True)
class Filled:
    """A text with the likeliest token in place of each [MASK]; token and probability are those of the first."""

    text: str
    filled: str
    token: str
    probability: float

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.probability:6.1%}  {printable(self.filled)}"


class MaskedLanguageModel:
    """An encoder with the head of masked language modelling, and its tokenizer.

    model: see `lingon.models.masked_encoder`. Raises UserError for a tokenizer without [MASK].
    """

    name: ClassVar[str] = "masked-language-model"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ()

    def __init__(self, model: Any, tokenizer: Tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.special = special_ids(tokenizer, len(model.bias))

    @property
    def encoder(self) -> Any:
        """The encoder, for what is to start from it."""
        return self.model.encoder

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    @property
    def device(self) -> torch.device:
        return self.model.bias.device

    def config(self) -> dict[str, Any]:
        """Return nothing: model and tokenizer are all."""
        return {}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """There are no keys of its own."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "MaskedLanguageModel":
        """Return the task of its model and tokenizer. Raises DataError for a model without the head."""
        if not hasattr(parts["model"], "bias") or not hasattr(parts["model"], "encoder"):
            raise DataError("key 'model' names a model without a masked language modelling head")
        return cls(parts["model"], parts["tokenizer"])

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return what the model card says."""
        facts = ["- **Use**: `lingon train classify --from` this folder puts a classifier on its encoder."]
        return Card(f"# {model}", "An encoder, by masked language modelling,", facts, '.predict(["A [MASK]."])')

    @classmethod
    def prepare(cls, data: "Documents", settings: "Settings", context: "TrainContext") -> "Training":
        """Return what is ready to be trained; see `lingon.tasks.masked_language_model.prepare`."""
        from lingon.tasks.masked_language_model.prepare import prepare

        return prepare(data, settings, context)

    def masking(self, rate: float = 0.15, whole_words: bool = True) -> Masking:
        """Return how tokens are hidden; as whole words where the tokenizer marks what goes on a word."""
        continues = continuing(list(self.tokenizer.vocab), WORDS)
        rows = torch.zeros(len(self.special.special), dtype=torch.bool)
        rows[: len(continues)] = continues
        return Masking(self.special.mask, self.special.special, rows if whole_words and rows.any() else None, rate)

    def windows(self, tokens: Any, context_length: int) -> TokenWindows:
        """Return running text as windows that the model reads."""
        return TokenWindows(tokens, context_length, self.special.before, self.special.after)

    def evaluate(self, examples: Iterable[str]) -> Scores:
        """Return loss, accuracy and perplexity of hidden tokens; the same ones are hidden every time."""
        rows = without_template(self.tokenizer).encode_batch(list(examples))
        end = [] if self.special.after is None else [self.special.after]
        tokens = np.array([i for row in rows for i in [*row, *end]], np.int64)
        return Scores(masked_scores(self, self.model, tokens), "loss")

    def predict(self, inputs: Any) -> Any:
        """Return a text, or each of a list, with the likeliest tokens in the places of [MASK].

        Raises UserError for a text without [MASK], or with more tokens than the model reads.
        """
        return one_or_many(lambda texts: [self._filled(text) for text in texts], inputs)

    @torch.inference_mode()
    def _filled(self, text: str) -> Filled:
        name, special = self.special.mask_token, self.special
        pieces = text.split(name)
        if len(pieces) < 2:
            raise UserError(f"the text has no {name} whose token could be said: {text[:40]!r}")
        ids = [] if special.before is None else [special.before]
        bare = without_template(self.tokenizer)
        for i, piece in enumerate(pieces):
            ids += [*([special.mask] if i else []), *bare.encode(piece)]
        ids += [] if special.after is None else [special.after]
        row = torch.tensor([ids], device=self.device)
        logits = eval_view(self.model)(row, torch.ones_like(row, dtype=torch.bool))[0].float().cpu()
        shares = check_finite(logits, "the model gave logits").masked_fill(special.special, -torch.inf).softmax(-1)
        best = shares[row[0].cpu() == special.mask].max(-1)
        words = [self.tokenizer.library.id_to_token(i) or "" for i in best.indices.tolist()]
        filled = pieces[0] + "".join(_joined(word) + piece for word, piece in zip(words, pieces[1:], strict=True))
        return Filled(text, filled, words[0], float(best.values[0]))


def _joined(word: str) -> str:
    return word.removeprefix(WORDS)


TASK = MaskedLanguageModel
