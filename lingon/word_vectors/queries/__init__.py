"""Questions to word vectors: nearest words, analogies, likeness, the odd one out, evaluation, alignment, bias."""

from lingon.word_vectors.queries.align import align, self_similarity
from lingon.word_vectors.queries.analogies import analogy, best_answers
from lingon.word_vectors.queries.bias import WEAT, weat
from lingon.word_vectors.queries.evaluate import evaluate, evaluate_analogies, evaluate_pairs
from lingon.word_vectors.queries.nearest import nearest
from lingon.word_vectors.queries.similarity import odd_one_out, similarity
from lingon.word_vectors.word_vectors import WordVectors, subword_vector, unknown_word, zero_vector

__all__ = [
    "WEAT",
    "WordVectors",
    "align",
    "analogy",
    "best_answers",
    "evaluate",
    "evaluate_analogies",
    "evaluate_pairs",
    "nearest",
    "odd_one_out",
    "self_similarity",
    "similarity",
    "subword_vector",
    "unknown_word",
    "weat",
    "zero_vector",
]
