"""The task `embed`: a text becomes a vector, so that texts with similar meanings are close together."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.config_keys import want
from lingon.core.counted import counted
from lingon.core.errors import DataError
from lingon.core.progress import track
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.core.terminal import printable
from lingon.data.batches import Batch, text_batches
from lingon.data.text_pairs import ScoredPairs
from lingon.data.tokenizers import Tokenizer
from lingon.kernels.fast_inference import autocast_for
from lingon.layers.pooling import POOLINGS, Pooling, pooling_of
from lingon.metrics.scores import Scores
from lingon.tasks.embed.scoring import scoring_of, unit
from lingon.tasks.embed.sentence_vectors import SentenceVectors
from lingon.tasks.one_or_many import one_or_many
from lingon.tasks.precision import Inference, in_precision
from lingon.tasks.task import Card

if TYPE_CHECKING:
    from lingon.tasks.embed.settings import Settings
    from lingon.tasks.training import TrainContext, Training

TOKENS_AT_ONCE = 8_192  # per batch: what two cores compute in about a second
SHOWN = 4  # numbers of a vector that its line shows
# What the sample program of an exported encoder does with its vectors.
ANSWER_CODE = """\
print(len(vectors[0]), "numbers:", *(f"{x:+.4f}" for x in vectors[0][:4]))"""


@dataclass(frozen=True)
class Embedding:
    """A text with its vector, `width` numbers."""

    text: str
    vector: list[float]

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first."""
        return {"text": self.text, "vector": self.vector}

    def __str__(self) -> str:
        first = " ".join(f"{x:+.4f}" for x in self.vector[:SHOWN])
        return f"[{first} ... {len(self.vector)} numbers]  {printable(self.text)}"


