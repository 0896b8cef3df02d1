"""Analogies: a is to b as c is to which word? The three words of the question are never the answer.

3CosAdd takes the word d with the largest cos(d, b) - cos(d, a) + cos(d, c) (Mikolov, Yih, Zweig, "Linguistic
Regularities in Continuous Space Word Representations", 2013); 3CosMul the largest cos(d, b) cos(d, c) / (cos(d, a) +
.001), all cosines moved to 0..1 (Levy and Goldberg, "Linguistic Regularities in Sparse and Explicit Word
Representations", 2014, section 6). All vectors have length 1.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from lingon.core.errors import UserError, unknown
from lingon.core.progress import track
from lingon.core.shapes import Float, Int, Tensor
from lingon.word_vectors.queries.nearest import by_score_then_row, largest, top, unit_rows
from lingon.word_vectors.word_vectors import WordVectors

QUESTIONS, WORDS = 512, 2048  # of a block: 4 MB of scores
TINY = 1e-3

UnitRows = Float[Tensor, "n D"]
AnalogyScore = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def cos_add(a: UnitRows, b: UnitRows, c: UnitRows, words: Float[Tensor, "V D"]) -> Float[Tensor, "n V"]:
    """Return the scores of 3CosAdd; all vectors of length 1."""
    return (b - a + c) @ words.T


def cos_mul(a: UnitRows, b: UnitRows, c: UnitRows, words: Float[Tensor, "V D"]) -> Float[Tensor, "n V"]:
    """Return the scores of 3CosMul; all vectors of length 1."""
    near_a, near_b, near_c = ((part @ words.T).add_(1).mul_(0.5) for part in (a, b, c))
    return near_b.mul_(near_c).div_(near_a.add_(TINY))


METHODS: dict[str, AnalogyScore] = {"add": cos_add, "mul": cos_mul}


def best_answers(
    unit: Float[np.ndarray, "V D"], questions: Int[np.ndarray, "n 3"], method: AnalogyScore = cos_add
) -> Int[np.ndarray, " n"]:
    """Return the row of the best answer to each question, -1 where no word is left.

    unit: vectors of length 1. questions: rows of a, b and c.
    """
    table, asked = torch.from_numpy(unit), torch.from_numpy(np.ascontiguousarray(questions, np.int64))
    answers = np.empty(len(asked), np.int64)
    with track(len(asked), "analogies", "questions") as bar:
        for begin in range(0, len(asked), QUESTIONS):
            some = asked[begin : begin + QUESTIONS]
            answers[begin : begin + len(some)] = _best(table, some, method)
            bar.advance(len(some))
    return answers


def _best(table: torch.Tensor, some: torch.Tensor, method: AnalogyScore) -> np.ndarray:
    a, b, c = (table[some[:, i]] for i in range(3))
    rows, order = some.flatten().sort()
    best, found = torch.full((len(some),), -torch.inf), torch.full((len(some),), -1)
    for begin in range(0, len(table), WORDS):
        scores = method(a, b, c, table[begin : begin + WORDS])
        low, high = torch.searchsorted(rows, torch.tensor([begin, begin + scores.shape[1]])).tolist()
        scores[order[low:high] // 3, rows[low:high] - begin] = -torch.inf
        highest = scores.amax(1)
        # Finding where the largest stands costs more than finding it, and only a few questions have a new one.
        better = (highest > best).nonzero().flatten()
        found[better] = scores[better].argmax(1) + begin
        best[better] = highest[better]
    return found.numpy()


def analogy(vectors: WordVectors, a: str, b: str, c: str, k: int = 5, method: str = "add") -> list[tuple[str, float]]:
    """Return the k best answers to "a is to b as c is to ...", with their scores, best first; equal ones in
    the order of the table.

    method: add or mul. Words that are not in the table have a vector by the rule of `vectors`.
    """
    if method not in METHODS:
        raise unknown("way to answer analogies", method, METHODS)
    if k < 1:
        raise UserError(f"the {k} best answers: expected 1 or more")
    of = unit_rows(vectors.of([a, b, c]))
    own = [[row for row in map(vectors.row, (a, b, c)) if row is not None]]
    if method == "add":
        scores, rows = top((of[1] - of[0] + of[2])[None], vectors.unit, k, own)
    else:
        of_a, of_b, of_c = torch.from_numpy(of)[:, None]
        scores, rows = _top_of(cos_mul(of_a, of_b, of_c, torch.from_numpy(vectors.unit))[0], k, own[0])
    return [(vectors.words[int(j)], float(s)) for s, j in zip(scores[0], rows[0], strict=True) if j >= 0]


def _top_of(scores: torch.Tensor, k: int, excluded: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    scores[list(excluded)] = -torch.inf
    values, rows = largest(scores[None], k)
    order = by_score_then_row(values, rows)[:, :k]
    values, rows = values.gather(1, order), rows.gather(1, order)
    rows[values == -torch.inf] = -1
    return values.numpy(), rows.numpy()
