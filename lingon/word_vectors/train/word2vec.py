"""Skip-gram and CBOW, with negative samples or a tree of words, in compiled loops.

A word w and its neighbours c inside a window: the score of a pair is the product of an input and an output vector.
Skip-gram takes each neighbour's input vector, CBOW the mean of all neighbours'. The loss of a pair is

    negative samples:  -log s(x_c . y_w) - sum_n log s(-x_c . y_n)        n: k words drawn with P(n) ~ count(n)^3/4
    tree of words:     -sum over the nodes above w of log s(+-x_c . y_node)   +: left, -: right

Sources: Mikolov, Chen, Corrado, Dean, "Efficient Estimation of Word Representations in Vector Space", 2013; Mikolov,
Sutskever, Chen, Corrado, Dean, "Distributed Representations of Words and Phrases and their Compositionality", 2013.
Subwords, where a word's input vector is the mean of those of its parts: `lingon.word_vectors.files.subwords`.

How it differs from the authors' program: in skip-gram the k samples of a word serve all its neighbours, so that it is a
product of two small matrices and each row is fetched once (Ji, Satish, Li, Dubey, "Parallelizing Word2Vec in Shared
and Distributed Memory", 2016, section 3); the logistic function is a rational approximation, not a table with a cut.
As there, the rows behind a mean all move by the gradient of the mean, which is their own gradient times their number.
"""

import numpy as np

from lingon.kernels.jit import fast_kernel
from lingon.kernels.prefetch import prefetch_row
from lingon.kernels.simd_rows import read_row, write_row
from lingon.kernels.word2vec_step import ONE, ZERO, F, update_mean_pairs, update_pairs

WATCHED = 31  # the loss is computed for one word in 32, because a logarithm costs as much as a row
TO_SHARE = F(1 / (1 << 24))
S7, S8, S13, S17, S32, S33, S40, LOW24 = (np.uint64(n) for n in (7, 8, 13, 17, 32, 33, 40, (1 << 24) - 1))


@fast_kernel
def train_lines(ids, inputs, outputs, draws, tree, parts, scheme, workspace, lr, seed, lines):
    """Train on some word numbers, -1 after each line, in their order. All that is random follows from `seed`.

    inputs [rows, D], outputs [V or nodes, D]: changed in place; columns of zeros stay zeros. workspace: see
    `workspace_for`; draws, tree, parts, scheme: see `tables`.
    seed: not 0. lines: a tuple with an element for each 16 of the D columns, see `kernels.simd_rows`. It takes no
    memory and raises nothing, so that it can be compiled ahead; `word2vec_loops` looks at what it is given.
    Returns the sum of the losses that were watched, of how many pairs, and how many words were read.
    """
    window, lr = scheme.window, F(lr)
    most_in, most_out, ring_size = 2 * window, workspace.targets, workspace.ring
    line, ins = workspace.words[: len(ids)], workspace.words[len(ids) : len(ids) + most_in]
    # What a word is held against is known while the word before it is worked on, so that its rows are asked for then.
    rest, marks = workspace.words[len(ids) + most_in :], workspace.scores[: 2 * most_out]
    outs, labels = (rest[:most_out], rest[most_out : 2 * most_out]), (marks[:most_out], marks[most_out:])
    scores, moves = workspace.scores[2 * most_out :], workspace.rows[:most_out]
    with_parts = len(parts.starts) > 0
    # With parts, the vectors of the words of a window are made once, and stand in a ring while the window passes.
    ring, before = workspace.rows[most_out : most_out + ring_size], workspace.rows[most_out + ring_size :]
    mask = np.uint64(ring_size - 1)
    loss, pairs, words, at, soon, state = 0.0, 0, 0, 0, 0, np.uint64(seed)
    while at < len(ids):
        length, at, state = line_of(ids, at, draws, line, state)
        words += length
        made = 0
        if length > 0:
            soon, state = _targets(line[0], draws, tree, scheme.negatives, outputs, outs[0], labels[0], state)
        for t in range(length):
            now, n = t & 1, soon
            if t + 1 < length:
                into = outs[1 - now], labels[1 - now]
                soon, state = _targets(line[t + 1], draws, tree, scheme.negatives, outputs, *into, state)
            if not with_parts and t + 1 + window < length:
                prefetch_row(inputs, line[t + 1 + window])
            state = random(state)
            reach = 1 + np.int64((state >> S33) % np.uint64(window))
            while with_parts and made < min(length, t + window + 1):
                if made + 1 < length:
                    _fetch_parts(inputs, parts, line[made + 1])
                _make(inputs, parts, line[made], ring, before, np.uint64(made) & mask, lines)
                made += 1
            m = 0
            for c in range(max(0, t - reach), min(length, t + reach + 1)):
                if c != t:
                    ins[m] = np.uint64(c) & mask if with_parts else line[c]
                    m += 1
            if m > 0:
                watched = (words + t) & WATCHED == 0
                table, given = ring if with_parts else inputs, (outs[now], n, labels[now])
                if scheme.skipgram:
                    loss += update_pairs(table, ins, m, outputs, *given, scores, moves, lr, watched, lines)
                    pairs += m if watched else 0
                else:
                    loss += update_mean_pairs(table, ins, m, outputs, *given, scores, lr, watched, lines)
                    pairs += 1 if watched else 0
            if with_parts and t >= window:
                _give_back(inputs, parts, line[t - window], ring, before, np.uint64(t - window) & mask, lines)
        if with_parts:
            for t in range(max(0, length - window), length):
                _give_back(inputs, parts, line[t], ring, before, np.uint64(t) & mask, lines)
    return loss, pairs, words


