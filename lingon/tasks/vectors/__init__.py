"""Questions to word vectors: nearest words, analogies, likeness, the odd one out, evaluation, alignment, bias."""

from lingon.tasks.vectors.align import agreement, align
from lingon.tasks.vectors.analogies import analogy, best_answers
from lingon.tasks.vectors.bias import WEAT, weat
from lingon.tasks.vectors.evaluate import evaluate, evaluate_analogies, evaluate_pairs
from lingon.tasks.vectors.likeness import odd_one_out, similarity
from lingon.tasks.vectors.nearest import nearest
from lingon.tasks.vectors.word_vectors import WordVectors, subwords, unknown_word, zero

__all__ = [
    "WEAT",
    "WordVectors",
    "agreement",
    "align",
    "analogy",
    "best_answers",
    "evaluate",
    "evaluate_analogies",
    "evaluate_pairs",
    "nearest",
    "odd_one_out",
    "similarity",
    "subwords",
    "unknown_word",
    "weat",
    "zero",
]
