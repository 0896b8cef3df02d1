"""A linear classifier over the set of word and character n-grams of a text.

One table holds a row of C numbers for every word and every hashed n-gram. The logits are a bias plus the sum of the
rows of the n-grams in the text, each counted once, divided by the square root of how many there are:

    z = b + sum_{f in F} W_f / sqrt(|F|)

How it differs from fastText (Joulin et al., "Bag of Tricks for Efficient Text Classification", 2017): no hidden
layer, since two linear maps in a row are one; presence instead of counts, which serves texts better (Wang and Manning,
"Baselines and Bigrams", 2012); the length of a text divides by its root, as unit length does in tf-idf.
"""

from typing import Annotated

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.hashing import Spelling, occurrences, set_sizes, sorted_keys, spell
from lingon.kernels.feature_keys import LOW, TEXT_BITS
from lingon.kernels.feature_sum import sum_rows
from lingon.models.ngram_rows import RowSum, program, rows_of, rule_of
from lingon.models.option_types import Classes, Range, VocabSize
from lingon.models.registry import ModelEntry, Preprocessing

MOST_ROWS = 2**31 - 1
MOST_BUCKETS, FEWEST_BUCKETS = 2**21, 2**14


def buckets_for(tokens: int) -> int:
    """Return the buckets for a training set of that many tokens: a power of two, half of the tokens or a little more.

    More than 2^21 gain film reviews .001 of accuracy and double the file.

    >>> buckets_for(636_000), buckets_for(10**9)
    (524288, 2097152)
    """
    return min(MOST_BUCKETS, max(FEWEST_BUCKETS, 1 << (max(1, tokens // 2) - 1).bit_length()))


class NGrams(nn.Module):
    """Logits from the n-grams of 1 to `order` words in a text, and with `read_characters` from those inside words.

    buckets: rows for all n-grams of more than one word, and of characters; a power of two.
    characters: how many hashes `spelling` holds; `read_characters` sets it.

    All weights start at zero. Train it with a sparse optimizer, such as `lingon.engine.sparse_optimizer.row_adagrad`.
    Raises UserError for impossible sizes.
    """

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
        self._keep(Spelling(torch.zeros(vocab_size + 1, dtype=torch.int64), torch.zeros(characters, dtype=torch.int64)))
        self.register_load_state_dict_post_hook(lambda model, _: model._check_spelling())

    @property
    def characters(self) -> int:
        return len(self.spelling_hashes)

    def config(self) -> dict[str, int]:
        """Return what it takes to make a model of this shape again."""
        names = ("vocab_size", "classes", "order", "buckets", "characters")
        return {name: getattr(self, name) for name in names}

    def read_characters(self, tokens: list[str], shortest: int = 3, longest: int = 6) -> "NGrams":
        """Make the model read the character n-grams of words too. tokens: the vocabulary in the order of its ids."""
        if len(tokens) != self.vocab_size:
            raise UserError(f"{len(tokens):,} tokens for a model of {self.vocab_size:,}; give the whole vocabulary")
        self._keep(Spelling(*(part.to(self.bias.device) for part in spell(tokens, shortest, longest))))
        return self

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B C"]:
        """Return the logits of each text. An empty text has the logits of the bias."""
        flat, lengths = self._flat(ids, mask)
        keys = sorted_keys(flat, lengths, self.order, self.vocab_size, self.buckets, self._spelling())
        return sum_rows(self.table, keys, self._scale(keys, len(ids))) + self.bias

    @torch.no_grad()
    def contributions(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        """Return what each token adds to each logit; over the tokens of a text they add up to its logits less the bias.

        The weight of an n-gram is shared equally by the places where it stands, and there by the words it covers.
        """
        flat, lengths = self._flat(ids, mask)
        keys, ends, widths = occurrences(flat, lengths, self.order, self.vocab_size, self.buckets, self._spelling())
        kinds, which, places = torch.unique(keys, return_inverse=True, return_counts=True)
        share = self._scale(kinds, len(ids))[keys & LOW] / (places[which] * widths)
        weights = self.table[keys >> TEXT_BITS] * share[:, None]
        words = torch.zeros(len(flat), self.classes, dtype=weights.dtype, device=weights.device)
        for back in range(self.order):
            covered = widths > back
            words.index_add_(0, ends[covered] - back, weights[covered])
        out = torch.zeros(*ids.shape, self.classes, dtype=weights.dtype, device=weights.device)
        out[mask] = words
        return out

    def _flat(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ids of all texts, one after the other, and how many each has."""
        if ids.device.type == "cpu":  # NumPy needs no thread for so little, and waits for none
            flat, lengths = torch.from_numpy(ids.numpy()[mask.numpy()]), torch.from_numpy(mask.numpy().sum(1))
        else:
            flat, lengths = ids[mask], mask.sum(1)
        if len(flat) and not 0 <= int(flat.min()) <= int(flat.max()) < self.vocab_size:
            found = f"{int(flat.min())} to {int(flat.max())}"
            raise UserError(f"token ids are {found}, but the model knows 0 to {self.vocab_size - 1}")
        return flat, lengths

    def _scale(self, keys: Tensor, texts: int) -> Tensor:
        """Return one over the root of the number of n-grams, for each text."""
        return set_sizes(keys, texts).clamp(min=1).to(self.table.dtype).rsqrt()

    def _spelling(self) -> Spelling | None:
        return Spelling(self.spelling_starts, self.spelling_hashes) if self.characters else None

    def _keep(self, spelling: Spelling) -> None:
        stored = len(spelling.hashes) > 0
        self.register_buffer("spelling_starts", spelling.starts, persistent=stored)
        self.register_buffer("spelling_hashes", spelling.hashes, persistent=stored)

    def _check_spelling(self) -> None:
        """Refuse weights from a file that would lead the compiled loop, which trusts them, out of its arrays."""
        starts = self.spelling_starts
        if int(starts[0]) != 0 or int(starts[-1]) != self.characters or bool((starts.diff() < 0).any()):
            raise UserError("spelling_starts does not rise from 0 to the number of spelling_hashes; the file is broken")


def _check(vocab_size: int, classes: int, order: int, buckets: int, characters: int) -> None:
    least = {"vocab_size": (vocab_size, 1), "classes": (classes, 2), "order": (order, 1), "characters": (characters, 0)}
    for name, (value, smallest) in least.items():
        if value < smallest:
            raise UserError(f"{name} is {value}, it must be {smallest} or more")
    if order > 9:
        raise UserError(f"order is {order}, it must be 9 or less; n-grams of more words hardly ever come again")
    if buckets < 1 or buckets & (buckets - 1):
        raise UserError(f"buckets is {buckets}, it must be a power of two, such as {MOST_BUCKETS}")
    if vocab_size + buckets > MOST_ROWS:
        raise UserError(f"vocab_size + buckets is {vocab_size + buckets:,}, it must be {MOST_ROWS:,} or less")


# Chosen on the validation texts of film reviews; docs/log.md says what was tried.
ENTRY = ModelEntry(
    NGrams,
    preprocessing=Preprocessing(RowSum, rows_of, rule_of),
    program=program,
    defaults={
        "epochs": 2,
        "lr": 0.3,
        "max_tokens_per_batch": 65_536,
        "batch_size": 64,
        "vocab": 200_000,
        "max_length": 2000,
    },
    small_data={"lr": 0.5},  # what has seen few texts gains from longer steps
    optimizer="row_adagrad",
    derive=lambda facts, options: {"buckets": buckets_for(facts.words)},
    autocast=False,
)
