"""The content most like another one: the cosine of their words, weighted by tf-idf.

    weight of word t = tf * (ln((1 + N) / (1 + df_t)) + 1)

These are the weights of scikit-learn's `TfidfVectorizer` (Sparck Jones 1972, smoothed). Li et al. 2018, section 3.2,
retrieve by tf-idf or by vectors of the contents; in their experiments both did alike.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np


class SimilarContents:
    """Contents that can be searched. contents: the words of each."""

    def __init__(self, contents: Sequence[Sequence[str]]):
        self.count = len(contents)
        found = [Counter(words) for words in contents]
        holding = Counter(word for words in found for word in words)
        self.idf = {word: float(np.log((1 + self.count) / (1 + df)) + 1) for word, df in holding.items()}
        postings: dict[str, list[tuple[int, float]]] = {word: [] for word in holding}
        for row, words in enumerate(found):
            length = self._length(words)
            for word, times in words.items():
                postings[word].append((row, times * self.idf[word] / length))
        self.postings = {word: tuple(map(np.array, zip(*rows, strict=True))) for word, rows in postings.items()}

    def cosines(self, words: Sequence[str]) -> np.ndarray:
        """Return the cosine of each content with some words, float64 [N]; words that no content has do not count."""
        query, found = Counter(word for word in words if word in self.idf), np.zeros(self.count)
        for word, times in query.items():
            rows, weights = self.postings[word]
            found[rows] += times * self.idf[word] * weights
        return found / (self._length(query) or 1.0)

    def nearest(self, words: Sequence[str]) -> int:
        """Return the number of the most similar content; of equally similar ones the first."""
        return int(self.cosines(words).argmax())

    def _length(self, words: Counter[str]) -> float:
        return float(np.sqrt(sum((times * self.idf[word]) ** 2 for word, times in words.items())))
