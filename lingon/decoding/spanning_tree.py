"""The best dependency tree of a sentence: a maximum spanning arborescence with one root (Chu-Liu/Edmonds)."""

import numpy as np

from lingon.core.errors import NotFinite
from lingon.core.shapes import Float, Int
from lingon.kernels.jit import kernel

__all__ = ["best_heads"]


def best_heads(scores: Float[np.ndarray, "B W H"], lengths: Int[np.ndarray, " B"]) -> Int[np.ndarray, "B W"]:
    """Return the heads of the trees with the largest sums of scores, one tree with one root for each sentence.

    scores: [b, i, j] is the score of word i (from 0) with head j, where 0 is the root and j the word j - 1; H is W + 1.
    Scores beyond the lengths are not read. Returned heads count words from 1; 0 is the root, and padding.
    A tree takes O(W^2), and little more than one pass over the scores if the best heads already form a tree.
    Sources: Chu and Liu 1965, Edmonds 1967; contraction in a dense matrix with a row for each node, as in Tarjan 1977;
    a single root by a penalty on root arcs that no other arcs can offset (Stanojevic and Cohen 2021). Raises NotFinite
    for scores that are not finite.

    >>> scores = np.array([[[1.0, 0.0, 9.0], [2.0, 8.0, 0.0]]])  # both words would have the other one as head
    >>> best_heads(scores, np.array([2])).tolist()
    [[2, 0]]
    """
    heads = np.zeros(scores.shape[:2], np.int64)
    for row, length in enumerate(lengths.tolist()):
        own = np.ascontiguousarray(scores[row, :length, : length + 1], dtype=np.float64)
        if not np.isfinite(own).all():
            raise NotFinite("the scores of heads are not all finite numbers; the weights of the parser are broken")
        heads[row, :length] = one_tree(own)
    return heads


def one_tree(scores: Float[np.ndarray, "W H"]) -> Int[np.ndarray, " W"]:
    """Return the heads of the best tree of one sentence; see `best_heads`."""
    words = len(scores)
    own = np.arange(words)
    if words < 2:
        return np.zeros(words, np.int64)
    scores = scores.copy()
    scores[own, own + 1] = -np.inf  # no word is its own head
    heads = scores.argmax(1)
    if (heads == 0).sum() == 1 and is_tree(heads):
        return heads
    rest = scores[np.isfinite(scores)]
    scores[:, 0] -= words * (rest.max() - rest.min()) + 1.0
    return arborescence(scores)


@kernel
def is_tree(heads: np.ndarray) -> bool:
    """Return whether every word leads to the root. heads: from 1, 0 for the root."""
    walk = np.zeros(len(heads) + 1, np.int64)
    walk[0] = -1
    for start in range(1, len(walk)):
        word = start
        while walk[word] == 0:
            walk[word] = start
            word = heads[word - 1]
        if walk[word] == start:
            return False
        word = start
        while walk[word] == start:  # what leads to the root is not walked again
            walk[word] = -1
            word = heads[word - 1]
    return True


@kernel
def arborescence(scores: np.ndarray) -> np.ndarray:
    """Return the heads of the best arborescence from node 0, which may have several children.

    scores: [W, W + 1], changed in place; -inf for a word as its own head. A walk goes from each word to its best head.
    When it closes a cycle, the cycle is contracted into one of its words, whose row then represents all of them: the
    score of an arc into the contraction is its gain over the arc of the cycle that it replaces. In the end the
    contractions are expanded, last first.
    """
    words = len(scores)
    into = np.empty((words, words + 1), np.int32)  # the word that the arc of a score leads to
    for word in range(words):
        into[word] = word
    at = np.arange(-1, words)  # the word that a head, from 0 for the root, is contracted into
    number = np.arange(words)  # of the word, or else the last contraction, whose row it is
    inside = np.full(2 * words, -1)  # the contraction that a word or a contraction is in
    arc = np.zeros((2 * words, 2), np.int64)  # head and word of the arc into it that was chosen
    best = np.zeros(words, np.int64)
    walked, path, made = np.full(words, -1), np.zeros(words, np.int64), words
    for word in range(words):
        best[word] = np.argmax(scores[word])
    for start in range(words):
        word, size = start, 0
        if at[start + 1] != start or walked[start] >= 0:
            continue
        while word >= 0 and (walked[word] < 0 or walked[word] == start):
            if walked[word] < 0:
                walked[word], path[size], size = start, word, size + 1
            else:
                begin = size - 1
                while path[begin] != word:
                    begin -= 1
                for member in path[begin:size]:
                    arc[number[member], 0], arc[number[member], 1] = best[member], into[member, best[member]]
                    inside[number[member]] = made
                _contract(scores, into, best, at, path[begin:size])
                number[word], made, size = made, made + 1, begin + 1
            word = at[best[word]]
    for word in range(words):
        if at[word + 1] == word:
            arc[number[word], 0], arc[number[word], 1] = best[word], into[word, best[word]]
    for contraction in range(made - 1, words - 1, -1):
        member = arc[contraction, 1]
        while inside[member] != contraction:
            member = inside[member]
        arc[member] = arc[contraction]
    return arc[:words, 0].copy()


@kernel
def _contract(scores: np.ndarray, into: np.ndarray, best: np.ndarray, at: np.ndarray, cycle: np.ndarray) -> None:
    """Contract a cycle into the row of its first word, and find its best head."""
    word = cycle[0]
    inner = np.zeros(len(scores), np.bool_)
    for member in cycle:
        inner[member] = True
    scores[word] -= scores[word, best[word]]
    for member in cycle[1:]:
        cost = scores[member, best[member]]
        for head in range(scores.shape[1]):
            if scores[member, head] - cost > scores[word, head]:
                scores[word, head], into[word, head] = scores[member, head] - cost, into[member, head]
    for head in range(1, scores.shape[1]):
        if inner[at[head]]:
            at[head] = word
            scores[word, head] = -np.inf
    best[word] = np.argmax(scores[word])
