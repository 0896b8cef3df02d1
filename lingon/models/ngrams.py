"""A linear classifier over the word and character n-grams of a text, weighted by tf-idf.

A table has a row of C weights for every word and every hashed n-gram. A text is a vector x with a value for each n-gram
f that occurs in it, normalized to length 1; its logits are linear in x:

    x_f = (1 + ln count_f) * idf_f / norm;    z = scale * (b + sum_f x_f W_f)

idf_f is computed on the training texts (Sparck Jones 1972), and 0 for an n-gram that none of them contains. Differences
from fastText (Joulin et al., "Bag of Tricks for Efficient Text Classification", 2017): there is no hidden layer, since
two successive linear maps are one; and it is trained to the optimum of a convex loss
(`lingon.engine.dual_coordinate_descent`), like a linear support vector machine (Joachims 1998), which works better for
few or unbalanced texts than a few epochs of gradient descent. `scale` calibrates scores, so that the softmax of the
logits gives probabilities.
"""

from collections.abc import Iterable
from typing import Annotated

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.hashing import Spelling, occurrences, sorted_keys, spell
from lingon.kernels.feature_keys import TEXT_BITS
from lingon.kernels.feature_sum import sum_rows
from lingon.kernels.sparse_features import by_text, count_rows, tfidf_values
from lingon.models.ngram_rows import COUNTS, RowSum, program, row_rule, rows_and_counts
from lingon.models.option_types import Classes, Range, VocabSize
from lingon.models.registry import ModelEntry, Preprocessing

MOST_ROWS = 2**31 - 1
MOST_BUCKETS, FEWEST_BUCKETS = 2**21, 2**14
LARGEST_TABLE = 2**25  # weights, 128 MB
FEW_WORDS = 1_500_000  # maximum words of training texts for which character n-grams improve accuracy
SHORTEST, LONGEST = 3, 5  # characters of those n-grams


