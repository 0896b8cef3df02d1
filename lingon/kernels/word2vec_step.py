"""The update of word2vec for pairs of rows: one gradient step of a logistic loss, in compiled loops."""

import numpy as np

from lingon.kernels.jit import fast_kernel
from lingon.kernels.simd_rows import read_row, row_dot, write_row

F = np.float32
ONE, HALF, ZERO = F(1), F(0.5), F(0)
# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 7.9, to a few units in the last place: the coefficients of Eigen and XLA.
P0, P1, P2, P3 = F(4.89352455891786e-03), F(6.37261928875436e-04), F(1.48572235717979e-05), F(5.12229709037114e-08)
P4, P5, P6 = F(-8.60467152213735e-11), F(2.00018790482477e-13), F(-2.76076847742355e-16)
Q0, Q1, Q2, Q3 = F(4.89352518554385e-03), F(2.26843463243900e-03), F(1.18534705686654e-04), F(1.19825839466702e-06)
FLAT = F(7.9)


@fast_kernel
def update_pairs(A, ins, m, B, outs, n, labels, scores, moves, lr, watched, lines):
    """Make one step for all pairs of m rows of A and n rows of B; return the loss before it if `watched`, else 0.

    scores[j * m + i] = A_i . B_j;  g = lr * (label_j - s(score));  A_i += sum_j g B_j;  B_j += sum_i g A_i, both from
    the old rows. scores [at least m * n] and moves [at least n, D] are workspace. lines: see `kernels.simd_rows`.
    """
    for j in range(n):
        other = read_row(B, outs[j], lines)
        for i in range(m):
            scores[j * m + i] = row_dot(read_row(A, ins[i], lines), other)
    loss = logistic_loss(scores, labels, m, n) if watched else 0.0
    logistic_errors(scores, labels, m, n, lr)
    for j in range(n):
        move = read_row(A, ins[0], lines) * scores[j * m]
        for i in range(1, m):
            move = move + read_row(A, ins[i], lines) * scores[j * m + i]
        write_row(moves, np.uint64(j), move)
    for i in range(m):
        moved = read_row(A, ins[i], lines)
        for j in range(n):
            moved = moved + read_row(B, outs[j], lines) * scores[j * m + i]
        write_row(A, ins[i], moved)
    for j in range(n):
        write_row(B, outs[j], read_row(B, outs[j], lines) + read_row(moves, np.uint64(j), lines))
    return loss


@fast_kernel
def update_mean_pairs(A, ins, m, B, outs, n, labels, scores, lr, watched, lines):
    """Make one step for pairs of the mean of m rows of A and n rows of B; return the loss before it if `watched`.

    g_j = lr * (label_j - s(mean . B_j));  A_i += sum_j g_j B_j for each i;  B_j += g_j mean, both from the old rows.
    scores [at least n] is workspace. lines: see `kernels.simd_rows`.
    """
    mean = read_row(A, ins[0], lines)
    for i in range(1, m):
        mean = mean + read_row(A, ins[i], lines)
    mean = mean * (ONE / F(m))
    for j in range(n):
        scores[j] = row_dot(mean, read_row(B, outs[j], lines))
    loss = logistic_loss(scores, labels, 1, n) if watched else 0.0
    logistic_errors(scores, labels, 1, n, lr)
    pull = mean * ZERO
    for j in range(n):
        other = read_row(B, outs[j], lines)
        pull = pull + other * scores[j]
        write_row(B, outs[j], other + mean * scores[j])
    for i in range(m):
        write_row(A, ins[i], read_row(A, ins[i], lines) + pull)
    return loss


@fast_kernel
def logistic_errors(scores, labels, m, n, lr):
    """Replace each score by lr * (label - s(score))."""
    for i in range(m * n):
        x = min(FLAT, max(-FLAT, HALF * scores[i]))
        q = x * x
        top = P0 + q * (P1 + q * (P2 + q * (P3 + q * (P4 + q * (P5 + q * P6)))))
        scores[i] = -lr * (HALF + HALF * x * top / (Q0 + q * (Q1 + q * (Q2 + q * Q3))))
    for j in range(n):
        if labels[j] > ZERO:
            for i in range(j * m, j * m + m):
                scores[i] += lr


@fast_kernel
def logistic_loss(scores, labels, m, n):
    """Return the sum of -log s(score) where the label is 1, else of -log s(-score)."""
    total = 0.0
    for j in range(n):
        for i in range(j * m, j * m + m):
            x = scores[i] if labels[j] == ZERO else -scores[i]
            total += max(x, ZERO) + np.log1p(np.exp(-abs(x)))
    return total
