"""Skip-gram and CBOW, with negative samples or a tree of words, in compiled loops.

A word w and its neighbours c inside a window: the score of a pair is the product of an input and an output vector.
Skip-gram takes each neighbour's input vector, CBOW the mean of all neighbours'. The loss of a pair is

    negative samples:  -log s(x_c . y_w) - sum_n log s(-x_c . y_n)        n: k words drawn with P(n) ~ count(n)^3/4
    tree of words:     -sum over the nodes above w of log s(+-x_c . y_node)   +: left, -: right

Sources: Mikolov, Chen, Corrado, Dean, "Efficient Estimation of Word Representations in Vector Space", 2013; Mikolov,
Sutskever, Chen, Corrado, Dean, "Distributed Representations of Words and Phrases and their Compositionality", 2013.
Subwords, where a word's input vector is the mean of those of its parts: `lingon.models.subwords`.

How it differs from the authors' program: the k samples of a word serve all its neighbours, so that the work is a
product of two small matrices and each row is fetched once (Ji, Satish, Li, Dubey, "Parallelizing Word2Vec in Shared
and Distributed Memory", 2016, section 3); the logistic function is a rational approximation, not a table with a cut.
As there, the rows behind a mean all move by the gradient of the mean, which is their own gradient times their number.
"""

from typing import NamedTuple

import numpy as np

from lingon.core.kernel import fast_kernel

F = np.float32
ONE, HALF, ZERO = F(1), F(0.5), F(0)
WATCHED = 31  # the loss is computed for one word in 32, because a logarithm costs as much as a row
TO_SHARE = F(1 / (1 << 24))
S7, S8, S13, S17, S32, S33, S40, LOW24 = (np.uint64(n) for n in (7, 8, 13, 17, 32, 33, 40, (1 << 24) - 1))
# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 7.9, to some units in the last place: the coefficients of Eigen and XLA.
P0, P1, P2, P3 = F(4.89352455891786e-03), F(6.37261928875436e-04), F(1.48572235717979e-05), F(5.12229709037114e-08)
P4, P5, P6 = F(-8.60467152213735e-11), F(2.00018790482477e-13), F(-2.76076847742355e-16)
Q0, Q1, Q2, Q3 = F(4.89352518554385e-03), F(2.26843463243900e-03), F(1.18534705686654e-04), F(1.19825839466702e-06)
FLAT = F(7.9)


class Draws(NamedTuple):
    """How words are drawn. keep: share of each word's occurrences that are read. prob, alias: Walker's tables."""

    keep: np.ndarray  # float32 [V]
    prob: np.ndarray  # float32 [V]
    alias: np.ndarray  # int32 [V]


class Tree(NamedTuple):
    """The way to each word: its nodes are nodes[starts[w] : starts[w + 1]], left is 1. No words: negative samples."""

    starts: np.ndarray  # int64 [V + 1]
    nodes: np.ndarray  # int32
    left: np.ndarray  # float32


class Parts(NamedTuple):
    """The input rows of each word: rows[starts[w] : starts[w + 1]]. No words: row w alone."""

    starts: np.ndarray  # int64 [V + 1]
    rows: np.ndarray  # int32


class Scheme(NamedTuple):
    """window: most neighbours on a side. negatives: samples of a word. skipgram: else CBOW."""

    window: int
    negatives: int
    skipgram: bool


NO_TREE = Tree(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, F))
NO_PARTS = Parts(np.zeros(0, np.int64), np.zeros(0, np.int32))


