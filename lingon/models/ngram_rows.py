"""The n-gram model for other languages: words become row numbers outside the graph, by a rule that is written down."""

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
TRIED = 200  # words whose spelling is tried before the whole vocabulary is
RULE = """\
Numbers are unsigned, of 64 bits, and wrap around; >> fills with zeros.
mix(x): x = (x ^ (x >> 27)) * mix_1; x = (x ^ (x >> 33)) * mix_2; return x ^ (x >> 27).
The ids of a text are id[0], id[1], ...; at most max_length of them. Its rows are a set:
each id[i]; and for n = 2 .. order, for each i >= n - 1: vocab_size + (mix(h) & (buckets - 1)), where
h = 0, then for k = 0 .. n - 1: h = h * chain + mix(id[i - k] + 1).
With characters also, for each word of at most longest_word characters whose token is not in [ and ]:
vocab_size + (fnv1a(s) & (buckets - 1)) for each piece s of < + token + > of shortest to longest characters, where
fnv1a works on UTF-8 bytes with 32 bits from 2166136261: a byte over 127 has 0xFFFFFF00 added, value ^= byte,
value *= 16777619.
The graph wants each row once, in any order, in ids, padded with 0, and mask true where a row is."""


class RowSum(nn.Module):
    """What `NGrams` does once the rows of a text are known: b + sum of W_f over its rows f / sqrt(how many)."""

    def __init__(self, model: Any):
        super().__init__()
        self.table, self.bias = model.table, model.bias

    def forward(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B C"]:
        """Return the ids: rows, each once per text. mask: which of them are not padding."""
        weights = mask.to(self.table.dtype)
        total = torch.bmm(weights[:, None], nn.functional.embedding(ids, self.table)).squeeze(1)
        return total / weights.sum(1, keepdim=True).clamp(min=1).sqrt() + self.bias


def program(model: RowSum, ids: Expression, mask: Expression) -> Expression:
    """Return the logits as an expression of `lingon.program`."""
    from lingon import program as P
    from lingon.layers import expressions as E  # only what is exported waits for it

    weights = mask.astype("float32")
    total = P.sum(E.embedded(model.table, ids) * P.expand_dims(weights, -1), 1)
    return total / P.sqrt(P.maximum(E.lengths(weights), 1.0)) + E.constant(model.bias)


def rows_of(
    model: Any, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"]
) -> tuple[Int[Tensor, "B R"], Bool[Tensor, "B R"]]:
    """Return the rows of each text, rising, padded with 0; and which of them are rows. At least one column."""
    spelling = Spelling(model.spelling_starts, model.spelling_hashes) if model.characters else None
    flat, lengths = model._flat(ids, mask)
    keys = sorted_keys(flat, lengths, model.order, model.vocab_size, model.buckets, spelling)
    if len(ids) == 1 and len(keys):  # nothing to divide: what a program asks for that labels as texts come
        rows = keys.numpy(force=True)[None] >> TEXT_BITS  # NumPy: less of a start for so little
        return torch.from_numpy(rows), torch.from_numpy(np.ones(rows.shape, bool))
    sets = [(keys >> TEXT_BITS)[keys & LOW == text] for text in range(len(ids))]
    padded = nn.utils.rnn.pad_sequence([*sets, torch.zeros(1, dtype=torch.int64)], batch_first=True)[:-1]
    sizes = torch.tensor([len(s) for s in sets])
    return padded, torch.arange(padded.shape[1]) < sizes[:, None]


def rule_of(model: Any, tokens: list[str]) -> dict:
    """Return what another language must know to make the rows: numbers of the rule, and the rule in words.

    Raises UserError when the character n-grams of the model follow no lengths that a rule could name.
    """
    return {
        "order": model.order,
        "vocab_size": model.vocab_size,
        "buckets": model.buckets,
        "chain": str(CHAIN),  # as text: JavaScript rounds numbers of JSON to 53 bits
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
