"""Checks, hints and solutions of lesson 01."""

import inspect

import lingon.scratch as torch
from lingon.learn.exercises import Exercise


def _library(function):
    """The module that the student's cells import as torch: lingon.scratch, or PyTorch if it was imported instead."""
    return getattr(inspect.unwrap(function), "__globals__", {}).get("torch", torch)


def _array(found, shape, what):
    assert hasattr(found, "shape"), f"{what} should be an array, not {type(found).__name__}."
    assert tuple(found.shape) == shape, f"{what} should have the shape {list(shape)}, yours has {list(found.shape)}."
    return torch.tensor(found.tolist(), dtype=torch.float64)


def distances(a, b):
    return (a[:, None] - b[None]).square().sum(2).sqrt()


def check_distances(distances):
    T = _library(distances)
    a, b = T.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]]), T.tensor([[0.0, 0.0], [0.0, 4.0]])
    found = _array(distances(a, b), (3, 2), "The distances of 3 points from 2 others")
    truth = torch.tensor([[0.0, 4.0], [5.0, 3.0], [2**0.5, 10**0.5]], dtype=torch.float64)
    for i in range(3):
        for j in range(2):
            assert abs(found[i, j] - truth[i, j]).item() < 1e-5, (
                f"The distance from {a[i].tolist()} to {b[j].tolist()} is {truth[i, j].item():.3f}, "
                f"yours is {found[i, j].item():.3f}."
            )
    one = _array(distances(T.zeros(1, 3), T.ones(1, 3)), (1, 1), "The distance of one point from one other")
    assert abs(one.item() - 3**0.5) < 1e-5, f"From (0, 0, 0) to (1, 1, 1): {3**0.5:.3f}, yours is {one.item():.3f}."


def place(shape, index):
    found = 0
    for size, i in zip(shape, index, strict=True):
        found = found * size + i
    return found


def check_place(place):
    for shape in ((7,), (3, 4), (2, 3, 5), (2, 1, 3, 2)):
        numbers = 1
        for size in shape:
            numbers *= size
        memory = torch.arange(numbers).reshape(*shape)
        for truth in range(numbers):
            rest, index = truth, []
            for size in reversed(shape):
                index.insert(0, rest % size)
                rest //= size
            assert memory[tuple(index)].item() == truth
            found = place(shape, tuple(index))
            assert found == truth, f"In the shape {shape} the number at {tuple(index)} is at {truth}, yours is {found}."


def masked_mean(x, mask):
    kept = mask[:, :, None].to(x.dtype)
    return (x * kept).sum(1) / kept.sum(1).clamp(min=1)


def check_masked_mean(masked_mean):
    T = _library(masked_mean)
    x = T.arange(24).reshape(3, 4, 2).float()
    mask = T.tensor([[True, True, True, True], [True, True, False, False], [False, False, False, False]])
    found = _array(masked_mean(x, mask), (3, 2), "The mean vectors of 3 texts with 2 numbers each")
    for i, truth in enumerate(([3.0, 4.0], [9.0, 10.0], [0.0, 0.0])):
        assert all(abs(a - b) < 1e-5 for a, b in zip(found[i].tolist(), truth, strict=True)), (
            f"Text {i} has {mask[i].sum().item()} real tokens and the mean {truth}, yours is {found[i].tolist()}."
        )
    padded = T.cat([x, T.full((3, 2, 2), 99.0)], 1)
    more = T.cat([mask, T.zeros(3, 2, dtype=T.bool)], 1)
    again = _array(masked_mean(padded, more), (3, 2), "The mean vectors")
    assert torch.allclose(found, again, atol=1e-5), "More padding must not change the mean, whatever its vectors are."


EXERCISES = [
    Exercise(
        "All distances at once",
        check_distances,
        (
            "Which shapes must a and b have so that their difference is [M, N, D]?",
            "a[:, None] is [M, 1, D] and b[None] is [1, N, D]: their difference is broadcast to [M, N, D].",
            "Square it, sum over the last dimension, and take the square root.",
        ),
        distances,
    ),
    Exercise(
        "Position in memory",
        check_place,
        (
            "In a table with 4 columns, one step down jumps over 4 numbers.",
            "A step in a dimension jumps over as many numbers as the product of all later sizes.",
            "Go from left to right: found = found * size + i.",
        ),
        place,
    ),
    Exercise(
        "The mean without padding",
        check_masked_mean,
        (
            "Set padding to 0 before you sum, and divide by the number of real tokens, not by T.",
            "mask[:, :, None] is [B, T, 1] and can be broadcast against x; .to(x.dtype) converts bool to numbers.",
            "Divide by kept.sum(1).clamp(min=1): a text without tokens is then 0 / 1.",
        ),
        masked_mean,
    ),
]
