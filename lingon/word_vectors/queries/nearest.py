"""The nearest words, exactly: products of blocks of queries and blocks of the vocabulary, of which only the best stay.

The cosine of two words is the product of their vectors of length 1. All cosines of 1,000 queries with 400,000 words
would be 1.6 GB; a block of them fits into the cache, and its best k are merged with those found before.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.core.shapes import Float, Int
from lingon.word_vectors.word_vectors import WordVectors

QUERIES, WORDS = 256, 4096  # of a block: 4 MB of cosines

Excluded = Sequence[Sequence[int | None]]


def top(
    queries: Float[np.ndarray, "n D"], table: Float[np.ndarray, "V D"], k: int, excluded: Excluded | None = None
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, "n k"]]:
    """Return the k largest products of each query with the rows of a table: products and rows, both [n, k], best first.

    excluded: rows that do not count, for each query; None is not a row. Equal products come
    in the order of their rows. With fewer than k rows left, the product is -inf and the row -1.
    """
    if k < 1:
        raise UserError(f"the {k} nearest: expected 1 or more")
    rows, asked = torch.from_numpy(np.asarray(table, np.float32)), torch.from_numpy(np.asarray(queries, np.float32))
    found = [
        _of_block(asked[i : i + QUERIES], rows, k, None if excluded is None else excluded[i : i + QUERIES])
        for i in range(0, len(asked), QUERIES)
    ]
    if not found:
        return np.zeros((0, k), np.float32), np.zeros((0, k), np.int64)
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def _of_block(queries, table, k: int, excluded: Excluded | None) -> tuple[np.ndarray, np.ndarray]:
    places = _places(excluded)
    best = torch.full((len(queries), k), -torch.inf)
    rows = torch.full((len(queries), k), -1)
    room = torch.empty(len(queries), WORDS)
    for begin in range(0, len(table), WORDS):
        part = table[begin : begin + WORDS]
        scores = torch.mm(queries, part.T, out=room[:, : len(part)] if len(part) == WORDS else None)
        _leave_out(scores, places, begin)
        # Most blocks hold nothing new for most queries: the largest of a block is cheap, sorting it is not.
        asked = (scores.amax(1) > best[:, -1]).nonzero().flatten()
        if len(asked):
            values, where = largest(scores[asked], k)
            both = torch.cat([best[asked], values], 1)
            their = torch.cat([rows[asked], where + begin], 1)
            order = by_score_then_row(both, their)[:, :k]
            best[asked], rows[asked] = both.gather(1, order), their.gather(1, order)
    rows[best == -torch.inf] = -1
    return best.numpy(), rows.numpy()


def largest(scores: Float[torch.Tensor, "n m"], k: int) -> tuple[Float[torch.Tensor, "n l"], Int[torch.Tensor, "n l"]]:
    """Of each row the k largest and one more, in any order, and their places; of equal ones those that come first."""
    values, where = scores.topk(min(k + 1, scores.shape[1]), dim=1)
    # Of equal numbers topk takes any; the one more shows where it had a choice. -inf is no answer.
    if values.shape[1] > k and (tied := values[:, k] == values[:, k - 1]).any():
        tied &= values[:, k] > -torch.inf
        where[tied] = scores[tied].argsort(dim=1, descending=True, stable=True)[:, : k + 1]
    return values, where


def by_score_then_row(scores: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return the order of each row of scores, the largest first; equal ones by their rows of the table."""
    by_row = rows.argsort(dim=1, stable=True)
    return by_row.gather(1, scores.gather(1, by_row).argsort(dim=1, descending=True, stable=True))


def _places(excluded: Excluded | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Queries and rows that do not count, sorted by row."""
    pairs = sorted((row, i) for i, rows in enumerate(excluded or ()) for row in rows if row is not None)
    return torch.tensor([i for _, i in pairs], dtype=torch.int64), torch.tensor(
        [r for r, _ in pairs], dtype=torch.int64
    )


def _leave_out(scores: torch.Tensor, places: tuple[torch.Tensor, torch.Tensor], begin: int) -> None:
    queries, rows = places
    low, high = torch.searchsorted(rows, torch.tensor([begin, begin + scores.shape[1]])).tolist()
    if low < high:
        scores[queries[low:high], rows[low:high] - begin] = -torch.inf


def nearest(
    vectors: WordVectors,
    words: Iterable[str | np.ndarray],
    k: int = 10,
    keep: Callable[[str], bool] | None = None,
    most_frequent: int | None = None,
) -> list[list[tuple[str, float]]]:
    """Return the k nearest words of each word (or vector [D]) and their cosines, best first; never the word itself.

    keep: only words for which it is true. most_frequent: only the first so many words of the table, which are the
    commonest in nearly every file. Raises UserError for a word that has no vector, and
    when no word is kept.
    """
    asked = list(words)
    rows = chosen(vectors, keep, most_frequent)
    given = [_vector(vectors, item) for item in asked]
    queries = unit_rows(np.stack(given)) if given else np.zeros((0, vectors.width), np.float32)
    own = [[vectors.row(item)] if isinstance(item, str) else [] for item in asked]
    table, excluded = vectors.unit, own
    if rows is not None:
        place: dict[int | None, int] = {int(row): i for i, row in enumerate(rows)}
        table, excluded = table[rows], [[place.get(row) for row in some] for some in own]
    scores, found = top(queries, table, k, excluded)
    return [
        [(vectors.words[_row(rows, int(j))], float(s)) for s, j in zip(*pair, strict=True) if j >= 0]
        for pair in zip(scores, found, strict=True)
    ]


def chosen(vectors: WordVectors, keep: Callable[[str], bool] | None, most_frequent: int | None) -> np.ndarray | None:
    """Return the rows of the words that may be answers; None when all may."""
    if keep is None and most_frequent is None:
        return None
    some = range(frequent_count(vectors, most_frequent))
    found = np.array([i for i in some if keep is None or keep(vectors.words[i])], np.int64)
    if not len(found):
        raise UserError(f"none of {counted(len(some), 'word')} is kept by the filter")
    return found


def frequent_count(vectors: WordVectors, most_frequent: int | None) -> int:
    """Return how many words the first so many are; all when None. Raises UserError for less than one."""
    if most_frequent is not None and most_frequent < 1:
        raise UserError(f"the {most_frequent} most frequent words: expected 1 or more")
    return min(len(vectors), most_frequent or len(vectors))


def unit_rows(table: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "n D"]:
    """Return the rows of length 1; rows of zeros stay. Raises DataError for NaN and infinity."""
    norms = np.linalg.norm(table.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        raise DataError("a vector holds NaN or infinite numbers, which cannot be compared")
    return (table / np.where(norms == 0, 1, norms)).astype(np.float32)


def _vector(vectors: WordVectors, item: str | np.ndarray) -> np.ndarray:
    if isinstance(item, str):
        return vectors.of([item])[0]
    if np.shape(item) != (vectors.width,):
        raise UserError(f"a vector of shape {list(np.shape(item))}; expected [{vectors.width}]")
    return np.asarray(item)


def _row(rows: np.ndarray | None, j: int) -> int:
    return j if rows is None else int(rows[j])
