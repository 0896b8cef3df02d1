"""Checks, hints and solutions of lesson 06."""

import torch

from lingon.learn.exercises import Exercise


def neighbours(words, window):
    found = []
    for i, word in enumerate(words):
        for j in range(max(0, i - window), min(len(words), i + window + 1)):
            if j != i:
                found.append((word, words[j]))
    return found


def check_neighbours(neighbours):
    for words, window, truth in (
        (["a", "b"], 1, [("a", "b"), ("b", "a")]),
        (["a", "b", "c"], 1, [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]),
        (["a", "b", "c"], 5, [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]),
        (["so", "so", "good"], 1, [("so", "so"), ("so", "so"), ("so", "good"), ("good", "so")]),
        (["alone"], 3, []),
    ):
        found = neighbours(list(words), window)
        assert isinstance(found, list), f"Return a list of pairs, not {type(found).__name__}."
        found = [tuple(pair) for pair in found]
        assert found == truth, f"The pairs of {words} with window={window} are {truth}, yours are {found}."


def stranger(words, vectors):
    unit = torch.stack([vectors[word] / vectors[word].norm() for word in words])
    cosines = unit @ unit.T
    others = (cosines.sum(1) - cosines.diagonal()) / (len(words) - 1)
    return words[others.argmin().item()]


def check_stranger(stranger):
    plane = {"east": [3.0, 0.0], "north": [0.0, 1.0], "northeast": [5.0, 5.0], "west": [-0.1, 0.0]}
    vectors = {word: torch.tensor(row) for word, row in plane.items()}
    for words, truth in (
        (["east", "northeast", "west"], "west"),
        (["north", "west", "northeast", "east"], "west"),
        (["east", "north", "northeast", "northeast"], None),
    ):
        found = stranger(list(words), vectors)
        assert isinstance(found, str), f"Return one of the words, not {type(found).__name__}."
        if truth is not None:
            assert found == truth, f"Of {words} with the vectors {plane} the odd one is {truth!r}, yours is {found!r}."
        else:
            assert found in ("east", "north"), f"Of {words} it is 'east' or 'north', not {found!r}."
    long = {"a": [100.0, 1.0], "b": [1.0, 0.2], "c": [2.0, 2.0]}
    found = stranger(["a", "b", "c"], {word: torch.tensor(row) for word, row in long.items()})
    assert found == "c", f"The length of a vector does not matter: of {long} the odd one is 'c', yours is {found!r}."
    # Here p is the stranger by its mean cosine, but its length would turn the mean of the vectors its own way.
    fan = {"p": (0.0, 100.0), "q": (10.0, 1.0), "r": (60.0, 1.0), "s": (68.0, 1.0)}
    turned = {word: (torch.tensor(degrees).deg2rad(), length) for word, (degrees, length) in fan.items()}
    found = stranger(list(fan), {word: n * torch.stack([a.cos(), a.sin()]) for word, (a, n) in turned.items()})
    assert found == "p", f"Of {fan} (degrees, length) the odd one is 'p', yours is {found!r}; use mean cosines."


def best_by_multiplying(a, b, c, vectors):
    def s(x, y):
        return ((vectors[x] @ vectors[y]).item() + 1) / 2

    others = [word for word in vectors if word not in (a, b, c)]
    return max(others, key=lambda d: s(d, b) * s(d, c) / (s(d, a) + 1e-3))


def check_best_by_multiplying(best_by_multiplying):
    def at(*degrees):
        return [torch.tensor(d).deg2rad() for d in degrees]

    angles = dict(zip("abcdefg", at(0.0, 40.0, 90.0, 120.0, 200.0, 65.0, -30.0), strict=True))
    vectors = {word: torch.stack([angle.cos(), angle.sin()]) for word, angle in angles.items()}
    for a, b, c in (("a", "b", "c"), ("c", "b", "a"), ("e", "d", "f"), ("g", "a", "b"), ("b", "b", "c")):
        found = best_by_multiplying(a, b, c, dict(vectors))
        truth = best(a, b, c, vectors)
        assert isinstance(found, str), f"Return one of the words, not {type(found).__name__}."
        assert found not in (a, b, c), f"{found!r} is one of the three words of the question; leave them out."
        assert found == truth, f"With these 2-d vectors {a} is to {b} as {c} is to {truth!r}, yours is {found!r}."
    # d lies opposite to a, so nearly nothing but epsilon is left below the line; b and c turn further away from d.
    for turn, truth in ((24.0, "d"), (14.0, "e")):
        turned = dict(zip("abcde", at(0.0, turn, -turn, 180.0, 60.0), strict=True))
        few = {word: torch.stack([angle.cos(), angle.sin()]) for word, angle in turned.items()}
        assert best("a", "b", "c", few) == truth
        found = best_by_multiplying("a", "b", "c", few)
        assert found == truth, (
            f"With b and c at {turn:g} degrees on either side of a, and d opposite to a, epsilon = 1/1000 selects "
            f"{truth!r}, yours is {found!r}."
        )


def best(a, b, c, vectors):
    words = list(vectors)
    table = torch.stack([vectors[word] for word in words])
    near = {x: (table @ vectors[x] + 1) / 2 for x in (a, b, c)}
    scores = near[b] * near[c] / (near[a] + 1e-3)
    for x in (a, b, c):
        scores[words.index(x)] = -1
    return words[scores.argmax().item()]


EXERCISES = [
    Exercise(
        "Words and their neighbours",
        check_neighbours,
        (
            "Two loops: over the positions i of the words, and for each over the positions j around it.",
            "j goes from max(0, i - window) up to, but not including, min(len(words), i + window + 1).",
            "Skip j == i, not words[j] == words[i]: the same word may occur twice.",
        ),
        neighbours,
    ),
    Exercise(
        "The odd one out",
        check_stranger,
        (
            "Divide each vector by its length first; then the dot product of two is their cosine.",
            "With the vectors as rows of a tensor, unit @ unit.T has all cosines; its diagonal is 1.",
            "(cosines.sum(1) - cosines.diagonal()) / (len(words) - 1), and then argmin().",
        ),
        stranger,
    ),
    Exercise(
        "Analogies by multiplication",
        check_best_by_multiplying,
        (
            "The vectors have length 1, so the cosine is the dot product: vectors[x] @ vectors[y].",
            "Go through all words except a, b and c, compute the score of each, and keep the word with the largest.",
            "max(others, key=...) returns the word for which the key is largest.",
        ),
        best_by_multiplying,
    ),
]
