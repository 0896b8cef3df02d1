"""Splits plain ASCII text into words without the library: the same words, in a fraction of the time.

The library tracks every character through each step to know offsets. To get only ids of English text this is not
needed: a few texts are split by `re`, whole corpora by a compiled loop, and in a text with a few other characters only
the words around those go to the library. A test checks on thousands of texts that all give equal results.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}"  # scripts that put no spaces between words
LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}]&&[^{SPACELESS}]]"
SHORT = r"(?i:n't)(?!\p{L})"
# Alternatives for a word, in order. English contractions are split as in the Penn Treebank and GloVe: do n't, film 's.
WORD = "|".join(
    [
        r"\p{N}+(?:[.,]\p{N}+)+",  # a number with its points and commas
        rf"{LETTER}++(?!'[tT])",  # nearly every word; the rest of the list is for the few others
        rf"{SHORT}|(?i:'(?:s|re|ve|ll|d|m))(?!\p{{L}})",
        rf"(?:(?!{SHORT}){LETTER})+",  # a word up to its n't
        rf"[{SPACELESS}]\p{{M}}*",
        r"\S(?:[\p{M}\x{1F3FB}-\x{1F3FF}]|\x{200D}\S)*",  # any other sign; an emoji with all its parts
    ]
)
# The same list for ASCII, where there are no marks, no other scripts and no emoji.
ASCII_WORD = (
    WORD.split("|" + rf"[{SPACELESS}]")[0]
    .replace(LETTER, "[A-Za-z0-9]")
    .replace(r"\p{N}", "[0-9]")
    .replace(r"\p{L}", "[A-Za-z]")
    + r"|\S"
)
AT_ONCE = 8192  # texts counted in one call, so that a large corpus is never in memory twice
find_words = re.compile(ASCII_WORD, re.ASCII).findall


def set_word_splitting(library: Tokenizer, lowercase: bool) -> None:
    """Set the steps of a library tokenizer that split text into words: normalisation, then WORD."""
    lower = [normalizers.Lowercase()] if lowercase else []
    library.normalizer = normalizers.Sequence([*lower, normalizers.NFC(), normalizers.Replace("’", "'")])
    library.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)


def word_lowercase(library: Tokenizer) -> bool | None:
    """Return whether a tokenizer that splits words as above lowercases; None for any other tokenizer."""
    if not isinstance(library.model, models.WordLevel) or None in (library.normalizer, library.pre_tokenizer):
        return None
    if library.post_processor is not None or library.get_added_tokens_decoder():
        return None
    if library.token_to_id(library.model.unk_token) is None:
        return None
    for lowercase in (True, False):
        like = Tokenizer(models.WordLevel({}, unk_token=""))
        set_word_splitting(like, lowercase)
        if _steps(like) == _steps(library):
            return lowercase
    return None


def _steps(library: Tokenizer) -> tuple[bytes, bytes]:
    return library.normalizer.__getstate__(), library.pre_tokenizer.__getstate__()


def split_words(text: str, lowercase: bool) -> list[str]:
    """Split an ASCII text into words.

    >>> split_words("Don't pay $3.50!", lowercase=True)
    ['do', "n't", 'pay', '$', '3.50', '!']
    """
    return find_words(text.lower() if lowercase else text)


def count_words(texts: Sequence[str], library: Tokenizer, lowercase: bool) -> Counter:
    """Count how often each word occurs in texts."""
    from lingon.data.tokenizers.word_scanner import count_ascii  # only whoever trains waits for the compiler

    counts: Counter = Counter()
    for start in range(0, len(texts), AT_ONCE):
        pieces = [run for text in texts[start : start + AT_ONCE] for run in ascii_runs(text)]
        counts.update(count_ascii([run for run in pieces if run.isascii()], lowercase))
        for run in pieces:
            if not run.isascii():
                normal = library.normalizer.normalize_str(run)
                counts.update([word for word, _ in library.pre_tokenizer.pre_tokenize_str(normal)])
    return counts


def ascii_runs(text: str) -> list[str]:
    """Split a text at spaces, which no word crosses, into runs of ASCII and runs of words with other characters.

    >>> ascii_runs("the café is open")
    ['the', 'café', 'is open']
    """
    if text.isascii():
        return [text]
    return [" ".join(words) for _, words in groupby(text.split(" "), str.isascii)]
