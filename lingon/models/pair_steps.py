"""The arithmetic of word2vec: one step for pairs of rows, by the gradient of a logistic loss, in compiled loops."""

import numpy as np

from lingon.core.kernel import fast_kernel

F = np.float32
ONE, HALF, ZERO = F(1), F(0.5), F(0)
# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 7.9, to some units in the last place: the coefficients of Eigen and XLA.
P0, P1, P2, P3 = F(4.89352455891786e-03), F(6.37261928875436e-04), F(1.48572235717979e-05), F(5.12229709037114e-08)
P4, P5, P6 = F(-8.60467152213735e-11), F(2.00018790482477e-13), F(-2.76076847742355e-16)
Q0, Q1, Q2, Q3 = F(4.89352518554385e-03), F(2.26843463243900e-03), F(1.18534705686654e-04), F(1.19825839466702e-06)
FLAT = F(7.9)


@fast_kernel
def step(A, ins, m, B, outs, n, labels, scores, moves, lr, watched):
    """One step for all pairs of m rows of A and n rows of B; returns the loss before it, if watched.

    scores[j * m + i] = A_i . B_j;  g = lr * (label_j - s(score));  A_i += sum_j g B_j;  B_j += sum_i g A_i, both from
    the old rows.
    """
    scores_of(A, ins, m, B, outs, n, scores)
    width = A.shape[1]
    loss = loss_of(scores, labels, m, n) if watched else 0.0
    errors(scores, labels, m, n, lr)
    for j in range(n):
        combine(A, ins, m, scores, j * m, 1, moves, np.uint64(j), ZERO)
    for i in range(m):
        combine(B, outs, n, scores, i, m, A, ins[i], ONE)
    for j in range(n):
        b0 = outs[j]
        for d in range(width):
            B[b0, d] += moves[j, d]
    return loss


@fast_kernel
def mean_step(A, ins, m, B, outs, n, labels, scores, mean, pull, lr, watched):
    """One step for the pairs of the mean of m rows of A and n rows of B; returns the loss before it, if watched.

    g_j = lr * (label_j - s(mean . B_j));  A_i += sum_j g_j B_j for each i;  B_j += g_j mean, both from the old rows.
    scores [at least n and m], mean and pull [1, D] are room to work in.
    """
    width, only = A.shape[1], np.zeros(1, np.uint64)
    scores[:m] = ONE / F(m)
    combine(A, ins, m, scores, 0, 1, mean, only[0], ZERO)
    scores_of(mean, only, 1, B, outs, n, scores)
    loss = loss_of(scores, labels, 1, n) if watched else 0.0
    errors(scores, labels, 1, n, lr)
    combine(B, outs, n, scores, 0, 1, pull, only[0], ZERO)
    for j in range(n):
        b0, g0 = outs[j], scores[j]
        for d in range(width):
            B[b0, d] += g0 * mean[0, d]
    for i in range(m):
        a0 = ins[i]
        for d in range(width):
            A[a0, d] += pull[0, d]
    return loss


@fast_kernel
def scores_of(A, ins, m, B, outs, n, scores):
    """scores[j * m + i] = A_i . B_j, unrolled by hand so that a row which is in registers serves several others."""
    width = A.shape[1]
    j = 0
    while j + 3 <= n:
        b0, b1, b2 = outs[j], outs[j + 1], outs[j + 2]
        i = 0
        while i + 2 <= m:
            a0, a1 = ins[i], ins[i + 1]
            s00, s01, s02, s10, s11, s12 = ZERO, ZERO, ZERO, ZERO, ZERO, ZERO
            for d in range(width):
                s00 += A[a0, d] * B[b0, d]
                s01 += A[a0, d] * B[b1, d]
                s02 += A[a0, d] * B[b2, d]
                s10 += A[a1, d] * B[b0, d]
                s11 += A[a1, d] * B[b1, d]
                s12 += A[a1, d] * B[b2, d]
            scores[j * m + i], scores[(j + 1) * m + i], scores[(j + 2) * m + i] = s00, s01, s02
            scores[j * m + i + 1], scores[(j + 1) * m + i + 1], scores[(j + 2) * m + i + 1] = s10, s11, s12
            i += 2
        if i < m:
            a0, s00, s01, s02 = ins[i], ZERO, ZERO, ZERO
            for d in range(width):
                s00 += A[a0, d] * B[b0, d]
                s01 += A[a0, d] * B[b1, d]
                s02 += A[a0, d] * B[b2, d]
            scores[j * m + i], scores[(j + 1) * m + i], scores[(j + 2) * m + i] = s00, s01, s02
        j += 3
    while j < n:
        b0 = outs[j]
        for i in range(m):
            a0, s00 = ins[i], ZERO
            for d in range(width):
                s00 += A[a0, d] * B[b0, d]
            scores[j * m + i] = s00
        j += 1


@fast_kernel
def combine(rows, which, count, weights, start, stride, out, at, old):
    """out[at] = old * out[at] + sum_k weights[start + k * stride] * rows[which[k]]; six rows at a time."""
    width, k = rows.shape[1], 0
    if old == ZERO:
        for d in range(width):
            out[at, d] = ZERO
    while k + 3 <= count:
        r0, r1, r2 = which[k], which[k + 1], which[k + 2]
        w = start + k * stride
        g0, g1, g2 = weights[w], weights[w + stride], weights[w + 2 * stride]
        if k + 6 <= count:
            r3, r4, r5 = which[k + 3], which[k + 4], which[k + 5]
            w += 3 * stride
            g3, g4, g5 = weights[w], weights[w + stride], weights[w + 2 * stride]
            for d in range(width):
                low = g0 * rows[r0, d] + g1 * rows[r1, d] + g2 * rows[r2, d]
                out[at, d] += low + (g3 * rows[r3, d] + g4 * rows[r4, d] + g5 * rows[r5, d])
            k += 6
        else:
            for d in range(width):
                out[at, d] += g0 * rows[r0, d] + g1 * rows[r1, d] + g2 * rows[r2, d]
            k += 3
    while k < count:
        r0, g0 = which[k], weights[start + k * stride]
        for d in range(width):
            out[at, d] += g0 * rows[r0, d]
        k += 1


@fast_kernel
def errors(scores, labels, m, n, lr):
    """Replaces each score by lr * (label - s(score))."""
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
def loss_of(scores, labels, m, n):
    """The sum of -log s(score) where the label is 1, else of -log s(-score)."""
    total = 0.0
    for j in range(n):
        for i in range(j * m, j * m + m):
            x = scores[i] if labels[j] == ZERO else -scores[i]
            total += max(x, ZERO) + np.log1p(np.exp(-abs(x)))
    return total
