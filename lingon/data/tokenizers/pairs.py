"""Pairs of texts as one row of ids: special tokens around them, token types that tell them apart, truncation."""

from collections.abc import Sequence
from typing import NamedTuple

import tokenizers
from tokenizers.processors import ByteLevel, TemplateProcessing

from lingon.core.errors import UserError
from lingon.data.tokenizers.graphemes import widen_to_graphemes
from lingon.data.tokenizers.text_check import abbreviate, check_text

SINGLE, PAIR = "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"


class EncodedPair(NamedTuple):
    """Two texts as one row: ids [T], and the token types [T] of BERT: 0 or 1."""

    ids: list[int]
    token_types: list[int]


def with_template(library: tokenizers.Tokenizer, single: str, pair: str) -> tokenizers.Tokenizer:
    """Return a copy of a tokenizer that puts special tokens around texts and pairs; missing ones are added to it.

    single, pair: such as SINGLE and PAIR: $A and $B are the texts, `:1` the token type, anything else a special token.
    Raises UserError for a template without the text, or that the library does not understand.
    """
    for template, wanted in ((single, ["$A"]), (pair, ["$A", "$B"])):
        parts = [piece.partition(":")[0] for piece in template.split()]
        if lacking := [text for text in wanted if text not in parts]:
            raise UserError(f"the template {template!r} has no {lacking[0]}; write it as in {PAIR!r}")
    names = [piece.partition(":")[0] for piece in f"{single} {pair}".split()]
    names = [*dict.fromkeys(name for name in names if not name.startswith("$"))]
    copy = tokenizers.Tokenizer.from_str(library.to_str())
    copy.add_special_tokens(names)
    ids = [(name, found) for name in names if (found := copy.token_to_id(name)) is not None]
    try:
        copy.post_processor = TemplateProcessing(single=single, pair=pair, special_tokens=ids)
    except ValueError as error:
        raise UserError(
            f"the templates {single!r} and {pair!r} cannot be used ({error}); write them as in {PAIR!r}"
        ) from None
    return copy


def encode_with_template(
    library: tokenizers.Tokenizer, pairs: Sequence[tuple[str, str]], max_length: int | None
) -> list[tuple[tokenizers.Encoding, list[int]]]:
    """Encode pairs with the special tokens of the tokenizer's post-processor; return each with its token types.

    Pairs that are too long are cut. If no template gives the types, the second text has type 1, as in the library.
    """
    plain = library.post_processor is None or isinstance(library.post_processor, ByteLevel)
    texts = library.encode_batch([text for pair in pairs for text in pair], add_special_tokens=False)
    room = None if max_length is None else max_length - library.num_special_tokens_to_add(is_pair=True)
    rows = []
    for first, second in zip(texts[::2], texts[1::2], strict=True):
        for encoding, length in zip((first, second), longest_first(len(first), len(second), room), strict=True):
            if length < len(encoding):
                encoding.truncate(length)
        both = library.post_process(first, second, add_special_tokens=True)
        rows.append((both, [0] * len(first) + [1] * len(second) if plain else both.type_ids))
    return rows


class PairToken(NamedTuple):
    """Token of a row of two texts. side: 0 for the first text, 1 for the second, None for a special token.

    word: index of its word in that text. start, end: its characters there.
    """

    side: int | None
    word: int | None
    start: int
    end: int


def longest_first(first: int, second: int, room: int | None) -> tuple[int, int]:
    """Return lengths of two texts that together fit into `room` tokens: the longer one is cut first, then both alike.

    An odd token goes to the longer text, or to the second if both are equally long, as in Hugging Face.

    >>> longest_first(7, 3, 8), longest_first(7, 5, 7)
    ((5, 3), (4, 3))
    """
    if room is None or first + second <= room:
        return first, second
    short = min(first, second, room // 2)
    return (room - short, short) if first > second else (short, room - short)


def check_max_length(max_length: int | None, what: str, special: int) -> None:
    """Raise UserError for a length into which the special tokens do not fit. what: in messages, such as a pair."""
    if max_length is not None and max_length < max(special, 1):
        raise UserError(f"max_length is {max_length}, {what} has {special} special tokens; give {special + 2} or more")


def check_pair(value: object) -> tuple[str, str]:
    """Return a pair of texts. Raises UserError for anything else."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise UserError(f"a pair is two texts, not {abbreviate(value)}")
    for text in value:
        check_text(text)
    return value[0], value[1]


def pair_tokens(library: tokenizers.Tokenizer, pair: tuple[str, str], max_length: int | None = None) -> list[PairToken]:
    """Return the text and position that each token of the row of a pair comes from."""
    ((row, _),) = encode_with_template(library, [pair], max_length)
    texts = library.encode_batch(list(pair), add_special_tokens=False)
    room = len(row) - library.num_special_tokens_to_add(is_pair=True)
    lengths = longest_first(len(texts[0]), len(texts[1]), room)
    inside: list[PairToken] = []
    for side, (text, encoding, length) in enumerate(zip(pair, texts, lengths, strict=True)):
        places = widen_to_graphemes(text, encoding.offsets[:length])
        inside += [PairToken(side, w, *place) for w, place in zip(encoding.word_ids[:length], places, strict=True)]
    rest = iter(inside)
    return [PairToken(None, None, 0, 0) if special else next(rest) for special in row.special_tokens_mask]
