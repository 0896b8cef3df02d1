"""The words that a tagger with vectors of words knows: those of its training sentences, and the first of a table."""

from collections.abc import Sequence

from tokenizers import normalizers

from lingon.core.errors import UserError
from lingon.data.tokenizers import Tokenizer
from lingon.tasks.training import TrainContext, WordTable

SPECIAL = 2  # [pad] and [unk]


def word_tokenizer(
    context: TrainContext, sentences: Sequence[Sequence[str]], most: int, table: WordTable | None
) -> Tokenizer:
    """Return a tokenizer that knows `most` words, in lower case: one token for each word of a sentence.

    The characters of words say which letters are capital. table: words with vectors, the most frequent first; they are
    known even where no training sentence has them.
    """
    known = context.tokenizer("spaces", lambda: _texts(sentences, most, table), most)
    known.library.normalizer = normalizers.Lowercase()
    return Tokenizer(known.library)


def _texts(sentences: Sequence[Sequence[str]], most: int, table: WordTable | None) -> list[str]:
    texts = [" ".join(words).lower() for words in sentences]
    if table is None:
        return texts
    own = {word for text in texts for word in text.split()}
    others = (word for word in table[0] if word not in own and word == word.lower() and not word.isspace())
    room = max(0, most - SPECIAL - len(own))
    return [*texts, *(word for word, _ in zip(others, range(room), strict=False))]


def read_table(context: TrainContext, source: str | None, width: int | None) -> WordTable | None:
    """Return the words and vectors that are named; None where none are. Raises UserError for another width."""
    if source is None:
        return None
    words, vectors = context.read_vectors(source, None)
    if width is not None and width != vectors.shape[1]:
        raise UserError(f"--width is {width}, the vectors of {source} have {vectors.shape[1]}; leave --width out")
    return words, vectors
