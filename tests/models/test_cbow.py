"""CBOW in groups of words, against a slow version in plain Python, whose gradients are autograd's."""

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from lingon.models.cbow import GROUP, train_cbow
from lingon.models.word2vec import Scheme, drawn_by, random
from lingon.models.word_tables import draws_of

LR = 0.125


def slow(line, inputs, outputs, draws, scheme, state):
    """The same, a group at a time: all windows and samples of a group, then one step from the rows before it."""
    state, losses = np.uint64(random(np.uint64(state))), []
    for _ in line[1:]:  # one number for each word tells whether it is left out; none is
        state = np.uint64(random(state))
    for start in range(0, len(line), GROUP):
        state = np.uint64(state)
        group, reaches, samples = range(start, min(start + GROUP, len(line))), [], []
        for _ in group:
            state = np.uint64(random(state))
            reaches.append(1 + (int(state) >> 33) % scheme.window)
        for _ in range(scheme.negatives):
            drawn, state = drawn_by(draws, np.uint64(state))
            samples.append(int(drawn))
        out, loss, windows = torch.tensor(outputs, requires_grad=True), torch.zeros(()), []
        for t, reach in zip(group, reaches, strict=True):
            near = [line[c] for c in range(max(0, t - reach), min(len(line), t + reach + 1)) if c != t]
            mean = torch.tensor(inputs[near]).mean(0).requires_grad_()
            loss = loss - logsigmoid(mean @ out[line[t]])
            for sample in samples:
                if sample != line[t]:
                    loss = loss - logsigmoid(-(mean @ out[sample]))
            windows.append((near, mean))
        loss.backward()
        for near, mean in windows:
            np.subtract.at(inputs, near, LR * mean.grad.numpy())
        outputs -= LR * out.grad.numpy()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("length", [2, 7, 8, 11, 29])
def test_groups_of_words_step_by_the_gradient_of_their_means(window, length):
    random_numbers = np.random.default_rng(length)
    line = random_numbers.permutation(31)[:length]  # no word twice: a positive row would meet itself within a group
    inputs, outputs = (random_numbers.normal(size=(31, 5)).astype(np.float32) for _ in range(2))
    draws, scheme = draws_of(np.ones(31, np.int64), 0.0), Scheme(window, 3, False)
    expected = inputs.copy(), outputs.copy()
    losses = slow(line, *expected, draws, scheme, 9)
    ids = np.append(line, -1).astype(np.int32)
    loss, pairs, words = train_cbow(ids, inputs, outputs, draws, scheme, LR, np.uint64(9))
    np.testing.assert_allclose(inputs, expected[0], atol=1e-5)
    np.testing.assert_allclose(outputs, expected[1], atol=1e-5)
    assert words == length
    assert loss == pytest.approx(sum(losses[::4]), rel=1e-5)
    assert pairs == sum(min(GROUP, length - start) for start in range(0, length, GROUP)[::4])


def test_a_line_of_one_word_has_no_neighbours():
    inputs, outputs = np.ones((3, 5), np.float32), np.ones((3, 5), np.float32)
    draws = draws_of(np.ones(3, np.int64), 0.0)
    found = train_cbow(np.array([1, -1, 2], np.int32), inputs, outputs, draws, Scheme(5, 2, False), LR, np.uint64(9))
    assert found == (0.0, 0, 2)
    assert (inputs == 1).all()
    assert (outputs == 1).all()
