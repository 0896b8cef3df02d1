"""CIDEr and CIDEr-D of captions (Vedantam et al. 2015): cosines of tf-idf vectors of n-grams."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lingon.core.counted import counted
from lingon.core.errors import UserError

__all__ = ["DocumentFrequencies", "caption_words", "cider", "cider_d", "document_frequencies"]

LONGEST = 4  # words of an n-gram; each length counts equally much
SIGMA = 6.0  # words: the width of the Gaussian by which CIDEr-D takes off for another length
SCALE = 10.0  # both scores are from 0 to 10, as the evaluation server of MS COCO writes them
WORD = re.compile(r"\w+(?:['’-]\w+)*")
Ngram = tuple[str, ...]
Words = Sequence[str]
Vector = Mapping[Ngram, float]


def caption_words(text: str) -> list[str]:
    """Return the words of a caption: in lower case, without punctuation, as captions are compared.

    No stems: the paper maps words to their stems first, the evaluation code of MS COCO, by which figures are published,
    does not, and stems are of English alone. Give stems in place of words to score as the paper does.

    >>> caption_words("A dog's ball, red.")
    ['a', "dog's", 'ball', 'red']
    """
    return WORD.findall(text.lower())


@dataclass(frozen=True)
class DocumentFrequencies:
    """In the references of how many images each n-gram stands, of `images` images."""

    counts: Mapping[Ngram, int]
    images: int

    def idf(self, ngram: Ngram) -> float:
        """Return log(images / images with it); of one that no reference has, as if one had it."""
        return math.log(self.images / max(1, self.counts.get(ngram, 0)))


def document_frequencies(references: Iterable[Sequence[Words]]) -> DocumentFrequencies:
    """Return the document frequencies of the n-grams of references: of each image its captions, as words."""
    counts: Counter[Ngram] = Counter()
    images = 0
    for captions in references:
        counts.update({ngram for words in captions for n in range(LONGEST) for ngram in _ngrams(words, n + 1)})
        images += 1
    return DocumentFrequencies(counts, images)


def cider(
    captions: Sequence[Words], references: Sequence[Sequence[Words]], frequencies: DocumentFrequencies | None = None
) -> list[float]:
    """Return the CIDEr of each caption, from 0 to 10; that of a corpus is their mean (equations 1 to 3).

    captions: words of one for each image. references: of each image the words of one caption or several. frequencies:
    of another corpus; those of `references` when not given. NaN where all is about one image: every idf is 0.
    Raises UserError for other numbers of images, and for an image without references.
    """
    return _scores(captions, references, frequencies, _cosine)


def cider_d(
    captions: Sequence[Words], references: Sequence[Sequence[Words]], frequencies: DocumentFrequencies | None = None
) -> list[float]:
    """Return the CIDEr-D of each caption, from 0 to 10: what is commonly published as CIDEr (equations 4 and 5).

    It cannot be gained by words that come more often than in a reference, whose counts are cut to those of the
    reference, nor by another length. One difference from the evaluation code of MS COCO: a length is one in words
    here, as in the paper, and in pairs of words there. Arguments and errors are those of `cider`.
    """
    return _scores(captions, references, frequencies, _clipped_cosine)


def _scores(captions, references, frequencies, similarity) -> list[float]:
    if len(captions) != len(references):
        raise UserError(
            f"{counted(len(captions), 'caption')} for the references of "
            f"{counted(len(references), 'image')}; each has one"
        )
    if not captions:
        raise UserError("there is no caption to score")
    if missing := [i for i, some in enumerate(references) if not some]:
        raise UserError(f"image {missing[0]} has no reference caption; leave it out")
    known = frequencies or document_frequencies(references)
    if known.images < 2:
        return [math.nan] * len(captions)
    return [
        SCALE * sum(_similarity(words, other, known, similarity) for other in some) / len(some)
        for words, some in zip(captions, references, strict=True)
    ]


def _similarity(words: Words, other: Words, known: DocumentFrequencies, similarity) -> float:
    """Return the mean over the lengths of n-grams of what two captions have in common."""
    found = 0.0
    for n in range(1, LONGEST + 1):
        ours, theirs = _tf_idf(words, n, known), _tf_idf(other, n, known)
        lengths = _norm(ours) * _norm(theirs)
        if lengths:
            found += similarity(ours, theirs, len(words) - len(other)) / lengths
    return found / LONGEST


def _cosine(ours: Vector, theirs: Vector, longer: int) -> float:
    return sum(value * theirs.get(ngram, 0.0) for ngram, value in ours.items())


def _clipped_cosine(ours: Vector, theirs: Vector, longer: int) -> float:
    shared = sum(min(value, theirs[ngram]) * theirs[ngram] for ngram, value in ours.items() if ngram in theirs)
    return shared * math.exp(-(longer**2) / (2 * SIGMA**2))


def _tf_idf(words: Words, n: int, known: DocumentFrequencies) -> dict[Ngram, float]:
    """Return the n-grams with their counts times idf; the cosine is the same for shares in place of counts.

    CIDEr-D compares counts themselves: in a longer caption a share would be cut only later.
    """
    return {ngram: count * known.idf(ngram) for ngram, count in Counter(_ngrams(words, n)).items()}


def _ngrams(words: Words, n: int) -> list[Ngram]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _norm(vector: Vector) -> float:
    return math.sqrt(sum(value**2 for value in vector.values()))
