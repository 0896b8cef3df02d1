"""Spherical k-means: vectors of length 1, clustered by the nearest mean direction."""

import numpy as np

ROWS = 8192  # of a block of products, to bound the memory
ENOUGH = 1e-4  # gain of the mean cosine below which iteration stops


def spherical_kmeans(
    unit: np.ndarray, k: int, seed: int = 0, iterations: int = 20, sample: int = 100_000
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean directions, float32 [k, D], and the group of each vector, int32 [n] (Dhillon and Modha 2001).

    unit: float32 [n, D], rows of length 1, n >= k >= 1. The means are computed from at most `sample` of the rows,
    initialized by k-means++ (Arthur and Vassilvitskii 2007), and reproducible for a seed.
    """
    assert 1 <= k <= len(unit), (k, len(unit))
    draw = np.random.default_rng(seed)
    few = len(unit) <= max(sample, k)
    rows = np.asarray(unit if few else unit[np.sort(draw.choice(len(unit), max(sample, k), replace=False))])
    means = _begin(rows, k, draw)
    before = -np.inf
    for _ in range(iterations):
        group, cosine = assign(rows, means)
        if cosine.mean() - before < ENOUGH:
            break
        before = cosine.mean()
        means = _means(rows, group, cosine, k)
    return means, assign(unit, means)[0]


def assign(unit: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest mean of each row, int32 [n], and its cosine, float32 [n]."""
    group, cosine = np.empty(len(unit), np.int32), np.empty(len(unit), np.float32)
    for begin in range(0, len(unit), ROWS):
        products = unit[begin : begin + ROWS] @ means.T
        nearest = products.argmax(1)
        group[begin : begin + ROWS] = nearest
        cosine[begin : begin + ROWS] = products[np.arange(len(products)), nearest]
    return group, cosine


def _begin(rows: np.ndarray, k: int, draw: np.random.Generator) -> np.ndarray:
    """Return k rows, each drawn with probability proportional to its distance from those chosen before."""
    chosen = [int(draw.integers(len(rows)))]
    distance = np.full(len(rows), np.inf)
    for _ in range(k - 1):
        distance = np.minimum(distance, np.maximum(0.0, 1 - rows @ rows[chosen[-1]]).astype(np.float64))
        total = distance.sum()
        # If all other rows are equal to chosen ones, any row will do.
        chosen.append(int(draw.choice(len(rows), p=distance / total if total > 0 else None)))
    return rows[chosen].astype(np.float32)


def _means(rows: np.ndarray, group: np.ndarray, cosine: np.ndarray, k: int) -> np.ndarray:
    """Return the direction of the sum of each group; an empty group gets a row that is far from its mean."""
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(k))
    counts = np.bincount(group, minlength=k)
    sums = np.zeros((k, rows.shape[1]), np.float64)
    filled = np.flatnonzero(counts)
    sums[filled] = np.add.reduceat(rows[order], first[filled], axis=0, dtype=np.float64)
    lone = np.flatnonzero(counts == 0)
    sums[lone] = rows[np.argsort(cosine, kind="stable")[: len(lone)]]
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return (sums / np.where(lengths == 0, 1, lengths)).astype(np.float32)
