"""Scores of word vectors: likeness as people rate it, and analogies, with how many of the questions could be asked.

Words are looked up as they stand and else in lower case, one rule for all sets. Questions with a word that has no
vector are left out of the score, and the coverage says how many could be asked; a rule of the vectors for missing words
(parts of words) makes pairs with such words count, while the answer of an analogy must be one of the words.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import unknown
from lingon.data.corpora.questions import Analogy, Pair, load_questions
from lingon.metrics.correlation import spearman
from lingon.word_vectors.queries.analogies import METHODS, best_answers
from lingon.word_vectors.queries.nearest import frequent_count, unit_rows
from lingon.word_vectors.word_vectors import WordVectors

STANDARD = ("wordsim-353", "simlex-999", "google-analogies")


def evaluate(vectors: WordVectors, source: str | Path, method: str = "add", most_frequent: int | None = None) -> dict:
    """Scores on a set of questions by name or from a file (see `load_questions`); what is in it, the two below say."""
    if method not in METHODS:
        raise unknown("way to answer analogies", method, METHODS)
    frequent_count(vectors, most_frequent)  # also where pairs make no use of it
    questions = load_questions(source)
    if isinstance(questions[0], Pair):
        return {"questions": str(source)} | evaluate_pairs(vectors, questions)
    return {"questions": str(source)} | evaluate_analogies(vectors, questions, method, most_frequent)


def evaluate_pairs(vectors: WordVectors, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Spearman's rho of the cosines with the ratings, its interval of 95 % (Fisher), and the coverage."""
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    ratings: list[float] = []
    vectors_of: dict[str, np.ndarray | None] = {}
    for pair in pairs:
        left, right = (_found(vectors, word, vectors_of) for word in pair[:2])
        if left is not None and right is not None:
            sides[0].append(left)
            sides[1].append(right)
            ratings.append(pair.rating)
    if ratings:
        first, second = (unit_rows(np.stack(side)).astype(np.float64) for side in sides)
        cosines = np.einsum("nd,nd->n", first, second).tolist()
    else:
        cosines = []
    rho, low, high = spearman(cosines, ratings)
    return {
        "spearman": rho,
        "interval": [low, high],
        "interval_by": "Fisher, 95 %",
        "asked": len(ratings),
        "of": len(pairs),
        "coverage": len(ratings) / max(1, len(pairs)),
        "missing_words": "left out" if vectors.missing is None else "by the rule of the vectors",
    }


def evaluate_analogies(
    vectors: WordVectors, analogies: Sequence[Analogy], method: str = "add", most_frequent: int | None = None
) -> dict[str, Any]:
    """Return the share of right answers, of all that could be asked and by category, and the coverage.

    method: add or mul. most_frequent: only the first so many words of the table are known, as many papers have it.
    An answer is right when it is the word d in the casing that was looked up.
    """
    if method not in METHODS:
        raise unknown("way to answer analogies", method, METHODS)
    known = frequent_count(vectors, most_frequent)
    rows = [[_row(vectors, word, known) for word in analogy[1:]] for analogy in analogies]
    asked = [i for i, four in enumerate(rows) if None not in four]
    four = np.array([rows[i] for i in asked], np.int64).reshape(-1, 4)
    right = best_answers(vectors.unit[:known], four[:, :3], METHODS[method]) == four[:, 3]
    counts: dict[str, list[int]] = {}
    for i, good in zip(asked, right.tolist(), strict=True):
        count = counts.setdefault(analogies[i].category, [0, 0])
        count[0] += good
        count[1] += 1
    return {
        "accuracy": float(right.mean()) if len(right) else float("nan"),
        "accuracy_of_all": int(right.sum()) / max(1, len(analogies)),
        "asked": len(asked),
        "of": len(analogies),
        "coverage": len(asked) / max(1, len(analogies)),
        "method": method,
        "words": known,
        "categories": {name: {"accuracy": n / of, "asked": of} for name, (n, of) in counts.items()},
    }


def _row(vectors: WordVectors, word: str, known: int) -> int | None:
    row = vectors.row(word)
    row = vectors.row(word.lower()) if row is None else row
    return row if row is not None and row < known else None


def _found(vectors: WordVectors, word: str, cache: dict) -> np.ndarray | None:
    if word not in cache:
        as_is = word if word in vectors else word.lower()
        cache[word] = vectors.get(as_is if as_is in vectors else word)
    return cache[word]
