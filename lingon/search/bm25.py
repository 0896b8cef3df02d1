"""BM25: lexical scores of documents for the terms of a query, by term frequency, rarity of terms and document length.

    score(q, d) = sum over the terms t of q of   idf(t) * tf / (tf + k1 * (1 - b + b * |d| / mean |d|))
    idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5))

This is Lucene's variant (Kamphuis, de Vries, Boytsov and Lin 2020, "Which BM25 do you mean?", table 1), in which the
idf is never negative and the factor k1 + 1, which does not change the ranking, is left out; but with exact document
lengths. `bm25s` calls it "lucene". Everything that does not depend on the query is computed when the index is built: a
search adds up one list of numbers for each term of the query.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lingon.core.errors import DataError, UserError

K1, B = 1.5, 0.75  # the defaults of bm25s; k1 from 1.2 to 2 is usual


@dataclass(frozen=True)
class BM25:
    """Postings by term: `documents[starts[i]:starts[i + 1]]` contain term i, which adds `impacts` to their scores.

    terms: the number of each term. starts: int64 [V + 1]. documents: int32 [M], ascending within a term. impacts:
    float32 [M]. count: number of documents N.
    """

    terms: Mapping[str, int]
    starts: np.ndarray
    documents: np.ndarray
    impacts: np.ndarray
    count: int

    @classmethod
    def build(cls, documents: Iterable[Sequence[str]], k1: float = K1, b: float = B) -> "BM25":
        """Return the BM25 postings of documents, each given as its terms.

        k1: saturation of the term frequency, 0 or more; with 0, repetitions do not count. b: strength of the
        normalization by document length, 0 to 1. Raises UserError for other values.
        """
        if not (0 <= k1 < 1e6 and 0 <= b <= 1):
            raise UserError(f"BM25 with k1 {k1} and b {b}; expected k1 of 0 or more, and b between 0 and 1")
        numbers: dict[str, int] = {}
        ids, lengths = array("i"), array("i")
        for terms in documents:
            ids.extend([numbers.setdefault(term, len(numbers)) for term in terms])
            lengths.append(len(terms))
        term, document, frequency = _count(np.frombuffer(ids, np.int32), np.frombuffer(lengths, np.int32))
        starts = np.searchsorted(term, np.arange(len(numbers) + 1))
        impacts = _impacts(document, frequency, np.diff(starts), np.frombuffer(lengths, np.int32), k1, b)
        return cls(numbers, starts.astype(np.int64), document, impacts, len(lengths))

    def scores(self, query: Sequence[str]) -> np.ndarray:
        """Return the score of every document for the terms of a query, float32 [N]; repeated terms count repeatedly.

        The score is 0 for documents that contain no term of the query.
        """
        found = np.zeros(self.count, np.float32)
        for term, times in Counter(query).items():
            if (i := self.terms.get(term)) is not None:
                here = slice(self.starts[i], self.starts[i + 1])
                found[self.documents[here]] += times * self.impacts[here]  # each document occurs once per term
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the postings as arrays, to be saved; the terms are UTF-8 text separated by line feeds."""
        words = np.frombuffer("\n".join(self.terms).encode(), np.uint8)
        return {"terms": words, "starts": self.starts, "documents": self.documents, "impacts": self.impacts}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], count: int, name: str) -> "BM25":
        """Return the postings from saved arrays. Raises DataError, naming the file `name`, for inconsistent ones."""
        wanted = {"terms": "u1", "starts": "i8", "documents": "i4", "impacts": "f4"}
        given = {key: value.dtype.str[1:] for key, value in arrays.items() if value.ndim == 1}
        if given != wanted:
            raise DataError(f"{name}: arrays {given}; expected {wanted}, each with one axis")
        words, starts, documents, impacts = (arrays[key] for key in wanted)
        try:
            text = words.tobytes().decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{name}: its terms are not UTF-8 (byte {error.start})") from None
        terms = {term: i for i, term in enumerate(text.split("\n") if text else [])}
        whole = len(starts) == len(terms) + 1 and starts[0] == 0 and starts[-1] == len(documents) == len(impacts)
        if not whole or starts.min() < 0 or (np.diff(starts) < 0).any():
            said = f"{len(terms):,} terms, {len(starts):,} places and {len(documents):,} postings do not fit together"
            raise DataError(f"{name}: {said}; it is not an index, or a damaged one")
        if len(documents) and not (documents.min() >= 0 and documents.max() < count and np.isfinite(impacts).all()):
            raise DataError(f"{name}: a posting of a document that is not there (there are {count:,}), or not a number")
        return cls(terms, starts, documents, impacts, count)


def _count(ids: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return term, document and frequency of each posting, sorted by term, then by document."""
    count = max(1, len(lengths))
    keys = ids.astype(np.int64) * count + np.repeat(np.arange(len(lengths)), lengths)
    found, frequency = np.unique(keys, return_counts=True)
    return found // count, (found % count).astype(np.int32), frequency


def _impacts(
    document: np.ndarray, frequency: np.ndarray, holding: np.ndarray, lengths: np.ndarray, k1: float, b: float
) -> np.ndarray:
    """Return idf * tf / (tf + norm) of each posting. holding: the document frequency of each term, df [V]."""
    idf = np.log(1 + (len(lengths) - holding + 0.5) / (holding + 0.5))
    norm = k1 * (1 - b + b * lengths / max(1e-12, lengths.mean() if len(lengths) else 0.0))
    return (np.repeat(idf, holding) * frequency / (frequency + norm[document])).astype(np.float32)
