"""The special tokens around and between the two texts of a pair, so that rows can be made from known ids."""

from collections.abc import Sequence
from typing import NamedTuple

import tokenizers
from tokenizers.processors import ByteLevel

from lingon.core.errors import DataError
from lingon.data.tokenizers.pairs import EncodedPair

USUAL = ("a", "e", "the")  # texts that most tokenizers encode as one token


class PairTemplate(NamedTuple):
    """Special tokens before, between and after two texts, with their token types, and the types of the texts."""

    before: EncodedPair
    between: EncodedPair
    after: EncodedPair
    first_type: int
    second_type: int

    @property
    def special(self) -> int:
        """Return the number of special tokens in a row."""
        return len(self.before.ids) + len(self.between.ids) + len(self.after.ids)

    def row(self, first: Sequence[int], second: Sequence[int]) -> EncodedPair:
        """Return the row of two texts, given as ids without special tokens."""
        ids = [*self.before.ids, *first, *self.between.ids, *second, *self.after.ids]
        types = [
            *self.before.token_types,
            *[self.first_type] * len(first),
            *self.between.token_types,
            *[self.second_type] * len(second),
            *self.after.token_types,
        ]
        return EncodedPair(ids, types)

    def second_start(self, first: int) -> int:
        """Return where the second text starts in a row. first: number of tokens of the first text."""
        return len(self.before.ids) + first + len(self.between.ids)


def pair_template(library: tokenizers.Tokenizer) -> PairTemplate:
    """Return the template of a tokenizer's post-processor; without a post-processor there are no special tokens.

    If no template gives the token types, the second text has type 1, as in the library.
    """
    text = next((t for some in (lambda: USUAL, library.get_vocab) for t in some() if _tokens(library, t)), None)
    if text is None:
        raise DataError("the tokenizer makes tokens of no text")
    one, other = (_first_token(library, text) for _ in range(2))
    if library.post_processor is None or isinstance(library.post_processor, ByteLevel):
        nothing = EncodedPair([], [])
        return PairTemplate(nothing, nothing, nothing, 0, 1)
    both = library.post_process(one, other, add_special_tokens=True)
    texts = [i for i, special in enumerate(both.special_tokens_mask) if not special]
    if len(texts) != 2:
        raise DataError("the tokenizer's template for pairs does not have each of the two texts once")
    parts = [slice(0, texts[0]), slice(texts[0] + 1, texts[1]), slice(texts[1] + 1, None)]
    before, between, after = (EncodedPair(both.ids[part], both.type_ids[part]) for part in parts)
    return PairTemplate(before, between, after, *(both.type_ids[i] for i in texts))


def _tokens(library: tokenizers.Tokenizer, text: str) -> int:
    return len(library.encode(text, add_special_tokens=False))


def _first_token(library: tokenizers.Tokenizer, text: str) -> tokenizers.Encoding:
    encoding = library.encode(text, add_special_tokens=False)
    encoding.truncate(1)
    return encoding
