"""Trains tokenizers on texts: words, characters, BPE, WordPiece, Unigram.

| kind | tokens | decode(encode(text)) |
|---|---|---|
| words | words, numbers, punctuation marks | normal form |
| wordpiece | the same, rare words in pieces | normal form |
| spaces | whatever is between spaces | normal form |
| characters | characters, rare ones as bytes | the text |
| bpe | frequent runs of bytes, merged pair by pair | the text |
| unigram | runs of bytes that make the texts likeliest | the text |

In all of them [pad] is 0 and [unk] is 1, then come the tokens by frequency in the texts, then alphabetically.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Library

from lingon.core.errors import UserError
from lingon.data.tokenizers.ascii_words import count_words, set_word_splitting
from lingon.data.tokenizers.scripts import EAST, SOUTH_EAST, warn_unsegmented
from lingon.data.tokenizers.text_check import abbreviate, check_text
from lingon.data.tokenizers.tokenizer import CHUNK, Tokenizer
from lingon.data.tokenizers.vocab import SPECIALS, UNK, Vocab

LOST = "\ufffd"  # written for an unknown word; never in a vocabulary, so that it is unknown when encoded again
CONTROLS = re.compile(r"[\x1c-\x1f]")
SPACES = re.compile(r"(?:(?![\x1c-\x1f])\s)+")  # White_Space of Unicode
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def words(texts: Iterable[str], *, lowercase: bool = True, max_size: int | None = None, min_freq: int = 1) -> Tokenizer:
    """Train a tokenizer of words, numbers and punctuation marks; words outside the vocabulary are [unk].

    "Don't pay $3.50!" gives do n't pay $ 3.50 ! in lower case. Characters of Chinese and Japanese are tokens
    of their own. max_size: maximum number of tokens, including special ones. min_freq: rarer words are left out.
    """
    _check_sizes(max_size, min_freq)
    library = _by_words(models.WordLevel({}, unk_token=UNK), lowercase)
    texts = _read(texts)
    warn_unsegmented(texts, SOUTH_EAST)
    counts = count_words(texts, library, lowercase)
    counts.pop(LOST, None)
    return _with_order(library, list(Vocab.from_counts(counts, min_freq, max_size)))


def spaces(texts: Iterable[str], *, max_size: int | None = None, min_freq: int = 1) -> Tokenizer:
    """Train a tokenizer whose tokens are separated by white space, for texts that are tokenized already."""
    _check_sizes(max_size, min_freq)
    library = Library(models.WordLevel({}, unk_token=UNK))
    # A word that is spelt like a special token is split in two, so that it is treated as text.
    cut = pre_tokenizers.Split(Regex(r"^\[(?=(?:pad|unk)\]$)"), "isolated")
    library.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), cut])
    unknown = decoders.Replace(Regex(r"^\[unk\]$"), LOST)
    library.decoder = decoders.Sequence([unknown, decoders.WordPiece(" ", cleanup=False)])  # no word begins with " "
    counts: Counter[str] = Counter()
    texts = _read(texts)
    warn_unsegmented(texts, SOUTH_EAST | EAST)
    for text in texts:
        # Of these four controls, str.split alone says that they are white space; Unicode and the library do not.
        counts.update(SPACES.split(text) if CONTROLS.search(text) else text.split())
    for nothing in ("", LOST):
        counts.pop(nothing, None)
    for special in SPECIALS:
        for part in (special[0], special[1:]) if special in counts else ():
            counts[part] += counts[special]
    return _with_order(library, list(Vocab.from_counts(counts, min_freq, max_size)))


def characters(texts: Iterable[str], *, max_size: int | None = None, min_freq: int = 1) -> Tokenizer:
    """Train a tokenizer of characters (Unicode code points); one not in the vocabulary becomes its UTF-8 bytes.

    It is lossless. The vocabulary ends with the 256 bytes. max_size includes all of it.
    """
    _check_sizes(max_size, min_freq, least=len(BYTES))
    counts: Counter[str] = Counter()
    for text in _read(texts):
        counts.update(text)
    most = None if max_size is None else max_size - len(BYTES)
    tokens = [*Vocab.from_counts(counts, min_freq, most), *BYTES]
    ids = {token: i for i, token in enumerate(tokens)}
    library = Library(models.BPE(ids, [], byte_fallback=True, fuse_unk=False, cache_capacity=0))
    library.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_next")
    library.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return Tokenizer(library)


def bpe(texts: Iterable[str], size: int, *, min_freq: int = 2) -> Tokenizer:
    """Train a byte-level BPE tokenizer: the most frequent pairs of tokens are merged until there are `size` tokens.

    It is lossless. Source: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units",
    2016; on bytes as in Radford et al., "Language Models are Unsupervised Multitask Learners", 2019.
    """
    trainer = trainers.BpeTrainer(
        vocab_size=_pieces(size, len(BYTES)),
        min_frequency=min_freq,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return _train(_by_bytes(models.BPE()), trainer, _read(texts))


def wordpiece(texts: Iterable[str], size: int, *, lowercase: bool = True, min_freq: int = 2) -> Tokenizer:
    """Train a WordPiece tokenizer: rare words are split into pieces; pieces inside a word start with ##.

    A word with a character that was in no text, or of more than 100 characters, is [unk].
    Source: Schuster, Nakajima, "Japanese and Korean Voice Search", 2012; greedy as in BERT (Devlin et al., 2019).
    """
    texts = [text.replace(LOST, " ") for text in _read(texts)]
    warn_unsegmented(texts, SOUTH_EAST)
    library = _by_words(models.WordPiece({}, unk_token=UNK, max_input_chars_per_word=100), lowercase)
    trainer = trainers.WordPieceTrainer(vocab_size=_pieces(size, 1), min_frequency=min_freq, show_progress=False)
    return _train(library, trainer, texts)


def unigram(texts: Iterable[str], size: int) -> Tokenizer:
    """Train a Unigram tokenizer: pieces of bytes with probabilities; a text gets its most probable segmentation.

    It is lossless. Source: Kudo, "Subword Regularization", 2018; on bytes, so that nothing is unknown.
    """
    trainer = trainers.UnigramTrainer(
        vocab_size=_pieces(size, len(BYTES)),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return _train(_by_bytes(models.Unigram()), trainer, _read(texts))


def _by_words(model: models.Model, lowercase: bool) -> Library:
    library = Library(model)
    set_word_splitting(library, lowercase)
    # No word starts with ##, so this decoder puts spaces between words and none inside them.
    library.decoder = decoders.Sequence([decoders.Replace(UNK, LOST), decoders.WordPiece("##", cleanup=False)])
    return library


def _by_bytes(model: models.Model) -> Library:
    library = Library(model)
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    return library


def _train(library: Library, trainer: trainers.Trainer, texts: Sequence[str]) -> Tokenizer:
    """Train, then order the tokens by their frequency in the encoded texts."""
    library.train_from_iterator(texts, trainer, len(texts))
    if isinstance(library.model, models.Unigram):
        library = _settled(library)
    tokens = _by_id(library)
    counts = np.zeros(len(tokens), np.int64)
    for start in range(0, len(texts), CHUNK):
        for encoding in library.encode_batch_fast(texts[start : start + CHUNK]):
            counts += np.bincount(encoding.ids, minlength=len(tokens))
    frequency = dict(zip(tokens, counts.tolist(), strict=True))
    return _with_order(library, sorted(tokens, key=lambda token: (-frequency[token], token)))


def _settled(library: Library) -> Library:
    """Return a Unigram tokenizer with scores that are the same in every run.

    The library sums in any order, so that the last digits vary: they are cut off. The characters that it keeps only for
    completeness get the lowest score plus a multiple of 0.0001, in any order: here they get the lowest score.
    """
    content = json.loads(library.to_str())
    scores = dict(content["model"]["vocab"])
    lowest = min(scores.values())
    for token, score in scores.items():
        steps = (score - lowest) / 1e-4
        spare = len(token) == 1 and steps < len(BYTES) and abs(steps - round(steps)) < 1e-6
        scores[token] = round(lowest if spare else score, 4)
    content["model"]["vocab"] = sorted(scores.items())
    return Library.from_str(json.dumps(content))


def _by_id(library: Library) -> list[str]:
    ids = library.get_vocab()
    return sorted(ids, key=ids.__getitem__)


def _with_order(library: Library, tokens: Sequence[str]) -> Tokenizer:
    """Return the same tokenizer with the special tokens first, then these.

    The special tokens are entries of the vocabulary that no text can match, not "added tokens" of the library: those
    would be matched in texts, so that a user who types [pad] would get the id of padding.
    """
    content = json.loads(library.to_str())
    model, order = content["model"], [*SPECIALS, *(token for token in tokens if token not in SPECIALS)]
    if model["type"] == "Unigram":
        score = {**dict.fromkeys(SPECIALS, 0.0), **dict(model["vocab"])}
        model["vocab"], model["unk_id"] = [[token, score[token]] for token in order], order.index(UNK)
    else:
        model["vocab"] = {token: i for i, token in enumerate(order)}
    content["added_tokens"] = []
    return Tokenizer(Library.from_str(json.dumps(content)))


def _read(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str | Mapping):
        raise UserError(f"a tokenizer is trained on a list of texts, not a {type(texts).__name__}: {abbreviate(texts)}")
    texts = list(texts)
    for text in texts:
        check_text(text)
    if not any(texts):
        raise UserError("a tokenizer needs texts to train on; there are none, or all are empty")
    return texts


def _check_sizes(max_size: int | None, min_freq: int, least: int = 0) -> None:
    if min_freq < 1:
        raise UserError(f"min_freq is {min_freq}, it must be 1 or more")
    if max_size is not None:
        _pieces(max_size, least, "max_size")


def _pieces(size: int, least: int, name: str = "size") -> int:
    """Return how many tokens remain to be trained besides the special ones."""
    least += len(SPECIALS)
    if size < least:
        raise UserError(f"{name} is {size}, it must be {least} or more for this kind of tokenizer")
    return size - len(SPECIALS)
