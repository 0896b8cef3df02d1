"""The tokenizer: converts text to ids and back; every kind is saved as one `tokenizer.json`."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import tokenizers

from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write
from lingon.data.id_rows import IdRow, as_list
from lingon.data.tokenizers.graphemes import widen_to_graphemes
from lingon.data.tokenizers.id_check import check_has_embedding, warn_mostly_unknown
from lingon.data.tokenizers.long_text import PIECE, can_be_cut, text_pieces
from lingon.data.tokenizers.pairs import (
    PAIR,
    SINGLE,
    EncodedPair,
    PairToken,
    check_max_length,
    check_pair,
    encode_with_template,
    pair_tokens,
    with_template,
)
from lingon.data.tokenizers.panic_guard import call_guarded
from lingon.data.tokenizers.special_tokens import padding_id, special_token_replacements
from lingon.data.tokenizers.text_check import abbreviate, check_text, not_text
from lingon.data.tokenizers.tokenizer_file import read_tokenizer_file
from lingon.data.tokenizers.vocab import UNK, Vocab
from lingon.data.tokenizers.word_lookup import WordLookup

Ids = TypeVar("Ids", list[int], IdRow)
CHUNK = 2048  # texts encoded at once: the library's own results are ten times the size of the ids


class Tokenizer:
    """Turns texts into ids. `words`, `bpe` and the others in `lingon.data.tokenizers.train` make one.

    >>> from lingon.data.tokenizers import words
    >>> tokenizer = words(["A film. A good film!"])
    >>> tokenizer.tokens("Good film"), tokenizer.decode(tokenizer.encode("Good film"))
    (['good', 'film'], 'good film')
    """

    def __init__(self, library: tokenizers.Tokenizer, source: Path | str | None = None):
        # User input is text, even if it is spelt like a special token.
        library.encode_special_tokens = True
        self._pad = padding_id(library)
        library.no_padding()
        library.no_truncation()
        self.library, self._source = library, source or "the tokenizer"
        self._embeddings: int | None = None
        self._instead = self._call(special_token_replacements, library)
        self._lookup = WordLookup.of(library)
        self._cuttable = can_be_cut(library)

    @cached_property
    def vocab(self) -> Vocab:
        """Return the tokens in the order of their ids, only those with an embedding; see `for_vocab_size`."""
        ids = self.library.get_vocab(with_added_tokens=True)
        return Vocab(sorted(ids, key=ids.__getitem__)[: self._embeddings], unknown=UNK if UNK in ids else None)

    def for_vocab_size(self, rows: int, where: object) -> "Tokenizer":
        """Return the tokenizer for a model of `rows` embeddings; a text that needs a token beyond them is refused.

        Published checkpoints may list tokens that only a larger model of their family has, such as one for images.
        Raises DataError naming `where` if tokens of the base vocabulary are among those, not only added tokens.
        """
        size = self.library.get_vocab_size(with_added_tokens=True)
        added = self.library.get_added_tokens_decoder()
        if not all(i in added for i in range(rows, size)):
            raise DataError(f"{where}: the tokenizer has {size:,} tokens, the model was made for {rows:,}")
        found = Tokenizer(self.library, self._source)
        found._pad, found._embeddings = self._pad, rows if size > rows else None
        return found

    def encode(self, text: str) -> list[int]:
        """Encode a text as ids. Raises UserError for anything but a str, and for half a surrogate pair."""
        if not isinstance(text, str):
            raise not_text(text)
        if self._lookup is not None and text.isascii():
            ids = self._lookup.ids(text)
        else:
            ids = [i for _, encoding in self._encodings(text) for i in self._ids_of(encoding)]
        self._check([ids])
        return ids

    def encode_pair(self, first: str, second: str, max_length: int | None = None) -> EncodedPair:
        """Encode two texts as one row, with the special tokens of the tokenizer's template: see `encode_pairs`."""
        return self.encode_pairs([(first, second)], max_length)[0]

    def encode_pairs(self, pairs: Sequence[tuple[str, str]], max_length: int | None = None) -> list[EncodedPair]:
        """Encode pairs of texts, each as one row of ids and token types.

        max_length: maximum tokens of a row; the longer text is cut first. Input is treated as text, as in `encode`.
        A tokenizer without a template puts nothing between the texts: see `with_template`. Raises UserError for
        anything but pairs of str, and for a max_length that leaves no room beside the special tokens.
        """
        pairs = [check_pair(pair) for pair in pairs]
        check_max_length(max_length, "a pair", self.library.num_special_tokens_to_add(is_pair=True))
        out: list[EncodedPair] = []
        for start in range(0, len(pairs), CHUNK):
            found = self._call(
                lambda chunk: [*encode_with_template(self.library, chunk, max_length)], pairs[start : start + CHUNK]
            )
            out += [EncodedPair(self._ids_of(encoding), types) for encoding, types in found]
        self._check([row.ids for row in out])
        return out

    def with_template(self, single: str = SINGLE, pair: str = PAIR) -> "Tokenizer":
        """Return the same tokenizer with special tokens around texts and pairs, by default those of BERT.

        single, pair: `$A` and `$B` stand for the texts, `:1` is a token type; the rest are special tokens, which get
        the next ids if they are new. Raises UserError for a template that cannot be used.
        """
        return Tokenizer(with_template(self.library, single, pair), self._source)

    def without_special_tokens(self) -> "Tokenizer":
        """Return the same tokenizer without special tokens around texts, as needed for word vectors."""
        return self._bare

    @cached_property
    def _bare(self) -> "Tokenizer":
        content = json.loads(self.library.to_str())
        found = Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(content | {"post_processor": None})), self._source)
        found._embeddings = self._embeddings
        return found

    @property
    def padding_idx(self) -> int | None:
        """Return the id of the padding token, whose embedding is zero; None if the tokenizer has none."""
        return self._pad

    @property
    def pad_id(self) -> int:
        """Return the id that fills short rows of a batch; 0 without a padding token, since the mask excludes it."""
        return 0 if self._pad is None else self._pad

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Encode texts as ids, on all cores."""
        rows = [as_list(row) for row in self._encoded(texts)]
        self._check(rows)
        return rows

    def encode_rows(self, texts: Sequence[str]) -> list[IdRow]:
        """Encode texts like `encode_batch`, but return int32 arrays instead of lists where that is faster."""
        rows = self._encoded(texts)
        self._check(rows)
        return rows

    def _encoded(self, texts: Sequence[str]) -> list[IdRow]:
        if isinstance(texts, str | Mapping):
            raise UserError(f"encode_batch takes a list of texts, not a {type(texts).__name__}: {abbreviate(texts)}")
        out: list[IdRow] = []
        texts = list(texts)
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            for text in chunk:
                if not isinstance(text, str):  # the library would take a tuple for a pair of texts
                    raise not_text(text)
            out += self._rows(chunk)
        return out

    def truncate(self, texts: Sequence[str], rows: Sequence[Ids], max_length: int) -> list[Ids]:
        """Truncate rows of ids that `encode_batch` or `encode_rows` returned for these texts to `max_length` tokens.

        The text is cut before it gets the special tokens of the template, as in the `tokenizers` library: a row still
        ends in its [SEP]. Raises UserError for a max_length that leaves no room beside the special tokens.
        """
        special = self.library.num_special_tokens_to_add(is_pair=False)
        check_max_length(max_length, "a text", special)
        if not special:
            return [row[:max_length] for row in rows]
        long = (len(row) > max_length for row in rows)
        return [
            self._ids_of(self._truncated(text, max_length)) if cut else row
            for text, row, cut in zip(texts, rows, long, strict=True)
        ]

    def decode(self, ids: Iterable[int]) -> str:
        """Decode ids to text; padding is left out, and an unknown token of a word tokenizer is written as U+FFFD.

        `characters`, `bpe` and `unigram` are lossless: decode(encode(text)) == text. `words` and `wordpiece` give a
        normal form, the lower-case words with spaces between, which encodes to the same ids again.
        """
        if isinstance(ids, str | Mapping):
            raise UserError(f"decode takes a list of ids, not a {type(ids).__name__}: {abbreviate(ids)}")
        ids, size = [int(i) for i in ids], self.library.get_vocab_size()
        for i in ids:
            if not 0 <= i < size:
                raise UserError(f"id {i} is outside the vocabulary, whose ids are 0 to {size - 1}")
        return self._call(self.library.decode, [i for i in ids if i != self._pad], skip_special_tokens=False)

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text, as they are in the vocabulary."""
        if not self._instead:
            return [token for _, encoding in self._encodings(text) for token in encoding.tokens]
        name = self.library.id_to_token
        return [str(name(i)) for _, encoding in self._encodings(text) for i in self._ids_of(encoding)]

    def offsets(self, text: str, max_length: int | None = None) -> list[tuple[int, int]]:
        """Return for each token its offsets [start, end) in the text, in characters.

        Offsets include whole graphemes, a letter with its marks. Tokens of the same grapheme, such as the bytes of a
        rare one, have equal offsets. max_length: as in `truncate`.
        """
        if max_length is not None and self.library.num_special_tokens_to_add(is_pair=False):
            check_text(text)
            return widen_to_graphemes(text, self._truncated(text, max_length).offsets)
        found = ((at + a, at + b) for at, encoding in self._encodings(text) for a, b in encoding.offsets)
        return widen_to_graphemes(text, islice(found, max_length))

    def word_ids(self, text: str, max_length: int | None = None) -> list[int | None]:
        """Return for each token the index of the word that it is a piece of; None for special tokens.

        max_length: as in `truncate`.
        """
        if max_length is not None and self.library.num_special_tokens_to_add(is_pair=False):
            check_text(text)
            return self._truncated(text, max_length).word_ids
        found: list[int | None] = []
        for _, encoding in self._encodings(text):
            first = 1 + max((i for i in found if i is not None), default=-1)
            found += [None if i is None else first + i for i in encoding.word_ids]
        return found[:max_length]

    def pair_tokens(self, first: str, second: str, max_length: int | None = None) -> list[PairToken]:
        """Return for each token of the row of a pair (see `encode_pairs`) its text and its place in that text."""
        pair = check_pair((first, second))
        check_max_length(max_length, "a pair", self.library.num_special_tokens_to_add(is_pair=True))
        return self._call(pair_tokens, self.library, pair, max_length)

    def save(self, path: Path | str) -> None:
        """Write `tokenizer.json`, in the format of the `tokenizers` library of Hugging Face."""
        with atomic_write(Path(path)) as file:
            file.write(self.library.to_str(pretty=True) + "\n")

    @classmethod
    def load(cls, path: Path | str) -> "Tokenizer":
        """Load a `tokenizer.json`. Raises DataError naming the file if it is incomplete or invalid."""
        return read_tokenizer_file(Path(path), cls)

    def _call(self, function, *arguments, **more):
        return call_guarded(self._source, "it cannot do this", function, *arguments, **more)

    def _ids_of(self, encoding: tokenizers.Encoding) -> list[int]:
        """Return the ids of a text, in which no special token comes from the input."""
        if not self._instead:
            return encoding.ids
        pairs = zip(encoding.ids, encoding.special_tokens_mask, strict=True)
        found = [i if begins else self._instead.get(i, i) for i, begins in pairs]
        if None in found:
            name = self.library.id_to_token(encoding.ids[found.index(None)])
            raise DataError(f"{self._source}: a text holds {name!r}, which it takes for a special token; leave it out")
        return found

    def _rows(self, texts: list[str]) -> Sequence[IdRow]:
        return self._library_rows(texts) if self._lookup is None else self._lookup.rows(texts, self._library_rows)

    def _library_rows(self, texts: list[str]) -> list[list[int]]:
        divided = [[piece for _, piece in self._pieces(text)] if len(text) > PIECE else [text] for text in texts]
        try:
            found = self._call(self.library.encode_batch_fast, list(chain.from_iterable(divided)))
        except TypeError:
            for text in texts:
                check_text(text)
            raise
        rows = map(self._ids_of, found)
        return [next(rows) if len(d) == 1 else [*chain.from_iterable(islice(rows, len(d)))] for d in divided]

    def _truncated(self, text: str, max_length: int) -> tokenizers.Encoding:
        encoding = self._call(self.library.encode, text, add_special_tokens=False)
        encoding.truncate(max(0, max_length - self.library.num_special_tokens_to_add(is_pair=False)))
        return self._call(self.library.post_process, encoding, None, True)

    def _encodings(self, text: str) -> Iterator[tuple[int, tokenizers.Encoding]]:
        """Yield the start of each part of a text, and its encoding."""
        check_text(text)
        for start, piece in self._pieces(text):
            yield start, self._call(self.library.encode, piece)

    def _pieces(self, text: str) -> Iterator[tuple[int, str]]:
        return text_pieces(text) if self._cuttable else iter([(0, text)])

    def _check(self, rows: Sequence[IdRow]) -> None:
        check_has_embedding(self.library, rows, self._embeddings)
        warn_mostly_unknown(self.library, rows)
