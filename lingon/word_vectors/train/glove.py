"""GloVe: word vectors whose products are the logarithms of how often words stand near each other.

J = sum over pairs f(X_ij) (w_i . c_j + b_i + b'_j - log X_ij)^2 / 2 with f(x) = min(1, (x / x_max)^alpha), a step for
each pair by AdaGrad. Source: Pennington, Socher, Manning, "GloVe: Global Vectors for Word Representation", 2014.
"""

from typing import NamedTuple

import numpy as np

from lingon.kernels.jit import fast_kernel

F = np.float32
ONE, HALF, ZERO = F(1), F(0.5), F(0)
X_MAX, ALPHA = F(100), F(0.75)


class Side(NamedTuple):
    """The vectors of words, last their biases, and sums of squared gradients, both float32 [V, D + 1]."""

    table: np.ndarray
    squares: np.ndarray


def new_side(words: int, width: int, random: np.random.Generator) -> Side:
    """Small random vectors, as the authors' program begins: +-0.5 / (D + 1)."""
    table = ((random.random((words, width + 1), np.float32) - HALF) / F(width + 1)).astype(np.float32)
    return Side(table, np.ones_like(table))


@fast_kernel
def train_glove(rows, cols, values, first, count, stride, words, contexts, lr):
    """A step for `count` pairs: number first, first + 1 ... of the walk that goes `stride` further each time, mod N.

    rows, cols, values [N]: pairs and how often they were counted. Returns the sum of the weighted squares / 2.
    """
    width, total, lr = words.table.shape[1] - 1, len(rows), F(lr)
    loss = 0.0
    for k in range(first, first + count):
        at = (k * stride) % total
        i, j, x = rows[at], cols[at], values[at]
        score = words.table[i, width] + contexts.table[j, width] - np.log(x)
        for d in range(width):
            score += words.table[i, d] * contexts.table[j, d]
        weight = (x / X_MAX) ** ALPHA if x < X_MAX else ONE
        error = weight * score
        loss += HALF * error * score
        for d in range(width + 1):
            a, b = words.table[i, d], contexts.table[j, d]
            last = d == width
            g, h = error * (ONE if last else b), error * (ONE if last else a)
            words.table[i, d] = a - lr * g / np.sqrt(words.squares[i, d])
            contexts.table[j, d] = b - lr * h / np.sqrt(contexts.squares[j, d])
            words.squares[i, d] += g * g
            contexts.squares[j, d] += h * h
    return loss
