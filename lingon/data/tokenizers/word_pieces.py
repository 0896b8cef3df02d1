"""Encodes sentences of words as token ids, with the first piece of each word, and windows over long sentences."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import tokenizers

from lingon.core.errors import UserError
from lingon.data.tokenizers.panic_guard import call_guarded
from lingon.data.tokenizers.special_tokens import unknown_id
from lingon.data.tokenizers.text_check import abbreviate
from lingon.data.tokenizers.tokenizer import Tokenizer

SHARED = 4  # consecutive windows share 1/SHARED of their tokens


class WordPieces(NamedTuple):
    """Token ids of each sentence, and for each of its words the index of its first piece.

    A sentence that is too long for the encoder is several windows, concatenated in its row of ids; all but the last
    have exactly `max_length` tokens. Windows overlap; a word's index is in the window with more context around it.
    """

    ids: list[list[int]]
    first: list[list[int]]


def word_pieces(tokenizer: Tokenizer, sentences: Sequence[Sequence[str]], max_length: int | None = None) -> WordPieces:
    """Encode sentences of words, each word by itself, as `is_split_into_words` of transformers does.

    Every word has a piece: the unknown token if the tokenizer drops all of it. For a tokenizer that marks the space
    before a word (byte-level BPE), there is a space before every word. max_length: tokens of a window, the maximum of
    the model; None: any number. Raises UserError for a sentence that is a str, and for a max_length without room.

    >>> from lingon.data.tokenizers import wordpiece
    >>> tokenizer = wordpiece(["good film , good films"], 40)
    >>> found = word_pieces(tokenizer, [["Good", "films"], ["film"]])
    >>> [[tokenizer.vocab.token(i) for i in row] for row in found.ids], found.first
    ([['good', 'film', '##s'], ['film']], [[0, 1], [0]])
    """
    before, after = special_tokens_around(tokenizer)
    room = None if max_length is None else max_length - len(before) - len(after)
    if room is not None and room < 1:
        raise UserError(f"max_length is {max_length}, which leaves no room for a word beside the special tokens")
    pieces = _pieces_of_words(tokenizer, sentences, (before, after))
    out = WordPieces([], [])
    for words in sentences:
        rows = [pieces[word] for word in words]
        places = [*accumulate(map(len, rows), initial=0)][: len(rows)]
        flat = [*chain.from_iterable(rows)]
        if room is None or len(flat) <= room:
            out.ids.append([*before, *flat, *after])
            out.first.append([len(before) + place for place in places])
        else:
            stride = room - room // SHARED
            starts = range(0, len(flat) - room + stride, stride)
            out.ids.append([i for start in starts for i in (*before, *flat[start : start + room], *after)])
            out.first.append([_in_windows(place, room, len(starts), len(before), len(after)) for place in places])
    return out


def _in_windows(place: int, room: int, windows: int, before: int, after: int) -> int:
    """Return the index of a piece in the concatenated windows, in the window that shows most context around it."""
    shared = room // SHARED
    window = min(max(0, place - shared // 2) // (room - shared), windows - 1)
    return window * (before + room + after) + before + place - window * (room - shared)


def special_tokens_around(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Return the special tokens that a tokenizer puts before a text, and those that it puts after it."""
    encoding = call_guarded("the tokenizer", "it cannot encode a word", tokenizer.library.encode, "a")
    special = [*map(bool, encoding.special_tokens_mask)]
    start = special.index(False) if False in special else len(special)
    end = len(special) - (special[::-1].index(False) if False in special else 0)
    return encoding.ids[:start], encoding.ids[end:]


def marks_blanks(library: tokenizers.Tokenizer) -> bool:
    """Return whether a word is split differently after a space, which the library does not add by itself."""
    return _divided(library, "a b") != _divided(library, "a") + _divided(library, "b")


def _divided(library: tokenizers.Tokenizer, text: str) -> str:
    if library.normalizer is not None:
        text = library.normalizer.normalize_str(text)
    if library.pre_tokenizer is None:
        return text
    return "".join(part for part, _ in library.pre_tokenizer.pre_tokenize_str(text))


def _pieces_of_words(
    tokenizer: Tokenizer, sentences: Sequence[Sequence[str]], around: tuple[list[int], list[int]]
) -> dict[str, list[int]]:
    """Return the pieces of each distinct word, one or more."""
    words = [*dict.fromkeys(_words_of(sentences))]
    blank = " " if call_guarded("the tokenizer", "it cannot divide a text", marks_blanks, tokenizer.library) else ""
    before, after = around
    # For a word that the tokenizer drops: the unknown token, or another one for tokenizers that have none.
    nothing = [i for i in (unknown_id(tokenizer.library), *before, *after, tokenizer.pad_id) if i is not None][:1]
    rows = tokenizer.encode_batch([blank + word for word in words])
    own = (row[len(before) : len(row) - len(after)] for row in rows)
    return {word: ids or nothing for word, ids in zip(words, own, strict=True)}


def _words_of(sentences: Sequence[Sequence[str]]) -> Iterator[str]:
    for words in sentences:
        if isinstance(words, str):
            raise UserError(f"a sentence is a list of words, not a text: {abbreviate(words)}; divide it first")
        for word in words:
            if not isinstance(word, str):
                raise UserError(f"a word is a str, not a {type(word).__name__}: {abbreviate(word)}")
            yield word
