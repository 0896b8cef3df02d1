"""The n-gram model for export: words are mapped to row numbers outside the graph, by a documented rule."""

from typing import Any

import numpy as np
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.hashing import CHAIN, MIX_1, MIX_2, Spelling, sorted_keys, spell
from lingon.kernels.feature_keys import LOW, TEXT_BITS
from lingon.models.registry import Expression

LONGEST_WORD = 60  # characters; longer words have no character n-grams (see lingon.data.hashing.spell)
LENGTHS = [(shortest, longest) for shortest in range(1, 9) for longest in range(shortest, 13)]
TRIED = 200  # words whose spelling is checked before that of the whole vocabulary
RULE = """\
Numbers are unsigned, of 64 bits, and wrap around; >> fills with zeros.
mix(x): x = (x ^ (x >> 27)) * mix_1; x = (x ^ (x >> 33)) * mix_2; return x ^ (x >> 27).
The ids of a text are id[0], id[1], ...; at most max_length of them. Each of these adds 1 to the count of a row:
each i, to id[i];
each n = 2 .. order and i >= n - 1, to vocab_size + (mix(h) & (buckets - 1)), where
h = 0, then for k = 0 .. n - 1: h = h * chain + mix(id[i - k] + 1);
and with characters, each i and each number v that fnv1a gives for a piece of its word, to
vocab_size + (v & (buckets - 1)). A v that several pieces of a word give adds 1 for that word;
different v with the same row add 1 each. The pieces of a word are those of < + token + > of shortest to longest
characters; a token of more than longest_word characters has none, nor has [ + one character or more + ].
fnv1a works on UTF-8 bytes with 32 bits from 2166136261: a byte over 127 has 0xFFFFFF00 added, value ^= byte,
value *= 16777619.
The graph wants each row once, in any order, in ids, padded with 0, and its count in mask, padded with 0."""
COUNTS = {"type": "float32", "padding": 0, "holds": "how often each row stands in the text"}
TINY = torch.finfo(torch.float32).tiny


class RowSum(nn.Module):
    """The part of `NGrams` after the rows of a text and their counts are known; see its file for the formula."""

    idf: Tensor
    scale: Tensor

    def __init__(self, model: Any):
        super().__init__()
        self.table, self.bias = model.table, model.bias
        self.register_buffer("idf", model.idf[:, None])
        self.register_buffer("scale", model.scale)

    def forward(self, ids: Int[Tensor, "B R"], mask: Float[Tensor, "B R"]) -> Float[Tensor, "B C"]:
        """Return the logits. ids: distinct rows of each text. mask: the count of each, 0 for padding."""
        frequency = mask.clamp(min=1).log() + mask.clamp(max=1)  # 1 + ln count, and 0 where the count is 0
        values = frequency[..., None] * nn.functional.embedding(ids, self.idf)
        norm = values.square().sum(1).clamp(min=TINY).sqrt()  # [B, 1]
        total = torch.bmm(values.mT, nn.functional.embedding(ids, self.table)).squeeze(1)
        return self.scale * (total / norm + self.bias)


def program(model: RowSum, ids: Expression, mask: Expression) -> Expression:
    """Return the logits as an expression of `lingon.program`."""
    from lingon import program as P
    from lingon.layers import expressions as E  # imported only for export

    frequency = P.log(P.maximum(mask, 1.0)) + P.minimum(mask, 1.0)
    values = P.expand_dims(frequency, -1) * E.embedded(model.idf, ids)
    norm = P.sqrt(P.maximum(P.sum(P.square(values), 1), TINY))
    total = P.sum(E.embedded(model.table, ids) * values, 1)
    return E.tensor_constant(model.scale) * (total / norm + E.tensor_constant(model.bias))


def rows_and_counts(
    model: Any, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]
) -> tuple[Int[Tensor, "B R"], Float[Tensor, "B R"]]:
    """Return the rows of each text, ascending, and their counts; padded with 0, with at least one column."""
    spelling = Spelling(model.spelling_starts, model.spelling_hashes) if model.characters else None
    flat, lengths = model._flat(ids, mask)
    keys, counts = sorted_keys(flat, lengths, model.order, model.vocab_size, model.buckets, spelling)
    if len(ids) == 1 and len(keys):  # a single text, as in a program that classifies texts one by one
        rows = keys.numpy(force=True)[None] >> TEXT_BITS  # NumPy has less overhead for small arrays
        return torch.from_numpy(rows), torch.from_numpy(counts.numpy(force=True)[None].astype(np.float32))
    own = [keys & LOW == text for text in range(len(ids))]
    return _padded(keys >> TEXT_BITS, own), _padded(counts.float(), own)


def _padded(numbers: Tensor, own: list[Tensor]) -> Tensor:
    """Return the numbers of each text as a padded row, with at least one column, as the graph requires."""
    return nn.utils.rnn.pad_sequence([*(numbers[at] for at in own), numbers.new_zeros(1)], batch_first=True)[:-1]


def row_rule(model: Any, tokens: list[str]) -> dict:
    """Return the rule for computing the rows in another language: its parameters, and a description.

    Raises UserError if the lengths of the model's character n-grams cannot be expressed by a rule.
    """
    return {
        "order": model.order,
        "vocab_size": model.vocab_size,
        "buckets": model.buckets,
        "chain": str(CHAIN),  # as text: JavaScript rounds JSON numbers to 53 bits
        "mix_1": str(MIX_1),
        "mix_2": str(MIX_2),
        "characters": _characters(model, tokens),
        "rule": RULE.splitlines(),
    }


def _characters(model: Any, tokens: list[str]) -> dict | None:
    if not model.characters:
        return None
    starts, hashes = model.spelling_starts, model.spelling_hashes
    for shortest, longest in LENGTHS:
        few = spell(tokens[:TRIED], shortest, longest)
        if torch.equal(few.starts, starts[: len(few.starts)]) and torch.equal(few.hashes, hashes[: len(few.hashes)]):
            whole = spell(tokens, shortest, longest)
            if torch.equal(whole.starts, starts) and torch.equal(whole.hashes, hashes):
                return {"shortest": shortest, "longest": longest, "longest_word": LONGEST_WORD}
    raise UserError(
        "the character n-grams of this model are not those of its words in any lengths from 1 to 12, "
        "so no other language could find them; set them with read_characters(tokens, shortest, longest)"
    )
