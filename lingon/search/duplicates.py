"""Near-duplicate passages, found by MinHash; similarity is the Jaccard index of their phrases."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from lingon.core.errors import UserError
from lingon.search.terms import terms_of

PHRASE = 3  # terms; a text with fewer terms is one phrase
BANDS, ROWS = 20, 5  # of MinHash: a pair with Jaccard .8 is found with probability 1 - (1 - .8^5)^20 = .9996


class Pair(NamedTuple):
    """The rows of two passages, and the Jaccard similarity of their phrases, 0 to 1."""

    first: int
    second: int
    similarity: float


def near_duplicates(texts: Iterable[str], threshold: float = 0.8, seed: int = 0) -> list[Pair]:
    """Return the pairs of texts whose sets of three-word phrases have a Jaccard similarity of `threshold` or more.

    The most similar come first. Candidate pairs are selected by MinHash with banding (Broder 1997; Leskovec, Rajaraman
    and Ullman, Mining of Massive Datasets, section 3.4): of pairs at .8 one in 2,800 is missed, equal texts never.
    Raises UserError for a threshold that is not in (0, 1].
    """
    if not 0 < threshold <= 1:
        raise UserError(f"--threshold {threshold}; expected more than 0, at most 1")
    phrases = [_phrases(text) for text in texts]
    draw = np.random.default_rng(seed)
    a, b = (draw.integers(0, 1 << 64, BANDS * ROWS, dtype=np.uint64) | np.uint64(1) for _ in range(2))
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for row, held in enumerate(phrases):
        if len(held):
            # Multiply-shift hashing (Dietzfelbinger 1996), modulo 2^64; the minimum of each hash function is kept.
            least = ((held[:, None] * a + b) >> np.uint64(32)).min(0)
            for band in range(BANDS):
                buckets[band, least[band * ROWS : (band + 1) * ROWS].tobytes()].append(row)
    return _compared(buckets.values(), [frozenset(held.tolist()) for held in phrases], threshold)


def groups_of(pairs: Iterable[Pair]) -> list[list[int]]:
    """Return the connected components of pairs, each with its rows ascending, the largest first."""
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while parent.setdefault(row, row) != row:
            parent[row] = row = parent[parent[row]]
        return row

    for first, second, _ in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    groups: dict[int, list[int]] = defaultdict(list)
    for row in sorted(parent):
        groups[root(row)].append(row)
    return sorted(groups.values(), key=lambda rows: (-len(rows), rows))


def _compared(buckets: Iterable[Sequence[int]], phrases: list[frozenset[int]], threshold: float) -> list[Pair]:
    """Return the pairs of rows that share a bucket and whose similarity reaches the threshold.

    In a bucket, rows with equal phrases are paired only with the first of them: a thousand copies of one text are a
    thousand pairs, not half a million.
    """
    found: dict[tuple[int, int], float] = {}
    for rows in buckets:
        firsts: dict[frozenset[int], int] = {}
        for row in rows:
            if (same := firsts.setdefault(phrases[row], row)) != row:
                found[same, row] = 1.0
        different = sorted(firsts.values())
        for i, first in enumerate(different):
            for second in different[i + 1 :]:
                if (first, second) not in found:
                    shared = len(phrases[first] & phrases[second])
                    found[first, second] = shared / (len(phrases[first]) + len(phrases[second]) - shared)
    alike = [Pair(*rows, similarity) for rows, similarity in found.items() if similarity >= threshold]
    return sorted(alike, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def _phrases(text: str) -> np.ndarray:
    """Return the distinct phrases of a text as hashes below 2^32, uint64."""
    terms = terms_of(text)
    runs = {" ".join(terms[i : i + PHRASE]) for i in range(max(1, len(terms) - PHRASE + 1))} - {""}
    digests = b"".join(blake2b(run.encode(), digest_size=4).digest() for run in sorted(runs))
    return np.frombuffer(digests, "<u4").astype(np.uint64)