@fast_kernel
def train(ids, inputs, outputs, draws, tree, parts, scheme, lr, seed):
    """Trains on some word numbers, -1 after each line, in their order. All that is random follows from `seed`.

    inputs [rows, D], outputs [V or nodes, D]: changed in place; columns of zeros stay zeros. seed: not 0.
    Returns the sum of the losses that were watched, of how many pairs, and how many words were read.
    """
    window, width, lr = scheme.window, inputs.shape[1], F(lr)
    most_in, most_out = 2 * window, max(scheme.negatives + 1, _longest(tree.starts))
    line, ins, outs = np.empty(len(ids), np.uint64), np.empty(most_in, np.uint64), np.empty(most_out, np.uint64)
    labels, scores = np.empty(most_out, F), np.empty(most_in * most_out, F)
    moves, mean, move = np.empty((most_out, width), F), np.empty((1, width), F), np.empty((1, width), F)
    with_parts, first = len(parts.starts) > 0, np.zeros(1, np.uint64)
    # With parts, the vectors of the words of a window are made once, and stand in a ring while the window passes.
    ring = np.empty((_power_of_two(most_in + 2), width), F) if with_parts else np.empty((1, 1), F)
    before = np.empty_like(ring)
    mask = np.uint64(len(ring) - 1)
    loss, pairs, words, at, state = 0.0, 0, 0, 0, np.uint64(seed)
    while at < len(ids):
        length = 0
        while at < len(ids) and ids[at] >= 0:
            state = _random(state)
            if F(state >> S40) * TO_SHARE < draws.keep[ids[at]]:
                line[length] = ids[at]
                length += 1
            at += 1
        at += 1
        words += length
        made = 0
        for t in range(length):
            state = _random(state)
            reach = 1 + np.int64((state >> S33) % np.uint64(window))
            m = 0
            if with_parts:
                while made < min(length, t + window + 1):
                    _make(inputs, parts, line[made], ring, before, np.uint64(made) & mask)
                    made += 1
                for c in range(max(0, t - reach), min(length, t + reach + 1)):
                    if c != t:
                        ins[m] = np.uint64(c) & mask
                        m += 1
            else:
                for c in range(max(0, t - reach), min(length, t + reach + 1)):
                    if c != t:
                        ins[m] = line[c]
                        m += 1
            if m > 0:
                n, state = _targets(line[t], draws, tree, scheme.negatives, outs, labels, state)
                watched = (words + t) & WATCHED == 0
                table = ring if with_parts else inputs
                if scheme.skipgram:
                    loss += _step(table, ins, m, outputs, outs, n, labels, scores, moves, lr, watched)
                    pairs += m if watched else 0
                else:
                    _mean(table, ins, m, mean, move)
                    loss += _step(move, first, 1, outputs, outs, n, labels, scores, moves, lr, watched)
                    pairs += 1 if watched else 0
                    _spread(table, ins, m, mean, move)
            if with_parts and t >= window:
                _give_back(inputs, parts, line[t - window], ring, before, np.uint64(t - window) & mask)
        if with_parts:
            for t in range(max(0, length - window), length):
                _give_back(inputs, parts, line[t], ring, before, np.uint64(t) & mask)
    return loss, pairs, words


@fast_kernel
def _random(state):
    """Marsaglia, "Xorshift RNGs", 2003."""
    state ^= state << S13
    state ^= state >> S7
    return state ^ (state << S17)


@fast_kernel
def _longest(starts):
    longest = 0
    for i in range(len(starts) - 1):
        longest = max(longest, starts[i + 1] - starts[i])
    return longest


@fast_kernel
def _power_of_two(least):
    size = 1
    while size < least:
        size *= 2
    return size


@fast_kernel
def _targets(word, draws, tree, negatives, outs, labels, state):
    """The output rows that a word is held against, and their labels."""
    if len(tree.starts):
        start = tree.starts[word]
        n = tree.starts[word + np.uint64(1)] - start
        for j in range(n):
            outs[j], labels[j] = tree.nodes[start + j], tree.left[start + j]
        return n, state
    outs[0], labels[0] = word, ONE
    n, size = 1, np.uint64(len(draws.prob))
    for _ in range(negatives):
        state = _random(state)
        drawn = ((state >> S32) * size) >> S32
        if F((state >> S8) & LOW24) * TO_SHARE >= draws.prob[drawn]:
            drawn = np.uint64(draws.alias[drawn])
        if drawn != word:
            outs[n], labels[n] = drawn, ZERO
            n += 1
    return n, state