def buckets_for(words: int, classes: int = 2) -> int:
    """Return the number of buckets for training texts with this number of words: a power of two, 4 or more per word.

    So there are few collisions for small data, for which character n-grams are used too. More than 2^21 buckets improve
    the accuracy on film reviews by .001 and double the file size; with many classes there are fewer buckets.

    >>> buckets_for(250_000), buckets_for(10**9), buckets_for(10**9, classes=77)
    (1048576, 2097152, 262144)
    """
    most = min(MOST_BUCKETS, 1 << (LARGEST_TABLE // classes).bit_length() - 1)
    return min(most, max(FEWEST_BUCKETS, 1 << max(1, 4 * words - 1).bit_length()))


class NGrams(nn.Module):
    """Logits from the n-grams of 1 to `order` words in a text, and with `read_characters` from those within words.

    buckets: rows for all n-grams of more than one word, and of characters; a power of two.
    characters: number of hashes in the spelling tables; set by `read_characters`.

    All weights are initialized to zero; `learn_idf` sets idf, which is 1 before. Train it with
    `lingon.engine.dual_coordinate_descent`, or by its gradient, which is sparse, with
    `lingon.engine.sparse_optimizer.row_adagrad`. Raises UserError for impossible sizes.
    """

    idf: Tensor
    scale: Tensor
    spelling_starts: Tensor
    spelling_hashes: Tensor

    def __init__(
        self,
        vocab_size: VocabSize,
        classes: Classes,
        order: Annotated[int, Range(1, 9)] = 2,
        buckets: Annotated[int, Range(1, 1 << 24)] = MOST_BUCKETS,
        characters: Annotated[int, Range(0, 1 << 26)] = 0,
    ):
        super().__init__()
        _check(vocab_size, classes, order, buckets, characters)
        self.vocab_size, self.classes, self.order, self.buckets = vocab_size, classes, order, buckets
        self.table = nn.Parameter(torch.zeros(vocab_size + buckets, classes))
        self.bias = nn.Parameter(torch.zeros(classes))
        self.register_buffer("idf", torch.ones(vocab_size + buckets))
        self.register_buffer("scale", torch.ones(()))
        self._keep(Spelling(torch.zeros(vocab_size + 1, dtype=torch.int64), torch.zeros(characters, dtype=torch.int64)))
        self.register_load_state_dict_post_hook(lambda model, _: model._check_spelling())

    @property
    def characters(self) -> int:
        return len(self.spelling_hashes)

    def config(self) -> dict[str, int]:
        """Return the options that make a model of this shape again."""
        names = ("vocab_size", "classes", "order", "buckets", "characters")
        return {name: getattr(self, name) for name in names}

    def read_characters(self, tokens: list[str], shortest: int = SHORTEST, longest: int = LONGEST) -> "NGrams":
        """Make the model read the character n-grams of words too. tokens: the vocabulary in the order of its ids."""
        if len(tokens) != self.vocab_size:
            raise UserError(f"{len(tokens):,} tokens for a model of {self.vocab_size:,}; give the whole vocabulary")
        self._keep(Spelling(*(part.to(self.bias.device) for part in spell(tokens, shortest, longest))))
        return self

    @torch.no_grad()
    def learn_idf(self, texts: Iterable[tuple[Tensor, Tensor]]) -> "NGrams":
        """Set idf to ln((1 + n) / (1 + n_f)) + 1 from n training texts, n_f of which have n-gram f; 0 if none has.

        texts: batches of ids and masks [B, T] of any sizes, each text once.
        """
        found, n = torch.zeros_like(self.idf), 0
        for ids, mask in texts:
            count_rows(self._keys(ids, mask)[0], found)
            n += len(ids)
        self.idf.copy_(torch.where(found > 0, ((1 + n) / (1 + found)).log() + 1, 0.0))
        return self

    @torch.no_grad()
    def learn_as(self, other: "NGrams") -> bool:
        """Copy the spelling and idf of a model of the same vocabulary and texts; return whether that was possible.

        It is not with other buckets, because n-grams then have other rows.
        """
        if (other.vocab_size, other.order, other.buckets) != (self.vocab_size, self.order, self.buckets):
            return False
        self._keep(Spelling(other.spelling_starts, other.spelling_hashes))
        self.idf.copy_(other.idf)
        return True

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B C"]:
        """Return the logits of each text. An empty text has those of the bias."""
        keys, counts = self._keys(ids, mask)
        return self.scale * (sum_rows(self.table, keys, self._values(keys, counts, len(ids)), len(ids)) + self.bias)

    @torch.no_grad()
    def features(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]
    ) -> tuple[Int[Tensor, " M"], Float[Tensor, " M"], Int[Tensor, " B+1"]]:
        """Return the table rows of all texts, their values x, and the start of each text."""
        keys, counts = self._keys(ids, mask)
        return by_text(keys, self._values(keys, counts, len(ids)), len(ids))

    @torch.no_grad()
    def contributions(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        """Return the contribution of each token to each logit; they sum to the logits minus those of an empty text.

        The weight of an n-gram is divided equally among its occurrences, and there among its words.
        """
        flat, lengths = self._flat(ids, mask)
        places, ends, widths = occurrences(flat, lengths, self.order, self.vocab_size, self.buckets, self._spelling())
        keys, which, counts = torch.unique(places, return_inverse=True, return_counts=True)
        values = self.scale * self._values(keys, counts, len(ids))
        weights = self.table[places >> TEXT_BITS] * ((values / counts)[which] / widths)[:, None]
        words = torch.zeros(len(flat), self.classes, dtype=weights.dtype, device=weights.device)
        for back in range(self.order):
            covered = widths > back
            words.index_add_(0, ends[covered] - back, weights[covered])
        out = torch.zeros(*ids.shape, self.classes, dtype=weights.dtype, device=weights.device)
        out[mask] = words
        return out

    def _flat(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the concatenated ids of all texts, and the number of ids of each."""
        if ids.device.type == "cpu":  # NumPy has less overhead for small arrays, without threads
            flat, lengths = torch.from_numpy(ids.numpy()[mask.numpy()]), torch.from_numpy(mask.numpy().sum(1))
        else:
            flat, lengths = ids[mask], mask.sum(1)
        if len(flat) and not 0 <= int(flat.min()) <= int(flat.max()) < self.vocab_size:
            found = f"{int(flat.min())} to {int(flat.max())}"
            raise UserError(f"token ids are {found}, but the model knows 0 to {self.vocab_size - 1}")
        return flat, lengths

    def _keys(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distinct n-grams of each text, as keys, and their counts."""
        return sorted_keys(*self._flat(ids, mask), self.order, self.vocab_size, self.buckets, self._spelling())

    def _values(self, keys: Tensor, counts: Tensor, texts: int) -> Tensor:
        """Return the value x_f of each n-gram."""
        return tfidf_values(keys, counts, self.idf, texts)

    def _spelling(self) -> Spelling | None:
        return Spelling(self.spelling_starts, self.spelling_hashes) if self.characters else None

    def _keep(self, spelling: Spelling) -> None:
        stored = len(spelling.hashes) > 0
        self.register_buffer("spelling_starts", spelling.starts, persistent=stored)
        self.register_buffer("spelling_hashes", spelling.hashes, persistent=stored)

    def _check_spelling(self) -> None:
        """Raise UserError for weights from a file that would make the compiled loop read out of bounds."""
        starts = self.spelling_starts
        if int(starts[0]) != 0 or int(starts[-1]) != self.characters or bool((starts.diff() < 0).any()):
            raise UserError("spelling_starts does not rise from 0 to the number of spelling_hashes; the file is broken")


def _check(vocab_size: int, classes: int, order: int, buckets: int, characters: int) -> None:
    least = {"vocab_size": (vocab_size, 1), "classes": (classes, 1), "order": (order, 1), "characters": (characters, 0)}
    for name, (value, smallest) in least.items():
        if value < smallest:
            raise UserError(f"{name} is {value}, it must be {smallest} or more")
    if order > 9:
        raise UserError(f"order is {order}, it must be 9 or less; n-grams of more words hardly ever come again")
    if buckets < 1 or buckets & (buckets - 1):
        raise UserError(f"buckets is {buckets}, it must be a power of two, such as {MOST_BUCKETS}")
    if vocab_size + buckets > MOST_ROWS:
        raise UserError(f"vocab_size + buckets is {vocab_size + buckets:,}, it must be {MOST_ROWS:,} or less")


def learn(model: NGrams, tokens: list[str], texts: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Set the idf of a fresh model from the training texts, and for few texts the spelling of words."""
    texts = list(texts)
    if sum(int(mask.count_nonzero()) for _, mask in texts) <= FEW_WORDS:
        model.read_characters(tokens, SHORTEST, LONGEST)
    model.learn_idf(texts)


# Chosen on validation texts of eight data sets; see docs/log.md for what was tried.
ENTRY = ModelEntry(
    NGrams,
    preprocessing=Preprocessing(RowSum, rows_and_counts, row_rule, COUNTS),
    program=program,
    defaults={
        "epochs": 300,  # maximum: training ends when the loss has reached its optimum
        "lr": 0.3,
        "metric": "loss",
        "max_tokens_per_batch": 262_144,
        "batch_size": 4096,
        "vocab": 200_000,
        "max_length": 2000,
    },
    optimizer="dual_coordinate_descent",
    by_optimizer={
        "row_adagrad": {"epochs": 2, "metric": "accuracy", "max_tokens_per_batch": 65_536, "batch_size": 64},
    },
    learn=learn,
    derive=lambda facts, options: {"buckets": buckets_for(facts.words, options["classes"])},
    autocast=False,
)