class Embedder:
    """An encoder, its tokenizer, and how the vectors of a text's tokens are pooled.

    model: (ids [B, T], mask [B, T]) -> hidden [B, T, D], an `lingon.models.encoder.Encoder`. pooling: mean, cls or max.
    normalize: each vector is divided by its length, so that a dot product is a cosine. max_length: tokens of a text
    that are read; None is as many as the model can.
    """

    name: ClassVar[str] = "embed"
    part_types: ClassVar[Mapping[str, type]] = {"model": nn.Module, "tokenizer": Tokenizer}
    config_keys: ClassVar[Sequence[str]] = ("pooling", "normalize", "max_length")
    output_name: ClassVar[str] = "vectors"
    output_shape: ClassVar[Sequence[str]] = ("batch", "width")
    answer_code: ClassVar[str] = ANSWER_CODE
    agreement_name: ClassVar[str] = "the mean cosine with the exact vectors of real texts"

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        pooling: str = "mean",
        normalize: bool = False,
        max_length: int | None = None,
    ):
        self.model: Any = model
        self.tokenizer, self.pooling, self.normalize = tokenizer, pooling, normalize
        self._pool = pooling_of(pooling)
        self.inference = Inference(model, _vectors_by(self._pool), laid_out=True)
        room = getattr(model, "context_length", None)
        self.max_length = max_length if room is None else min(max_length or room, room)

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "tokenizer": self.tokenizer}

    @property
    def width(self) -> int:
        """Return D, the numbers in a vector."""
        return self.model.width

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def config(self) -> dict[str, Any]:
        """Return pooling, normalize and max_length, by name."""
        return {"pooling": self.pooling, "normalize": self.normalize, "max_length": self.max_length}

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key that is wrong."""
        if want(config, "pooling", str, "a pooling") not in POOLINGS:
            raise DataError(f"key 'pooling' is {config['pooling'][:40]!r}, expected {' or '.join(POOLINGS)}")
        want(config, "normalize", bool, "true or false")
        length = want(config, "max_length", (int, type(None)), "a number or null")
        if length is not None and length < 1:
            raise DataError(f"key 'max_length' is {length}, expected 1 or more")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: Mapping[str, Any]) -> "Embedder":
        """Return the embedder of a checked configuration, its model and its tokenizer."""
        return cls(parts["model"], parts["tokenizer"], *(config[key] for key in cls.config_keys))

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the content of the model card: how the token vectors are pooled, and how much of a text is read."""
        length = config["max_length"]
        unit = ", of length 1" if config["normalize"] else ""
        facts = [
            f"- **Pooling**: {config['pooling']}{unit}.",
            f"- **Reads** {f'the first {length} tokens of a text' if length else 'all of a text'}.",
        ]
        return Card(f"# {model}: texts as vectors", "An encoder of texts,", facts, '.encode(["Your text."])')

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, at most `max_length`; truncation is reported."""
        ids, most = self.tokenizer.encode_batch(texts), self.max_length
        over = sum(len(row) > most for row in ids) if most is not None else 0
        if not over or most is None:
            return ids
        warnings.warn(
            f"{over:,} of {counted(len(ids), 'text')} are longer than {most:,} tokens; they are truncated",
            stacklevel=3,
        )
        return self.tokenizer.truncate(texts, ids, most)

    def vectors(
        self,
        model: nn.Module,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"],
        token_types: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B D"]:
        """Return the vectors of a batch, through which gradients flow. model: of this task, or what wraps it."""
        return self.pooled(model(ids, mask, token_types), mask)

    def pooled(self, hidden: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B D"]:
        """Return the vectors of texts from those of their tokens."""
        pooled = self._pool(hidden, mask)
        return F.normalize(pooled, dim=-1) if self.normalize else pooled

    def graph(self) -> nn.Module:
        """Return the encoder with its pooling as one module."""
        return SentenceVectors(self.model, self.pooled)

    def output_agreement(self, exact: Float[Tensor, "n D"], approximate: Float[Tensor, "n D"]) -> float:
        """Return the mean cosine of vectors with the exact ones; those of texts without tokens are left out."""
        some = exact.any(1)
        return F.cosine_similarity(exact[some], approximate[some]).mean().item()

    def encode(
        self, texts: str | Sequence[str], max_tokens: int = TOKENS_AT_ONCE, precision: str | None = None
    ) -> Float[np.ndarray, "*n D"]:
        """Return the vectors of texts as float32, in their order; of a single text its vector, [D].

        max_tokens: of a batch; texts of similar length go together, so there is little padding. precision: of matrix
        products on a CPU: float32, bfloat16, int8, or auto, which is bfloat16 where the processor has it and vectors of
        some of these texts stay the same to a cosine of 0.9999; None: that of `with_precision`, float32 by default.
        Raises UserError for anything but str and for another precision, NotFinite for broken weights.

        >>> import lingon
        >>> lingon.load("minilm-l6").encode(["A text.", "Another."]).shape  # doctest: +SKIP
        (2, 384)
        """
        if isinstance(texts, str):
            return self.encode([texts], max_tokens, precision)[0]
        found = self.encode_ids(self.token_ids(texts), max_tokens, precision)
        check_finite(torch.from_numpy(found), "the model gave vectors")
        return found

    @torch.inference_mode()
    def encode_ids(
        self, ids: Sequence[Sequence[int]], max_tokens: int = TOKENS_AT_ONCE, precision: str | None = None
    ) -> Float[np.ndarray, "n D"]:
        """Return what `encode` gives, of texts that `token_ids` has turned into ids."""
        inference = self.inference if precision is None else self.inference.at(precision)
        out = np.empty((len(ids), self.width), np.float32)
        if not len(ids):
            return out
        view, precision = inference.view(ids)
        batches = text_batches(ids, max_tokens=max_tokens, shuffle=False, pad=self.tokenizer.pad_id)
        with track(len(ids), "encoding", "text") as bar:
            for batch in batches:
                batch = batch.to(self.device)
                with autocast_for(precision):
                    hidden = view(batch.ids, batch.mask).float()
                out[batch.index.numpy()] = self.pooled(hidden, batch.mask).cpu().numpy()
                bar.advance(len(batch))
        return out

    def with_precision(self, precision: str) -> "Embedder":
        """Return this encoder as it predicts and evaluates in a precision: float32, bfloat16, int8 or auto.

        Raises UserError as `lingon.tasks.precision` says.
        """
        return in_precision(self, precision)

    def similarity(self, pairs: ScoredPairs) -> Float[np.ndarray, " n"]:
        """Return the cosine of each pair; each text is encoded once."""
        distinct = list(dict.fromkeys([*pairs.first, *pairs.second]))
        vectors, place = unit(self.encode(distinct)), {text: i for i, text in enumerate(distinct)}
        first, second = (vectors[[place[text] for text in side]] for side in (pairs.first, pairs.second))
        return np.einsum("nd,nd->n", first, second)

    def evaluate(self, examples: Any) -> Scores:
        """Return the metrics on examples, by their kind.

        `ScoredPairs`: the correlation of cosines with scores, Spearman's and Pearson's. `PositivePairs`: the mean of
        1 / rank of each positive among all, and how often it is first. `Examples`: how often the nearest other text
        has the same label. `Collection`: nDCG, MAP, MRR, recall and precision of the documents nearest to each query.
        """
        scoring = scoring_of(examples)
        return Scores(scoring.of(self.encode(scoring.texts)), scoring.main)

    @classmethod
    def prepare(cls, data: Any, settings: "Settings", context: "TrainContext") -> "Training":
        """Return an encoder that is ready to be trained on pairs; see `lingon.tasks.embed.prepare`."""
        from lingon.tasks.embed.prepare import prepare

        return prepare(data, settings, context)

    def predict(self, texts: Any) -> Any:
        """Return a text with its vector, or each of several."""
        return one_or_many(self._predict, texts)

    def _predict(self, texts: list[str]) -> list[Embedding]:
        return [Embedding(text, row) for text, row in zip(texts, self.encode(texts).tolist(), strict=True)]


def _vectors_by(pool: Pooling) -> Callable[[Any, Batch], Tensor]:
    return lambda model, batch: pool(model(batch.ids, batch.mask).float(), batch.mask)


TASK = Embedder
