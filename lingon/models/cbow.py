"""CBOW with negative samples, some neighbouring words at a time.

Their windows overlap: the mean of a window is a difference of two running sums, and what it gives back to its rows is
added up on the way through. The samples serve all words of a group, so that their rows are fetched once. The rows are
those from before the group, as in a small batch. Objective and sources: `lingon.models.word2vec`.
"""

import numpy as np

from lingon.core.kernel import fast_kernel
from lingon.models.pair_steps import ONE, ZERO, F, combine, errors, loss_of, scores_of
from lingon.models.word2vec import S33, drawn_by, line_of, random

GROUP = 8  # words that share samples
NEVER = F(-100)  # the score of a sample that is the word itself: no loss, no gradient
WATCHED = 4  # of so many groups the loss of one is computed


@fast_kernel
def train_cbow(ids, inputs, outputs, draws, scheme, lr, seed):
    """What `lingon.models.word2vec.train` does, for CBOW without a tree and without parts."""
    window, width, n, lr = scheme.window, inputs.shape[1], scheme.negatives, F(lr)
    line, numbers = np.empty(len(ids), np.uint64), np.arange(GROUP).astype(np.uint64)
    outs, labels, ones = np.empty(n, np.uint64), np.zeros(n, F), np.ones(GROUP, F)
    sums, moves = np.zeros((GROUP + 2 * window + 1, width), F), np.empty((GROUP + 2 * window + 1, width), F)
    means, pulls, pushes = np.empty((GROUP, width), F), np.empty((GROUP, width), F), np.empty((n, width), F)
    scores, own = np.empty(n * GROUP, F), np.empty(GROUP, F)
    left, right = np.empty(GROUP, np.int64), np.empty(GROUP, np.int64)
    loss, pairs, words, groups, at, state = 0.0, 0, 0, 0, 0, np.uint64(seed)
    while at < len(ids):
        length, at, state = line_of(ids, at, draws, line, state)
        words += length
        for start in range(0, length if length > 1 else 0, GROUP):
            m = min(GROUP, length - start)
            low, high = max(0, start - window), min(length, start + m + window)
            for i in range(m):
                state = random(state)
                reach = 1 + np.int64((state >> S33) % np.uint64(window))
                left[i], right[i] = max(0, start + i - reach) - low, min(length, start + i + reach + 1) - low
            for j in range(n):
                outs[j], state = drawn_by(draws, state)
            centres = line[start : start + m]
            _means(inputs, line[low:high], sums, centres, left, right, means)
            scores_of(means, numbers, m, outputs, outs, n, scores)
            for j in range(n):
                for i in range(m):
                    if outs[j] == centres[i]:
                        scores[j * m + i] = NEVER
            for i in range(m):
                total = ZERO
                for d in range(width):
                    total += means[i, d] * outputs[centres[i], d]
                own[i] = total
            if groups % WATCHED == 0:
                loss += loss_of(scores, labels, m, n) + loss_of(own, ones, m, 1)
                pairs += m
            groups += 1
            errors(scores, labels, m, n, lr)
            errors(own, ones, m, 1, lr)
            for j in range(n):
                combine(means, numbers, m, scores, j * m, 1, pushes, np.uint64(j), ZERO)
            for i in range(m):
                combine(outputs, outs, n, scores, i, m, pulls, np.uint64(i), ZERO)
            for i in range(m):
                g, c = own[i], centres[i]
                for d in range(width):
                    pulls[i, d] += g * outputs[c, d]
                    outputs[c, d] += g * means[i, d]
            for j in range(n):
                o = outs[j]
                for d in range(width):
                    outputs[o, d] += pushes[j, d]
            _give_back(inputs, line[low:high], moves, start - low, left, right, m, pulls)
    return loss, pairs, words


@fast_kernel
def _means(inputs, near, sums, centres, left, right, means):
    """means[i]: of the rows near[left[i]] to near[right[i] - 1] without the centre's own."""
    width = inputs.shape[1]
    for p in range(len(near)):
        row = near[p]
        for d in range(width):
            sums[p + 1, d] = sums[p, d] + inputs[row, d]
    for i in range(len(centres)):
        a, b, own, share = left[i], right[i], centres[i], ONE / F(right[i] - left[i] - 1)
        for d in range(width):
            means[i, d] = share * (sums[b, d] - sums[a, d] - inputs[own, d])


@fast_kernel
def _give_back(inputs, near, moves, first, left, right, m, pulls):
    """Each row moves by the sum of the pulls of the windows it is in, its own not among them."""
    width = inputs.shape[1]
    moves[: len(near) + 1] = ZERO
    for i in range(m):
        a, b = left[i], right[i]
        for d in range(width):
            moves[a, d] += pulls[i, d]
            moves[b, d] -= pulls[i, d]
    for p in range(len(near)):
        row, i = near[p], p - first
        if p > 0:
            for d in range(width):
                moves[p, d] += moves[p - 1, d]
        if 0 <= i < m:
            for d in range(width):
                inputs[row, d] += moves[p, d] - pulls[i, d]
        else:
            for d in range(width):
                inputs[row, d] += moves[p, d]