@fast_kernel
def _step(A, ins, m, B, outs, n, labels, scores, moves, lr, watched):
    """One step for all pairs of m rows of A and n rows of B; returns the loss before it, if watched.

    scores[j * m + i] = A_i . B_j;  g = lr * (label_j - s(score));  A_i += sum_j g B_j;  B_j += sum_i g A_i, both from
    the old rows. The loops are unrolled by hand so that a row which is in registers serves several others.
    """
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
    loss = _loss(scores, labels, m, n) if watched else 0.0
    _errors(scores, labels, m, n, lr)
    for j in range(n):
        _combine(A, ins, m, scores, j * m, 1, moves, np.uint64(j), ZERO)
    for i in range(m):
        _combine(B, outs, n, scores, i, m, A, ins[i], ONE)
    for j in range(n):
        b0 = outs[j]
        for d in range(width):
            B[b0, d] += moves[j, d]
    return loss


@fast_kernel
def _combine(rows, which, count, weights, start, stride, out, at, old):
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
def _errors(scores, labels, m, n, lr):
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
def _loss(scores, labels, m, n):
    """The sum of -log s(score) where the label is 1, else of -log s(-score)."""
    total = 0.0
    for j in range(n):
        for i in range(j * m, j * m + m):
            x = scores[i] if labels[j] == ZERO else -scores[i]
            total += max(x, ZERO) + np.log1p(np.exp(-abs(x)))
    return total


@fast_kernel
def _mean(table, ins, m, mean, move):
    """The mean of some rows, twice: the one copy is then moved by a step, so that the difference is the step."""
    share = ONE / F(m)
    width, i = table.shape[1], 2
    if m == 1:
        for d in range(width):
            mean[0, d] = table[ins[0], d]
    else:
        for d in range(width):
            mean[0, d] = table[ins[0], d] + table[ins[1], d]
    while i + 2 <= m:
        for d in range(width):
            mean[0, d] += table[ins[i], d] + table[ins[i + 1], d]
        i += 2
    if i < m:
        for d in range(width):
            mean[0, d] += table[ins[i], d]
    for d in range(width):
        mean[0, d] *= share
        move[0, d] = mean[0, d]


@fast_kernel
def _spread(table, ins, m, mean, move):
    width = table.shape[1]
    for d in range(width):
        move[0, d] -= mean[0, d]
    for i in range(m):
        a0 = ins[i]
        for d in range(width):
            table[a0, d] += move[0, d]


@fast_kernel
def _make(inputs, parts, word, ring, before, place):
    """The mean of the rows of a word's parts."""
    start, end, width = parts.starts[word], parts.starts[word + np.uint64(1)], inputs.shape[1]
    share, k = ONE / F(end - start), start
    for d in range(width):
        ring[place, d] = ZERO
    while k + 4 <= end:
        r0, r1, r2, r3 = _four(parts.rows, k)
        for d in range(width):
            ring[place, d] += (inputs[r0, d] + inputs[r1, d]) + (inputs[r2, d] + inputs[r3, d])
        k += 4
    while k < end:
        r0 = np.uint64(parts.rows[k])
        for d in range(width):
            ring[place, d] += inputs[r0, d]
        k += 1
    for d in range(width):
        ring[place, d] *= share
        before[place, d] = ring[place, d]


@fast_kernel
def _four(rows, k):
    return np.uint64(rows[k]), np.uint64(rows[k + 1]), np.uint64(rows[k + 2]), np.uint64(rows[k + 3])


@fast_kernel
def _give_back(inputs, parts, word, ring, before, place):
    """Every part moves as far as the mean did while its word was in the window."""
    width = inputs.shape[1]
    for d in range(width):
        before[place, d] = ring[place, d] - before[place, d]
    for k in range(parts.starts[word], parts.starts[word + np.uint64(1)]):
        r0 = np.uint64(parts.rows[k])
        for d in range(width):
            inputs[r0, d] += before[place, d]
