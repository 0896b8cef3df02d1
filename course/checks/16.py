"""Checks, hints and solutions of lesson 16."""

import math
import random
from numbers import Real

from lingon.learn.exercises import Exercise


def output_size(size, filter_size, stride, padding):
    return (size + 2 * padding - filter_size) // stride + 1


def check_output_size(output_size):
    draw = random.Random(0)
    cases = [(28, 5, 1, 0), (28, 5, 2, 2), (7, 3, 3, 0), (3, 3, 1, 0), (5, 1, 2, 0)]
    for _ in range(30):
        size, filter_size = draw.randint(3, 40), draw.randint(1, 7)
        padding = draw.randint(0, 3)
        if filter_size <= size + 2 * padding:
            cases.append((size, filter_size, draw.randint(1, 4), padding))
    for size, filter_size, stride, padding in cases:
        found = output_size(size, filter_size, stride, padding)
        truth = len(range(0, size + 2 * padding - filter_size + 1, stride))
        assert isinstance(found, Real), f"Return a number, yours is of type {type(found).__name__}."
        assert found == truth, (
            f"{size} pixels, a filter of {filter_size}, stride {stride}, padding {padding}: {truth}; yours: {found}."
        )


def receptive_field(layers):
    field, step = 1, 1
    for size, stride in layers:
        field += (size - 1) * step
        step *= stride
    return field


def check_receptive_field(receptive_field):
    draw = random.Random(0)
    cases = [[], [(3, 1)], [(3, 2)], [(3, 1), (3, 1)], [(5, 2), (3, 1)], [(2, 2)] * 3]
    cases += [[(draw.randint(1, 5), draw.randint(1, 3)) for _ in range(draw.randint(1, 4))] for _ in range(20)]
    for layers in cases:
        seen = {0}
        for size, stride in reversed(layers):
            seen = {place * stride + u for place in seen for u in range(size)}
        truth = max(seen) - min(seen) + 1
        found = receptive_field([*layers])
        assert isinstance(found, Real), f"Return a number, yours is of type {type(found).__name__}."
        assert found == truth, f"{layers}: {truth} pixels; yours: {found}."


def intersection_over_union(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return shared / (sum(areas) - shared)


def check_intersection_over_union(intersection_over_union):
    draw = random.Random(0)
    cases = [
        ((0, 0, 2, 2), (0, 0, 2, 2)),
        ((0, 0, 2, 2), (1, 0, 3, 2)),
        ((0, 0, 2, 2), (2, 0, 4, 2)),
        ((0, 0, 2, 2), (3, 3, 4, 4)),
        ((0, 0, 9, 9), (3, 3, 4, 5)),
    ]
    for _ in range(20):
        made = []
        for _ in range(2):
            left, top = draw.randint(0, 6), draw.randint(0, 6)
            made.append((left, top, left + draw.randint(1, 6), top + draw.randint(1, 6)))
        cases.append(tuple(made))
    for a, b in cases:
        squares = [{(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])} for box in (a, b)]
        truth = len(squares[0] & squares[1]) / len(squares[0] | squares[1])
        found = intersection_over_union(a, b)
        assert isinstance(found, Real), f"Return a number, yours is of type {type(found).__name__}."
        assert math.isclose(found, truth, abs_tol=1e-9), f"{a} and {b}: {truth:.4g}; yours: {found:.4g}."


EXERCISES = [
    Exercise(
        "The output size of a convolution",
        check_output_size,
        (
            "With the padding the row has size + 2 * padding pixels.",
            "The filter's left end can be at 0, stride, 2 * stride, ... up to the last position where it fits.",
            "(size + 2 * padding - filter_size) // stride + 1",
        ),
        output_size,
    ),
    Exercise(
        "The receptive field",
        check_receptive_field,
        (
            "One filter of size k sees k pixels. In a second one on top, each further input adds one step.",
            "Keep two numbers: the field so far, and how many pixels one step of the current layer is.",
            "field += (size - 1) * step, then step *= stride; both start at 1.",
        ),
        receptive_field,
    ),
    Exercise(
        "Intersection over union",
        check_intersection_over_union,
        (
            "What both share is a box too: from the larger left to the smaller right, and likewise for top and bottom.",
            "If its width or height is not above zero, they share nothing.",
            "The union is the sum of both areas minus what they share, which was counted twice.",
        ),
        intersection_over_union,
    ),
]
