"""Texts, or pairs of texts, as token ids, as a classifier reads them: `max_length` tokens, and what that leaves out."""

import inspect
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import nn

from lingon.core.errors import UserError
from lingon.data.id_rows import IdRow
from lingon.data.tokenizers import Tokenizer

PAIR_ALONE = "$A [SEP] $B"  # of a tokenizer without a template of its own


class Cut(NamedTuple):
    """What `max_length` leaves out: texts that are longer of all texts, and tokens beyond it of all tokens."""

    texts: int
    of_texts: int
    tokens: int
    of_tokens: int


class Encoded(NamedTuple):
    """Token ids of each text or pair, the type of each token where the model takes them, and what was left out."""

    ids: Sequence[IdRow]
    token_types: list[list[int]] | None
    cut: Cut


def encode_any(tokenizer: Tokenizer, inputs: Sequence[Any], max_length: int | None, pair: bool, types: bool) -> Encoded:
    """Encode texts, or pairs of them; see `encode` and `encode_pairs`. types: whether a pair has token types."""
    if not pair:
        return encode(tokenizer, inputs, max_length)
    found = encode_pairs(tokenizer, inputs, max_length)
    return found if types else found._replace(token_types=None)


def encode(tokenizer: Tokenizer, texts: Sequence[str], max_length: int | None) -> Encoded:
    """Encode texts. A long text is truncated; its special tokens are kept."""
    ids = tokenizer.encode_rows(texts)
    cut = _cut(ids, max_length)
    return Encoded(ids if max_length is None else tokenizer.truncate(texts, ids, max_length), None, cut)


def encode_pairs(tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], max_length: int | None) -> Encoded:
    """Encode pairs by the tokenizer's template. Of a long pair the longer text is cut."""
    rows = tokenizer.encode_pairs(pairs)
    cut = _cut([row.ids for row in rows], max_length)
    if cut.texts:
        rows = tokenizer.encode_pairs(pairs, max_length)
    return Encoded([row.ids for row in rows], [row.token_types for row in rows], cut)


def _cut(ids: Sequence[IdRow], max_length: int | None) -> Cut:
    over = [] if max_length is None else [len(row) - max_length for row in ids if len(row) > max_length]
    return Cut(len(over), len(ids), sum(over), sum(map(len, ids)))


def warn_of_cut(found: Encoded, max_length: int | None, stacklevel: int = 3) -> Encoded:
    """Return what was encoded; warn where texts are longer than what is read of them. stacklevel: of the caller."""
    if found.cut.texts:
        warnings.warn(
            f"some texts are longer than the {max_length:,} tokens that the model reads; they are truncated",
            stacklevel=stacklevel,
        )
    return found


def takes_token_types(model: nn.Module) -> bool:
    """Return whether a model takes token types, which say which text of a pair each token belongs to."""
    return "token_types" in inspect.signature(model.forward).parameters


def for_pairs(tokenizer: Tokenizer) -> Tokenizer:
    """Return a tokenizer that puts something between the texts of a pair: a [SEP] where it has no template."""
    if tokenizer.library.num_special_tokens_to_add(is_pair=True):
        return tokenizer
    return tokenizer.with_template("$A", PAIR_ALONE)


def as_input(given: Any, pair: bool) -> Any:
    """Return a text, or both of a pair, which may be one str with a tab between. Raises UserError for anything else."""
    if not pair:
        if not isinstance(given, str):
            raise UserError(f"a text is a str, not {type(given).__name__}: {str(given)[:40]!r}")
        return given
    both = given.split("\t") if isinstance(given, str) else given
    if not isinstance(both, tuple | list) or len(both) != 2 or not all(isinstance(text, str) for text in both):
        raise UserError(
            f"a pair is two texts, not {str(given)[:40]!r}; give (first, second), or a tab between the two in a line"
        )
    if not both[0].strip() or not both[1].strip():
        raise UserError(
            f"a pair is two texts, and the {'second' if both[0].strip() else 'first'} of {given!r} is empty"
        )
    return tuple(both)


def check_padding(model: nn.Module, tokenizer: Tokenizer) -> None:
    """Refuse a model that takes another token for padding: that token would have an embedding of zeros for good."""
    config = getattr(model, "config", None)
    held = config().get("padding_idx") if callable(config) else None
    wanted = -1 if tokenizer.padding_idx is None else tokenizer.padding_idx
    if held is not None and held != wanted:
        whose = "has no padding token" if wanted == -1 else f"has the id {wanted} for padding"
        raise UserError(
            f"padding_idx of the model is {held}, the tokenizer {whose}; give the model padding_idx={wanted}"
        )