@fast_kernel
def line_of(ids, at, draws, line, state):
    """Return the words of a line that are read, put into `line`: how many, and where the next line begins."""
    length = 0
    while at < len(ids) and ids[at] >= 0:
        state = random(state)
        if F(state >> S40) * TO_SHARE < draws.keep[ids[at]]:
            line[length] = ids[at]
            length += 1
        at += 1
    return length, at + 1, state


@fast_kernel
def random(state):
    """Marsaglia, "Xorshift RNGs", 2003."""
    state ^= state << S13
    state ^= state >> S7
    return state ^ (state << S17)


@fast_kernel
def _targets(word, draws, tree, negatives, outputs, outs, labels, state):
    """The output rows that a word is held against, already asked for, and their labels."""
    n = 0
    if len(tree.starts):
        start = tree.starts[word]
        n = tree.starts[word + np.uint64(1)] - start
        for j in range(n):
            outs[j], labels[j] = tree.nodes[start + j], tree.left[start + j]
    else:
        outs[0], labels[0] = word, ONE
        n = 1
        for _ in range(negatives):
            drawn, state = drawn_by(draws, state)
            outs[n], labels[n] = drawn, ZERO
            n += 1 if drawn != word else 0
    for j in range(n):
        prefetch_row(outputs, outs[j])
    return n, state


@fast_kernel
def drawn_by(draws, state):
    """Return a word drawn by the tables."""
    state = random(state)
    drawn = ((state >> S32) * np.uint64(len(draws.prob))) >> S32
    other = np.uint64(draws.alias[drawn])  # looked up in any case: to guess the branch wrongly takes longer
    return (other if F((state >> S8) & LOW24) * TO_SHARE >= draws.prob[drawn] else drawn), state


@fast_kernel
def _fetch_parts(inputs, parts, word):
    for k in range(parts.starts[word], parts.starts[word + np.uint64(1)]):
        prefetch_row(inputs, np.uint64(parts.rows[k]))


@fast_kernel
def _make(inputs, parts, word, ring, before, place, lines):
    """The mean of the rows of a word's parts."""
    start, end = parts.starts[word], parts.starts[word + np.uint64(1)]
    total = read_row(inputs, np.uint64(parts.rows[start]), lines)
    for k in range(start + 1, end):
        total = total + read_row(inputs, np.uint64(parts.rows[k]), lines)
    mean = total * (ONE / F(end - start))
    write_row(ring, place, mean)
    write_row(before, place, mean)


@fast_kernel
def _give_back(inputs, parts, word, ring, before, place, lines):
    """Every part moves as far as the mean did while its word was in the window."""
    moved = read_row(ring, place, lines) + read_row(before, place, lines) * F(-1)
    for k in range(parts.starts[word], parts.starts[word + np.uint64(1)]):
        part = np.uint64(parts.rows[k])
        write_row(inputs, part, read_row(inputs, part, lines) + moved)
