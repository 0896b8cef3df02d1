"""Search for the vectors nearest to that of a query: exact, or approximate by an inverted file.

Exact search multiplies the whole matrix by the query. Approximate search uses an inverted file (IVF; Sivic and
Zisserman 2003): vectors are divided into lists by spherical k-means, and only the lists whose means are nearest to the
query are searched, by faiss. Two plain arrays are saved, the means and the list of each vector; faiss reads no file.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from lingon.core.errors import DataError, UserError
from lingon.core.optional_packages import install_command
from lingon.search.kmeans import spherical_kmeans
from lingon.search.top import top_k

PROBES = 64  # lists that are searched
PER_LIST = 64  # vectors per list in the sample from which the means are computed


class Found(NamedTuple):
    """Passages, best first, and the cosine of each with the query."""

    rows: np.ndarray
    cosines: np.ndarray


def unit_rows(vectors: np.ndarray, what: str) -> np.ndarray:
    """Return float32 rows of length 1; rows of zeros stay. Raises DataError, naming `what`, for NaN and infinity."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise DataError(f"{what}: a vector holds NaN or infinite numbers, which have no nearest neighbours")
    return (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def exact(unit: np.ndarray, query: np.ndarray, k: int, rows: np.ndarray | None = None) -> Found:
    """Return the k nearest rows, among all or among `rows`, int64 [m], ascending."""
    products = (unit if rows is None else unit[rows]) @ query
    best = top_k(products, k)
    return Found(best if rows is None else rows[best], products[best])


class InvertedFile:
    """An inverted file: vectors in lists by their nearest mean.

    means: float32 [L, D]; lists: int32 [N], the list of each vector.
    """

    def __init__(self, unit: np.ndarray, means: np.ndarray, lists: np.ndarray, probes: int = PROBES):
        self.means, self.lists = means, lists
        faiss = _faiss()
        quantizer = faiss.IndexFlatIP(unit.shape[1])
        quantizer.add(means)
        self._index = faiss.IndexIVFFlat(quantizer, unit.shape[1], len(means), faiss.METRIC_INNER_PRODUCT)
        self._index.is_trained, self._index.nprobe = True, min(probes, len(means))
        self._quantizer = quantizer  # faiss does not keep it
        matrix, ids, of = np.ascontiguousarray(unit), np.arange(len(unit)), lists.astype(np.int64)
        self._index.add_core(len(unit), *(faiss.swig_ptr(array) for array in (matrix, ids, of)))

    @classmethod
    def build(cls, unit: np.ndarray, seed: int = 0) -> "InvertedFile":
        """Divide vectors into about 1.6 sqrt(N) lists. Raises UserError where faiss is not installed."""
        _faiss()
        count = max(1, min(len(unit), round(1.6 * len(unit) ** 0.5)))
        means, lists = spherical_kmeans(unit, count, seed, iterations=10, sample=PER_LIST * count)
        return cls(unit, means, lists)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays to save."""
        return {"means": self.means, "lists": self.lists}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], unit: np.ndarray, name: str) -> "InvertedFile":
        """Return the inverted file from saved arrays. Raises DataError, naming the file, if they do not fit `unit`."""
        means, lists = (arrays.get(key, np.zeros(0)) for key in ("means", "lists"))
        good = means.dtype == np.float32 and means.ndim == 2 and means.shape[1] == unit.shape[1] and len(means)
        if not good or not np.isfinite(means).all() or lists.dtype != np.int32 or lists.shape != (len(unit),):
            raise DataError(
                f"{name}: means {list(means.shape)}, lists {list(lists.shape)}; not of {unit.shape} vectors"
            )
        if len(lists) and not (lists.min() >= 0 and lists.max() < len(means)):
            raise DataError(f"{name}: a list that is not there (there are {len(means):,})")
        return cls(unit, means, lists)

    def search(self, query: np.ndarray, k: int) -> Found:
        """Return the k nearest rows of the lists whose means are nearest to the query."""
        cosines, rows = self._index.search(np.ascontiguousarray(query[None], np.float32), k)
        kept = rows[0] >= 0
        order = np.lexsort((rows[0][kept], -cosines[0][kept]))  # ties by row, as in `exact`
        return Found(rows[0][kept][order], cosines[0][kept][order])


def has_faiss() -> bool:
    """Return whether faiss is installed."""
    return find_spec("faiss") is not None


def _faiss() -> Any:
    if not has_faiss():
        raise UserError(f"approximate search needs faiss, which is not installed: {install_command('search')}")
    import faiss

    return faiss
