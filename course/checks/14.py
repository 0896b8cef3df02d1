"""Checks, hints and solutions of lesson 14."""

import random

from lingon.learn.exercises import Exercise


def apart(spans, count):
    taken = []
    for first, last, score in sorted(spans, key=lambda span: -span[2]):
        if len(taken) < count and all(last < start or end < first for start, end, _ in taken):
            taken.append((first, last, score))
    return taken


def check_apart(apart):
    spans = [(4, 4, 2.5), (3, 4, 3.0), (2, 4, 2.75), (9, 11, 2.0), (11, 12, 1.5), (5, 5, 0.5), (0, 2, 1.0)]
    cases = (
        (1, [(3, 4, 3.0)], "the highest score comes first"),
        (2, [(3, 4, 3.0), (9, 11, 2.0)], "(2, 4) and (4, 4) share token 4 with (3, 4)"),
        (3, [(3, 4, 3.0), (9, 11, 2.0), (0, 2, 1.0)], "the last token belongs to a span: (11, 12) overlaps (9, 11)"),
        (9, [(3, 4, 3.0), (9, 11, 2.0), (0, 2, 1.0), (5, 5, 0.5)], "only four spans share no token"),
    )
    for count, truth, why in cases:
        found = list(map(tuple, apart(list(spans), count)))
        assert found == truth, f"The best {count} of {spans}: {truth}, because {why}; yours is {found}."
    found = list(map(tuple, apart([(1, 5, 1.0), (0, 9, 1.0), (7, 7, 1.0)], 3)))
    assert found == [(1, 5, 1.0), (7, 7, 1.0)], f"Of equal scores the first one is taken; yours is {found}."


def windows_needed(tokens, room, overlap):
    more = max(0, tokens - room)
    return 1 + -(-more // (room - overlap))


def check_windows_needed(windows_needed):
    cases = (
        (7, 10, 3, 1, "a short passage is one window"),
        (10, 10, 3, 1, "a passage that exactly fills a window is one, too"),
        (11, 10, 3, 2, "one token too many makes a second window"),
        (17, 10, 3, 2, "the second window ends at token 17"),
        (18, 10, 3, 3, "token 18 needs a third window"),
        (1000, 100, 0, 10, "without overlap it is the number of tokens divided by the room"),
        (500, 300, 128, 3, "each window after the first adds 172 new tokens"),
    )
    for tokens, room, overlap, truth, why in cases:
        found = windows_needed(tokens, room, overlap)
        assert found == truth, f"{tokens} tokens, room {room}, overlap {overlap}: {truth}, {why}; yours is {found}."
    for tokens in range(1, 80):
        begin, truth = 0, 1
        while begin + 12 < tokens:
            begin, truth = begin + 7, truth + 1
        found = windows_needed(tokens, 12, 5)
        assert found == truth, f"{tokens} tokens, room 12, overlap 5: {truth}; yours is {found}."


def threshold_of(differences, values, empty):
    def total(threshold):
        rows = zip(differences, values, empty, strict=True)
        return sum(float(none) if difference > threshold else value for difference, value, none in rows)

    return max([min(differences) - 1, *differences], key=total)


def _sum(threshold, differences, values, empty):
    rows = zip(differences, values, empty, strict=True)
    return sum(float(none) if difference > threshold else value for difference, value, none in rows)


def check_threshold_of(threshold_of):
    draw = random.Random(0)
    cases = [
        ([-3.0, -1.0, 2.0, 4.0], [1.0, 0.5, 0.0, 0.0], [False, False, True, True]),
        ([-3.0, -1.0, 2.0, 4.0], [1.0, 1.0, 1.0, 1.0], [False] * 4),
        ([-3.0, -1.0, 2.0, 4.0], [0.0] * 4, [True] * 4),
        ([5.0, 6.0, 7.0], [0.0, 1.0, 0.0], [True, False, True]),
        ([1.0, 1.0, 2.0], [0.0, 1.0, 0.0], [True, False, True]),
    ]
    for _ in range(40):
        empty = [draw.random() < 0.4 for _ in range(9)]
        values = [0.0 if none else draw.choice([0.0, 0.5, 1.0]) for none in empty]
        cases.append(([draw.choice([-4, -2, -1, 0, 1, 3, 5]) + 2.0 * none for none in empty], values, empty))
    for differences, values, empty in cases:
        best = max(_sum(t, differences, values, empty) for t in (min(differences) - 1, *differences))
        found = float(threshold_of(list(differences), list(values), list(empty)))
        reached = _sum(found, differences, values, empty)
        assert reached == best, (
            f"differences {differences}, values {values}, empty {empty}: with your threshold {found:g} the sum is "
            f"{reached:g}, with the best one it is {best:g}."
        )


EXERCISES = [
    Exercise(
        "Non-overlapping answers",
        check_apart,
        (
            "Sort by score, highest first: sorted keeps the order of equal elements.",
            "Two spans share no token if one ends before the other begins.",
            "all(last < start or end < first for start, end, _ in taken)",
        ),
        apart,
    ),
    Exercise(
        "How many windows?",
        check_windows_needed,
        (
            "The first window takes `room` tokens, each further one adds room - overlap new ones.",
            "Divide what is left after the first by that and round up; of a short passage nothing is left.",
            "-(-a // b) is a / b rounded up.",
        ),
        windows_needed,
    ),
    Exercise(
        "A threshold for no answer",
        check_threshold_of,
        (
            "The sum changes only where the threshold passes a difference: it is enough to try these values.",
            "Also try one below all of them, for which the prediction is always no answer.",
            "max(tried, key=lambda threshold: ...), where the key computes the sum for that threshold.",
        ),
        threshold_of,
    ),
]
