"""The passages of an index in groups of one meaning, each named by its characteristic words."""

from typing import NamedTuple

import numpy as np

from lingon.core.errors import UserError
from lingon.search.bm25 import BM25
from lingon.search.index import Index
from lingon.search.kmeans import spherical_kmeans
from lingon.search.terms import is_pair

WORDS = 6
TRIES = 8  # beginnings of k-means, of which the best is kept: each ends at the nearest optimum
SAMPLE = 20_000  # passages that the means are found on
SHORTEST = 3  # letters of a word that names a cluster


class Cluster(NamedTuple):
    """A group of passages. words: by which it differs from the rest; rows: of the passages, the most typical first."""

    words: list[str]
    rows: list[int]


def clusters_of(index: Index, count: int, seed: int = 0) -> list[Cluster]:
    """Return the passages in `count` clusters by spherical k-means of their vectors, the largest first.

    A cluster is named by the words that add most to the Kullback-Leibler divergence of its passages from all: words
    that many of its passages have and few others. Raises UserError for an index without vectors, and for a count that
    is not from 2 to the number of passages.
    """
    if index.vectors is None:
        raise UserError(f"{index.folder} has no vectors; index again without --lexical-only to find clusters")
    if not 2 <= count <= len(index):
        raise UserError(f"{count} clusters; expected 2 to {len(index):,}, the number of passages")
    unit = np.asarray(index.vectors)
    tries = [spherical_kmeans(unit, count, seed + i, sample=SAMPLE) for i in range(TRIES)]
    cosines = [np.einsum("nd,nd->n", unit, means[group]) for means, group in tries]
    best = int(np.argmax([cosine.mean() for cosine in cosines]))
    group, typical = tries[best][1], cosines[best]
    words = characteristic_words(index.bm25, group, count)
    found = []
    for i in range(count):
        rows = np.flatnonzero(group == i)
        found.append(Cluster(words[i], rows[np.argsort(-typical[rows], kind="stable")].tolist()))
    return sorted((cluster for cluster in found if cluster.rows), key=lambda cluster: -len(cluster.rows))


def characteristic_words(bm25: BM25, group: np.ndarray, count: int) -> list[list[str]]:
    """Return for each group the words with the largest p log(p / q): p is the share of its passages that have a word.

    q: the share of all. group: int [N], of each document.
    """
    terms = np.array([term if _says_much(term) else "" for term in bm25.terms])
    holding = np.diff(bm25.starts)
    of_term = np.repeat(np.arange(len(terms)), holding)
    names = []
    everywhere = holding / max(1, bm25.count)
    for i, size in enumerate(np.bincount(group, minlength=count)):
        here = np.bincount(of_term[group[bm25.documents] == i], minlength=len(terms))
        share = here / max(1, size)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where((here > 0) & (terms != ""), share * np.log(share / everywhere), -np.inf)
        best = np.argsort(-gain, kind="stable")[:WORDS]
        names.append([str(terms[j]) for j in best if gain[j] > 0])
    return names


def _says_much(term: str) -> bool:
    return is_pair(term) or (len(term) >= SHORTEST and not term.isdigit())
