"""The content most like another one in meaning: the cosine of the vectors that an encoder gives them.

Compared are those contents that share most words with the one that is asked for, so that a rewriter which was just
loaded does not encode all its sentences before its first answer. Li et al. 2018, section 3.2, name tf-idf and vectors
as the two ways.
"""

from collections.abc import Callable, Sequence

import numpy as np

from lingon.core.shapes import Float
from lingon.tasks.rewrite.similar_contents import SimilarContents

CANDIDATES = 200  # contents that are compared by their vectors

Encode = Callable[[list[str]], Float[np.ndarray, "n D"]]


class SimilarVectors:
    """Contents that can be searched. contents: the words of each. encode: gives texts vectors [n, D]."""

    def __init__(self, contents: Sequence[Sequence[str]], encode: Encode):
        self.contents, self.encode = contents, encode
        self.by_words = SimilarContents(contents)
        self._known: dict[int, Float[np.ndarray, " D"]] = {}

    def nearest(self, words: Sequence[str]) -> int:
        """Return the number of the most similar content; of equally similar ones the one that shares more words."""
        rows = np.argsort(-self.by_words.cosines(words), kind="stable")[:CANDIDATES].tolist()
        missing = [row for row in rows if row not in self._known]
        vectors = self._vectors([words, *(self.contents[row] for row in missing)])
        self._known.update(zip(missing, vectors[1:], strict=True))
        cosines = np.stack([self._known[row] for row in rows]) @ vectors[0]
        return rows[int(cosines.argmax())]

    def _vectors(self, contents: Sequence[Sequence[str]]) -> Float[np.ndarray, "n D"]:
        """Return the vectors of contents, each divided by its length."""
        found = np.asarray(self.encode([" ".join(words) for words in contents]), np.float64)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.where(lengths == 0, 1.0, lengths)
