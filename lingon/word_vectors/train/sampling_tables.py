"""What training word vectors looks up: how words are drawn, the way to each in a tree, the parts of each."""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lingon.word_vectors.files.subwords import subword_rows

F = np.float32


class Draws(NamedTuple):
    """Tables to draw words. keep: share of each word's occurrences that are read. prob, alias: Walker's tables."""

    keep: np.ndarray  # float32 [V]
    prob: np.ndarray  # float32 [V]
    alias: np.ndarray  # int32 [V]


class HuffmanTree(NamedTuple):
    """The way to each word: its nodes are nodes[starts[w] : starts[w + 1]], left is 1. No words: negative samples."""

    starts: np.ndarray  # int64 [V + 1]
    nodes: np.ndarray  # int32
    left: np.ndarray  # float32


class SubwordTable(NamedTuple):
    """The input rows of each word: rows[starts[w] : starts[w + 1]]. No words: row w alone."""

    starts: np.ndarray  # int64 [V + 1]
    rows: np.ndarray  # int32


class Scheme(NamedTuple):
    """window: most neighbours on a side. negatives: samples of a word. skipgram: else CBOW."""

    window: int
    negatives: int
    skipgram: bool


class Workspace(NamedTuple):
    """Memory that `word2vec.train_lines` works in; see `workspace_for`.

    targets: rows that a word is held against. ring: a power of two.
    """

    words: np.ndarray  # uint64
    scores: np.ndarray  # float32
    rows: np.ndarray  # float32 [targets + 2 * ring, D]
    targets: int
    ring: int


NO_TREE = HuffmanTree(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, F))
NO_SUBWORDS = SubwordTable(np.zeros(0, np.int64), np.zeros(0, np.int32))


def workspace_for(length: int, width: int, tree: HuffmanTree, parts: SubwordTable, scheme: Scheme) -> Workspace:
    """Allocate memory for one thread, over pieces of at most `length` word numbers and tables of `width` columns."""
    most_in, targets = 2 * scheme.window, max(scheme.negatives + 1, int(np.diff(tree.starts).max(initial=0)))
    ring = 1 << (most_in + 1).bit_length() if len(parts.starts) else 1
    words, scores = np.empty(length + most_in + 2 * targets, np.uint64), np.empty((2 + most_in) * targets, F)
    return Workspace(words, scores, np.empty((targets + 2 * ring, width), F), targets, ring)


def negative_sampling_tables(counts: np.ndarray, sample: float = 1e-3, power: float = 0.75) -> Draws:
    """Return how words are read and drawn; counts [V].

    A word that makes up a share f of the text is read with probability sqrt(sample / f) + sample / f (the authors'
    program; the paper's formula lacks the second term); sample 0 reads all. A negative sample is word w with
    probability proportional to count(w)^power: Walker's alias method, one number and one comparison for a draw.
    """
    share = counts / counts.sum()
    keep = np.ones(len(counts)) if sample <= 0 else np.minimum(1, np.sqrt(sample / share) + sample / share)
    weights = counts.astype(np.float64) ** power
    prob, alias = _alias(weights / weights.sum() * len(weights))
    # More than 1 where a word is always read, so that no rounding can lose it.
    return Draws(np.where(keep >= 1, 2, keep).astype(np.float32), prob, alias)


def huffman_tree(counts: np.ndarray) -> HuffmanTree:
    """Huffman's tree: V - 1 nodes, and for each word its nodes from the root and whether it stands on the left."""
    size = len(counts)
    heap = [(int(count), word) for word, count in enumerate(counts)]
    heapq.heapify(heap)
    above, left = np.zeros(2 * size - 1, np.int64), np.zeros(2 * size - 1, np.float32)
    for node in range(size, 2 * size - 1):
        (first, a), (second, b) = heapq.heappop(heap), heapq.heappop(heap)
        above[a] = above[b] = node
        left[a] = 1
        heapq.heappush(heap, (first + second, node))
    starts, nodes, sides = [0], [], []
    for word in range(size):
        way, at = [], word
        while at != 2 * size - 2:
            way.append((above[at] - size, left[at]))
            at = above[at]
        nodes += [node for node, _ in reversed(way)]
        sides += [side for _, side in reversed(way)]
        starts.append(len(nodes))
    return HuffmanTree(np.array(starts, np.int64), np.array(nodes, np.int32), np.array(sides, np.float32))


def subword_table(words: Sequence[str], shortest: int, longest: int, buckets: int) -> SubwordTable:
    """Return the rows of each word: its own, then V + bucket for each of its n-grams, as in fastText."""
    rows, starts = subword_rows(words, shortest, longest, buckets)
    size = len(words)
    places = starts[:-1]
    return SubwordTable(starts + np.arange(size + 1), np.insert(rows + size, places, np.arange(size)).astype(np.int32))


def _alias(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of mean 1, each cut so that every place holds one word and a rest of one other."""
    left, alias = weights.copy(), np.arange(len(weights), dtype=np.int32)
    small, large = list(np.flatnonzero(left < 1)), list(np.flatnonzero(left >= 1))
    prob = np.ones(len(weights), np.float32)
    while small and large:
        a, b = small.pop(), large[-1]
        prob[a], alias[a] = left[a], b
        left[b] -= 1 - left[a]
        if left[b] < 1:
            small.append(large.pop())
    return prob, alias
