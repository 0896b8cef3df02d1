"""Clusters of passages with similar meaning, each named by its characteristic words."""

from typing import NamedTuple

import numpy as np

from lingon.core.errors import UserError
from lingon.search.bm25 import BM25
from lingon.search.index import Index
from lingon.search.kmeans import spherical_kmeans
from lingon.search.terms import is_pair

WORDS = 6
TRIES = 8  # initializations of k-means, the best of which is kept: each ends in a local optimum
SAMPLE = 20_000  # passages from which the means are computed
SHORTEST = 3  # minimum letters of a word that names a cluster


class Cluster(NamedTuple):
    """A cluster of passages. words: its characteristic words. rows: of its passages, the most typical first."""

    words: list[str]
    rows: list[int]


def clusters_of(index: Index, count: int, seed: int = 0) -> list[Cluster]:
    """Return `count` clusters of passages, by spherical k-means of their vectors, the largest first.

    A cluster is named by the words that contribute most to the Kullback-Leibler divergence of its passages from all
    passages: words that occur in many of its passages and in few others. Raises UserError for an index without vectors,
    and for a count that is not between 2 and the number of passages.
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
    """Return for each group the words with the largest p log(p / q), p the fraction of its passages with the word.

    q is the fraction of all passages with the word. group: int [N], the group of each passage.
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
