"""CBOW with negative samples, some neighbouring words at a time.

Their windows overlap: the mean of a window is a difference of two running sums, and what it gives back to its rows is
added up on the way through. The samples serve all words of a group, so that their rows are fetched once. The rows are
those from before the group, as in a small batch. Objective and sources: `lingon.models.word2vec`.
"""

from typing import NamedTuple

import numpy as np

from lingon.core.kernel import fast_kernel
from lingon.models.pair_steps import ONE, ZERO, F, combine, errors, loss_of, scores_of
from lingon.models.word2vec import S33, drawn_by, line_of, random

GROUP = 8  # words that share samples
NEVER = F(-100)  # the score of a sample that is the word itself: no loss, no gradient
WATCHED = 4  # of so many groups the loss of one is computed


class Room(NamedTuple):
    """Memory for one group after the other."""

    means: np.ndarray  # [GROUP, D] of the windows
    pulls: np.ndarray  # [GROUP, D] how far the means are to move
    pushes: np.ndarray  # [samples, D] how far the rows of the samples are
    scores: np.ndarray  # [samples * GROUP], then errors
    own: np.ndarray  # [GROUP] the same for the words themselves
    numbers: np.ndarray  # 0 .. GROUP - 1
    apart: np.ndarray  # labels of samples, 0
    alike: np.ndarray  # the label of the word itself, 1


@fast_kernel
def train_cbow(ids, inputs, outputs, draws, scheme, lr, seed):
    """What `lingon.models.word2vec.train` does, for CBOW without a tree and without parts."""
    window, n, width, near = scheme.window, scheme.negatives, inputs.shape[1], GROUP + 2 * scheme.window
    line, drawn = np.empty(len(ids), np.uint64), np.empty(n, np.uint64)
    left, right = np.empty(GROUP, np.int64), np.empty(GROUP, np.int64)
    sums, moves = np.zeros((near + 1, width), F), np.empty((near + 1, width), F)
    means, pulls, pushes = np.empty((GROUP, width), F), np.empty((GROUP, width), F), np.empty((n, width), F)
    scores, own, numbers = np.empty(n * GROUP, F), np.empty(GROUP, F), np.arange(GROUP).astype(np.uint64)
    room = Room(means, pulls, pushes, scores, own, numbers, np.zeros(n, F), np.ones(1, F))
    loss, pairs, words, groups, at, state = 0.0, 0, 0, 0, 0, np.uint64(seed)
    while at < len(ids):
        length, at, state = line_of(ids, at, draws, line, state)
        words += length
        for start in range(0, length if length > 1 else 0, GROUP):
            centres = line[start : min(start + GROUP, length)]
            low, high = max(0, start - window), min(length, start + len(centres) + window)
            for i in range(len(centres)):
                state = random(state)
                reach = 1 + np.int64((state >> S33) % np.uint64(window))
                left[i], right[i] = max(low, start + i - reach) - low, min(high, start + i + reach + 1) - low
            for j in range(n):
                drawn[j], state = drawn_by(draws, state)
            watched = groups % WATCHED == 0
            _means(inputs, line[low:high], sums, centres, left, right, means)
            loss += _step(room, centres, outputs, drawn, F(lr), watched)
            _give_back(inputs, line[low:high], moves, start - low, left, right, len(centres), pulls)
            pairs += len(centres) if watched else 0
            groups += 1
    return loss, pairs, words


@fast_kernel
def _step(room, centres, outputs, drawn, lr, watched):
    """Moves the output rows of a group, finds how far its means are to move; the loss before, if watched."""
    means, pulls, pushes, scores, own, numbers, apart, alike = room
    m, n, width = len(centres), len(drawn), means.shape[1]
    scores_of(means, numbers, m, outputs, drawn, n, scores)
    for i in range(m):
        for j in range(n):
            if drawn[j] == centres[i]:
                scores[j * m + i] = NEVER
        total, c = ZERO, centres[i]
        for d in range(width):
            total += means[i, d] * outputs[c, d]
        own[i] = total
    loss = loss_of(scores, apart, m, n) + loss_of(own, alike, m, 1) if watched else 0.0
    errors(scores, apart, m, n, lr)
    errors(own, alike, m, 1, lr)
    for j in range(n):
        combine(means, numbers, m, scores, j * m, 1, pushes, np.uint64(j), ZERO)
    for i in range(m):
        combine(outputs, drawn, n, scores, i, m, pulls, np.uint64(i), ZERO)
    for i in range(m):
        g, c = own[i], centres[i]  # looked up once: within the loop they might have changed, for all that is known
        for d in range(width):
            pulls[i, d] += g * outputs[c, d]
            outputs[c, d] += g * means[i, d]
    for j in range(n):
        o = drawn[j]
        for d in range(width):
            outputs[o, d] += pushes[j, d]
    return loss


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
