"""Checks, hints and solutions of lesson 05."""

import torch

from lingon.learn.exercises import Exercise


def folds(n, k, seed):
    import random

    places = list(range(n))
    random.Random(seed).shuffle(places)
    parts = [places[i::k] for i in range(k)]
    return [([p for p in places if p not in part], part) for part in parts]


def check_folds(folds):
    for n, k in ((7, 7), (13, 5), (50, 3)):
        found = folds(n, k, 0)
        assert isinstance(found, list | tuple), "Return a list of pairs."
        assert len(found) == k, f"For {k} folds return {k} pairs, yours are {len(found)}."
        for pair in found:
            assert isinstance(pair, list | tuple), f"Each fold is a pair of lists, yours is {str(pair)[:60]}."
            assert len(pair) == 2, f"Each fold is a pair: indices to train on, indices held out; yours has {len(pair)}."
            assert sorted([*pair[0], *pair[1]]) == list(range(n)), (
                f"In each fold of {n} indices every index is trained on or held out, none both: {str(pair)[:99]}."
            )
        kept = [list(pair[1]) for pair in found]
        back = sorted(place for part in kept for place in part)
        assert back == list(range(n)), f"Over all folds each of {n} indices is held out once, yours are {back}."
        sizes = sorted(len(part) for part in kept)
        assert sizes[-1] - sizes[0] <= 1, f"{n} indices in {k} folds: sizes differ by at most one, yours are {sizes}."
    parts = lambda seed: [sorted(part) for _, part in folds(50, 3, seed)]
    assert parts(0) == parts(0), "The same seed must give the same folds."
    assert parts(0) != parts(1), "Another seed must give other folds: deal the indices out in a random order."
    dealt = [[set(part) for part in parts(seed)] for seed in range(60)]
    for a, b in ((0, 1), (0, 3), (0, 25), (48, 49)):  # in a random order any two meet in about a third of the seeds
        met = sum(any({a, b} <= part for part in found) for found in dealt)
        assert 5 <= met <= 38, (
            f"With 60 seeds the indices {a} and {b} of 50 are in the same of 3 folds {met} times, not about 20: "
            "the order is not random."
        )


def ridge(X, y, decay):
    n, D = X.shape
    return torch.linalg.solve(X.T @ X + n * decay * torch.eye(D, dtype=X.dtype), X.T @ y)


def check_ridge(ridge):
    draw = torch.Generator().manual_seed(0)
    one = torch.ones(1, 1, dtype=torch.float64)
    found = ridge(one, 6 * one[0], 2.0)
    assert tuple(found.shape) == (1,), f"One feature has one weight: shape (1,), yours is {tuple(found.shape)}."
    assert torch.allclose(found, 2 * one[0]), (
        f"For one point, x = 1 and y = 6, the smallest (w - 6)^2 + 2 w^2 is at w = 2, yours is {found.item():.4f}."
    )
    for n, D, decay in ((11, 3, 0.5), (5, 7, 0.01), (13, 5, 1e-6)):
        X = torch.randn(n, D, generator=draw, dtype=torch.float64)
        y = torch.randn(n, generator=draw, dtype=torch.float64)
        w = ridge(X, y, decay).detach().clone()
        assert tuple(w.shape) == (D,), f"For {D} features the weights are [{D}], yours are {list(w.shape)}."
        w.requires_grad_()
        value = (X @ w - y).square().mean() + decay * w.square().sum()
        (gradient,) = torch.autograd.grad(value, w)
        assert gradient.abs().max() < 1e-8, (
            f"For {n} points, {D} weights and decay {decay:g} the gradient at your weights is not 0, but as large as "
            f"{gradient.abs().max():.3g}; the error is a mean, the penalty is not."
        )


def stop_in_time(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            return best, epoch + 1
    return best, len(losses)


def check_stop_in_time(stop_in_time):
    cases = (
        ([5.0], 1, (0, 1)),
        ([5.0, 4.0, 3.0], 2, (2, 3)),
        ([5.0, 4.0, 6.0, 3.0, 2.0], 1, (1, 3)),
        ([5.0, 4.0, 6.0, 3.0, 2.0], 2, (4, 5)),
        ([3.0, 3.0, 3.0, 1.0], 2, (0, 3)),
        ([4.0, 2.0, 3.0, 2.0, 3.0, 1.0], 3, (1, 5)),
        ([4.0, 5.0, 3.0, 5.0, 5.0, 5.0, 1.0], 3, (2, 6)),
    )
    for losses, patience, truth in cases:
        found = stop_in_time(list(losses), patience)
        assert isinstance(found, tuple | list), "Return a pair: the epoch that is kept, and the number of epochs."
        assert len(found) == 2, "Return a pair: the epoch that is kept, and the number of epochs."
        assert tuple(found) == truth, (
            f"For {losses} with a patience of {patience} epoch {truth[0]} is kept after {truth[1]} epochs, "
            f"yours are {found[0]} and {found[1]}."
        )


EXERCISES = [
    Exercise(
        "Split into folds",
        check_folds,
        (
            "Make a list of all indices, shuffle it, and deal it out like cards.",
            "random.Random(seed).shuffle(places) shuffles in place; places[i::k] is every k-th index, starting at i.",
            "For each part, the indices to train on are all that are not in it.",
        ),
        folds,
    ),
    Exercise(
        "The best weights under a penalty",
        check_ridge,
        (
            "The gradient is 2/n X^T (X w - y) + 2 decay w. Set it to 0 and bring all terms with w to one side.",
            "That is (X^T X + n decay I) w = X^T y.",
            "torch.linalg.solve(A, b) solves A w = b; torch.eye(D, dtype=X.dtype) is I.",
        ),
        ridge,
    ),
    Exercise(
        "Early stopping",
        check_stop_in_time,
        (
            "Go through the epochs and remember the one with the lowest loss so far.",
            "An equal loss is no improvement: it counts towards the patience.",
            "After each epoch: if it is `patience` or more epochs since the best one, stop; epoch + 1 epochs were run.",
        ),
        stop_in_time,
    ),
]
