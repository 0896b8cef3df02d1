"""CIDEr and CIDEr-D of captions (Vedantam et al. 2015): cosines of tf-idf vectors of n-grams."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lingon.core.counted import counted
from lingon.core.errors import UserError

__all__ = ["DocumentFrequencies", "caption_words", "cider", "cider_d", "document_frequencies"]

LONGEST = 4  # maximum words of an n-gram; all lengths have equal weight
SIGMA = 6.0  # words: standard deviation of the Gaussian length penalty of CIDEr-D
SCALE = 10.0  # both scores are from 0 to 10, as on the evaluation server of MS COCO
WORD = re.compile(r"\w+(?:['’-]\w+)*")
Ngram = tuple[str, ...]
Words = Sequence[str]
Vector = Mapping[Ngram, float]


def caption_words(text: str) -> list[str]:
    """Return the words of a caption, as they are compared: in lower case, without punctuation.

    Words are not stemmed: the paper stems them, but the evaluation code of MS COCO, used for published scores, does
    not, and stemming is for English only. Pass stems in place of words to score as in the paper.

    >>> caption_words("A dog's ball, red.")
    ['a', "dog's", 'ball', 'red']
    """
    return WORD.findall(text.lower())


@dataclass(frozen=True)
class DocumentFrequencies:
    """The number of images, of `images` in total, whose references contain each n-gram."""

    counts: Mapping[Ngram, int]
    images: int

    def idf(self, ngram: Ngram) -> float:
        """Return log(images / images with the n-gram); an n-gram in no reference counts as in one."""
        return math.log(self.images / max(1, self.counts.get(ngram, 0)))


def document_frequencies(references: Iterable[Sequence[Words]]) -> DocumentFrequencies:
    """Return the document frequencies of n-grams. references: the captions of each image, as words."""
    counts: Counter[Ngram] = Counter()
    images = 0
    for captions in references:
        counts.update({ngram for words in captions for n in range(LONGEST) for ngram in _ngrams(words, n + 1)})
        images += 1
    return DocumentFrequencies(counts, images)


def cider(
    captions: Sequence[Words], references: Sequence[Sequence[Words]], frequencies: DocumentFrequencies | None = None
) -> list[float]:
    """Return the CIDEr of each caption, from 0 to 10; the score of a corpus is the mean (equations 1 to 3).

    captions: the words of one caption for each image. references: the words of one or more captions for each image.
    frequencies: document frequencies, by default those of `references`. NaN if there is only one image, because every
    idf is then 0. Raises UserError if the numbers of images differ, and for an image without references.
    """
    return _scores(captions, references, frequencies, _cosine)


def cider_d(
    captions: Sequence[Words], references: Sequence[Sequence[Words]], frequencies: DocumentFrequencies | None = None
) -> list[float]:
    """Return the CIDEr-D of each caption, from 0 to 10: what is commonly published as CIDEr (equations 4 and 5).

    Counts of n-grams are clipped to those of the reference, and captions of another length are penalised, so that
    repeating words does not raise the score. One difference from the evaluation code of MS COCO: lengths are counted in
    words here, as in the paper, and in pairs of words there. Arguments and errors are those of `cider`.
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
    """Return the similarity of two captions, averaged over the lengths of n-grams."""
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
    """Return the n-grams with count * idf; relative frequencies in place of counts would give the same cosine.

    CIDEr-D clips counts: in a longer caption, relative frequencies would be clipped less.
    """
    return {ngram: count * known.idf(ngram) for ngram, count in Counter(_ngrams(words, n)).items()}


def _ngrams(words: Words, n: int) -> list[Ngram]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _norm(vector: Vector) -> float:
    return math.sqrt(sum(value**2 for value in vector.values()))
