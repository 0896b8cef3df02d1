"""The steps of skip-gram, CBOW, trees, parts of words and GloVe, against autograd and arithmetic."""

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from lingon.kernels import simd_rows
from lingon.kernels.aot_compile import linker, load_loop
from lingon.kernels.word2vec_step import update_mean_pairs, update_pairs
from lingon.word_vectors.train import word2vec_loops
from lingon.word_vectors.train.glove import Side, train_glove
from lingon.word_vectors.train.sampling_tables import (
    NO_SUBWORDS,
    NO_TREE,
    Scheme,
    huffman_tree,
    negative_sampling_tables,
    subword_table,
    workspace_for,
)
from lingon.word_vectors.train.word2vec_loops import loop_for

LR = 0.125
WIDTH, LINES = 32, (0, 0)


def train(ids, inputs, outputs, draws, tree, parts, scheme, lr, seed):
    return loop_for(inputs.shape[1])(ids, inputs, outputs, draws, tree, parts, scheme, lr, seed)


def tables(rows: int, others: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    return tuple(random.normal(size=(n, width)).astype(np.float32) for n in (rows, others))


@pytest.mark.parametrize("m", [1, 2, 3, 7])
@pytest.mark.parametrize("n", [1, 3, 5, 8])
def test_a_step_of_skipgram_is_the_gradient(m, n):
    A, B = tables(11, 13, WIDTH)
    a, b = torch.tensor(A, requires_grad=True), torch.tensor(B, requires_grad=True)
    ins, outs = np.arange(m, dtype=np.uint64) + np.uint64(2), np.arange(n, dtype=np.uint64) + np.uint64(4)
    labels = (np.arange(n) == 0).astype(np.float32)
    scores = a[2 : 2 + m] @ b[4 : 4 + n].T
    loss = -logsigmoid(scores * (2 * torch.tensor(labels) - 1)).sum()
    loss.backward()
    workspace = np.empty(m * n, np.float32), np.empty((n, WIDTH), np.float32)
    got = update_pairs(A, ins, m, B, outs, n, labels, *workspace, np.float32(LR), True, LINES)
    assert got == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(A, (a - LR * a.grad).detach(), atol=1e-5)
    np.testing.assert_allclose(B, (b - LR * b.grad).detach(), atol=1e-5)


def test_a_step_of_cbow_moves_every_row_by_the_gradient_of_the_mean():
    A, B = tables(11, 13, WIDTH)
    ins, outs = np.array([2, 5, 7], np.uint64), np.array([1, 4, 6, 9], np.uint64)
    labels = np.array([1, 0, 0, 0], np.float32)
    mean, out = torch.tensor(A[[2, 5, 7]]).mean(0).requires_grad_(), torch.tensor(B, requires_grad=True)
    loss = -logsigmoid(out[[1, 4, 6, 9]] @ mean * (2 * torch.tensor(labels) - 1)).sum()
    loss.backward()
    wanted = A.copy()
    wanted[[2, 5, 7]] -= LR * mean.grad.numpy()
    got = update_mean_pairs(A, ins, 3, B, outs, 4, labels, np.empty(4, np.float32), np.float32(LR), True, LINES)
    assert got == pytest.approx(loss.item(), rel=1e-5)
    np.testing.assert_allclose(A, wanted, atol=1e-5)
    np.testing.assert_allclose(B, (out - LR * out.grad).detach(), atol=1e-5)


def test_the_tree_gives_probabilities_that_add_up_to_one_and_short_ways_to_frequent_words():
    counts = np.array([31, 17, 11, 7, 5, 3, 2])
    tree, scores = huffman_tree(counts), np.random.default_rng(5).normal(size=6)
    total, lengths = 0.0, np.diff(tree.starts)
    for w in range(7):
        way = slice(tree.starts[w], tree.starts[w + 1])
        signs = 2 * tree.left[way] - 1
        total += np.prod(1 / (1 + np.exp(-signs * scores[tree.nodes[way]])))
    assert total == pytest.approx(1)
    assert lengths[0] == min(lengths)
    assert (np.exp2(-lengths.astype(float))).sum() == 1


@pytest.mark.parametrize("skipgram", [True, False])
def test_a_line_of_two_words_with_parts_and_a_tree_is_two_steps_of_autograd(skipgram):
    words, counts = ["ab", "cde", "fg"], np.array([5, 3, 2])
    parts, tree = subword_table(words, 3, 4, 7), huffman_tree(counts)
    inputs, outputs = tables(10, 3, WIDTH)
    old, out = torch.tensor(inputs), torch.tensor(outputs)
    wanted = inputs.copy()
    own = [parts.rows[parts.starts[w] : parts.starts[w + 1]] for w in range(3)]
    assert own[1][0] == 1
    for source, target in ((1, 0), (0, 1)):
        mean = old[torch.tensor(own[source]).long()].mean(0).requires_grad_()
        out = out.detach().requires_grad_()
        way = slice(tree.starts[target], tree.starts[target + 1])
        signs = torch.tensor(2 * tree.left[way] - 1)
        (-logsigmoid(out[torch.tensor(tree.nodes[way]).long()] @ mean * signs).sum()).backward()
        np.subtract.at(wanted, own[source], LR * mean.grad.numpy())
        out = out - LR * out.grad
    draws, scheme = negative_sampling_tables(counts, 0.0), Scheme(1, 5, skipgram)
    train(np.array([0, 1, -1], np.int32), inputs, outputs, draws, tree, parts, scheme, LR, 9)
    np.testing.assert_allclose(inputs, wanted, atol=1e-5)
    np.testing.assert_allclose(outputs, out.detach(), atol=1e-5)


def test_words_are_drawn_as_often_as_they_should_be():
    counts = np.array([1000, 100, 10, 7, 3])
    draws = negative_sampling_tables(counts, 1e-2)
    drawn = draws.prob.astype(float)
    np.add.at(drawn, draws.alias, 1 - draws.prob)
    np.testing.assert_allclose(drawn / 5, counts**0.75 / (counts**0.75).sum(), rtol=1e-5)
    share = 1000 / 1120
    assert draws.keep[0] == pytest.approx((1e-2 / share) ** 0.5 + 1e-2 / share)
    assert (negative_sampling_tables(counts, 0.0).keep >= 1).all()


def test_a_word_beside_another_gets_near_it():
    random = np.random.default_rng(0)
    ids = np.concatenate([[x, x + 1, x, x + 1, -1] for x in random.choice([0, 2, 4], 4000)]).astype(np.int32)
    inputs, outputs = random.normal(size=(6, 16)).astype(np.float32) / 16, np.zeros((6, 16), np.float32)
    draws = negative_sampling_tables(np.bincount(ids[ids >= 0]), 0.0)
    first = train(ids, inputs, outputs, draws, NO_TREE, NO_SUBWORDS, Scheme(2, 3, True), 0.05, 1)
    last = train(ids, inputs, outputs, draws, NO_TREE, NO_SUBWORDS, Scheme(2, 3, True), 0.05, 2)
    assert first[2] == (ids >= 0).sum()
    assert last[0] / last[1] < 4 * np.log(2)  # what is lost before anything is learned: four coins
    unit = inputs / np.linalg.norm(inputs, axis=1, keepdims=True)
    near = unit @ unit.T - 2 * np.eye(6)
    assert near.argmax(1).tolist() == [1, 0, 3, 2, 5, 4]


def test_tables_of_another_width_or_type_are_refused():
    inputs, outputs = tables(3, 3, WIDTH)
    draws, scheme = negative_sampling_tables(np.array([3, 2, 1]), 0.0), Scheme(1, 1, True)
    more, ids = (draws, NO_TREE, NO_SUBWORDS, scheme, LR, 1), np.array([0, 1, -1], np.int32)
    with pytest.raises(ValueError, match="tables of 32 and 32 columns; this loop is for 16"):
        loop_for(16)(ids, inputs, outputs, *more)
    with pytest.raises(ValueError, match=r"ids: int64 \[3\]; expected int32"):
        loop_for(WIDTH)(ids.astype(np.int64), inputs, outputs, *more)
    with pytest.raises(ValueError, match=r"outputs: float32 \[3, 32\]; expected float32 in one piece"):
        loop_for(WIDTH)(ids, inputs, outputs.repeat(2, 0)[::2], *more)
    with pytest.raises(ValueError, match="multiple of 16"):
        loop_for(7)


def test_a_step_of_glove_is_the_gradient_by_adagrad():
    x, width = 37.0, 5
    A, B = tables(3, 3, width + 1)
    a, b = torch.tensor(A[1], requires_grad=True), torch.tensor(B[2], requires_grad=True)
    score = a[:-1] @ b[:-1] + a[-1] + b[-1] - np.log(x)
    loss = (x / 100) ** 0.75 * score**2 / 2
    loss.backward()
    words, contexts = Side(A, np.ones_like(A)), Side(B, np.ones_like(B))
    pair = np.array([1], np.int32), np.array([2], np.int32), np.array([x], np.float32)
    assert train_glove(*pair, 0, 1, 1, words, contexts, LR) == pytest.approx(loss.item(), rel=1e-4)
    np.testing.assert_allclose(A[1], (a - LR * a.grad).detach(), atol=1e-5)
    np.testing.assert_allclose(B[2], (b - LR * b.grad).detach(), atol=1e-5)
    np.testing.assert_allclose(words.squares[1], 1 + a.grad**2, rtol=1e-4)


@pytest.mark.skipif(not linker(), reason="there is no C compiler to link with")
@pytest.mark.parametrize("skipgram", [True, False])
@pytest.mark.parametrize("more", ["samples", "parts", "tree"])
def test_the_library_trains_as_the_loop_compiled_here(skipgram, more):
    """Of one processor and one source; only sums may be in another order."""
    random, words = np.random.default_rng(7), [f"word{i}" for i in range(23)]
    ids = np.where(random.random(3000) < 0.1, -1, random.integers(0, 23, 3000)).astype(np.int32)
    counts, scheme, results = random.integers(1, 99, 23), Scheme(3, 5, skipgram), []
    parts = subword_table(words, 3, 5, 11) if more == "parts" else NO_SUBWORDS
    tree = huffman_tree(counts) if more == "tree" else NO_TREE
    function = load_loop("lingon.word_vectors.train.word2vec_loops", 48, word2vec_loops.SOURCES)
    for train in (word2vec_loops._of_library(function), word2vec_loops.compiled_here(48)):
        inputs, outputs = (np.random.default_rng(s).normal(size=(34, 48)).astype(np.float32) / 48 for s in (1, 2))
        workspace = workspace_for(len(ids), 48, tree, parts, scheme)
        found = train(
            ids, inputs, outputs, negative_sampling_tables(counts, 1e-2), tree, parts, scheme, workspace, 0.05, 11
        )
        results.append((found, inputs, outputs))
    (ours, *tables_of_ours), (theirs, *tables_of_theirs) = results
    assert ours[1:] == theirs[1:]
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    for a, b in zip(tables_of_ours, tables_of_theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_width_of_a_line_is_that_of_rows():
    assert word2vec_loops.LINE == simd_rows.LINE
