"""Checks, hints and solutions of lesson 12."""

import torch
import torch.nn.functional as F

from lingon.learn.exercises import Exercise


def whole_words(pieces, chosen):
    words = []
    for place, piece in enumerate(pieces):
        if words and piece.startswith("##"):
            words[-1].append(place)
        else:
            words.append([place])
    return {place for word in words if chosen & set(word) for place in word}


def check_whole_words(whole_words):
    pieces = ["he", "looks", "un", "##happi", "##ly", "at", "the", "play", "##ing", "dog"]
    cases = (
        ({3}, {2, 3, 4}, "a piece in the middle selects the whole word"),
        ({2}, {2, 3, 4}, "the first piece selects those that continue the word"),
        ({4}, {2, 3, 4}, "the last piece selects those before it"),
        ({1, 9}, {1, 9}, "words of one piece select no others"),
        ({4, 5, 8}, {2, 3, 4, 5, 7, 8}, "several words at once"),
        (set(), set(), "nothing chosen, nothing masked"),
    )
    for chosen, truth, why in cases:
        given = set(chosen)
        found = whole_words(list(pieces), given)
        assert isinstance(found, set | frozenset), f"Return a set of indices; yours is a {type(found).__name__}."
        assert found == truth, f"Of {pieces} with {chosen or '{}'} chosen: {why}; {truth or '{}'}, yours is {found}."
    found = whole_words(["##ly", "he"], {0})
    assert found == {0}, (
        f"A text may begin in the middle of a word: for ['##ly', 'he'] with {{0}} it is {{0}}, yours is {found}."
    )


def sense_of(vector, vectors, senses):
    cosines = F.normalize(vectors, dim=1) @ F.normalize(vector, dim=0)
    means = {sense: cosines[[s == sense for s in senses]].mean() for sense in senses}
    return max(means, key=lambda sense: means[sense])


def check_sense_of(sense_of):
    vectors = torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 1.0, 0.0], [0.0, 0.8, 0.6], [0.0, 0.6, 0.8]])
    senses = ["river", "river", "money", "money", "money"]
    found = sense_of(torch.tensor([1.0, 0.0, 0.0]), vectors, senses)
    assert isinstance(found, str), f"Return a sense, such as 'river'; yours is a {type(found).__name__}."
    assert found == "river", f"The vector of the first sentence has the sense 'river', yours is {found!r}."
    found = sense_of(torch.tensor([0.0, 0.1, 0.1]), vectors, senses)
    assert found == "money", f"[0, .1, .1] points in the direction of 'money'; yours is {found!r}."
    long = vectors * torch.tensor([[100.0], [100.0], [1.0], [1.0], [1.0]])
    found = sense_of(torch.tensor([0.2, 1.0, 0.5]), long, senses)
    assert found == "money", "The length of a vector must not matter: use cosines, not dot products."
    found = sense_of(torch.tensor([0.7, 0.7, 0.0]), vectors, senses)
    assert found == "river", f"For [.7, .7, 0] the mean cosine with 'river' is larger; yours is {found!r}."
    more = torch.tensor([[0.0, 1.0], *[[0.6, 0.8]] * 3])
    found = sense_of(torch.tensor([0.0, 1.0]), more, ["a", *"bbb"])
    assert found == "a", "A sense must not win because it has more sentences: use the mean, not the sum."
    found = sense_of(torch.tensor([0.0, 1.0]), torch.tensor([[0.0, 1.0], [-1.0, 0.0], [0.6, 0.8]]), list("aab"))
    assert found == "b", "The mean of a sense's cosines counts (.5 of 'a', .8 of 'b'), not the closest vector."


def fused(rankings, k):
    sums = {}
    for ranking in rankings:
        for rank, document in enumerate(ranking, 1):
            sums[document] = sums.get(document, 0.0) + 1 / (k + rank)
    return sorted(sums, key=lambda document: (-sums[document], document))


def check_fused(fused):
    found = list(fused([["d", "b"], ["b", "a"]], 60))
    assert found == ["b", "d", "a"], f"b has 1/62 + 1/61, d 1/61, a 1/62: ['b', 'd', 'a']; yours is {found}."
    found = list(fused([["a", "b", "c"]], 60))
    assert found == ["a", "b", "c"], f"A single ranking is unchanged: ['a', 'b', 'c']; yours is {found}."
    found = list(fused([["z", "y"], ["y", "z"], ["x"]], 1))
    assert found == ["y", "z", "x"], f"y and z have equal sums, so they are in alphabetical order; yours is {found}."
    found = list(fused([["a", "b"], ["c", "d", "b"]], 1))
    assert found == ["b", "a", "c", "d"], (
        f"With k 1 b has 1/3 + 1/4, a and c 1/2, d 1/3: ['b', 'a', 'c', 'd']; the first rank is 1. Yours is {found}."
    )
    sharp, flat = [["a", "b", "c"], ["x", "y", "b"]], 60
    found = list(fused(sharp, 0))
    assert found == ["a", "x", "b", "y", "c"], (
        f"With k 0: a and x have 1, b 1/2 + 1/3, y 1/2, c 1/3, so ['a', 'x', 'b', 'y', 'c']; yours is {found}."
    )
    found = list(fused(sharp, flat))
    assert found == ["b", "a", "x", "y", "c"], (
        f"With k 60 b, which both rankings have, comes first: ['b', 'a', 'x', 'y', 'c']; yours is {found}."
    )


EXERCISES = [
    Exercise(
        "Whole-word masking",
        check_whole_words,
        (
            "First find the words: a list of lists of indices; a piece with ## adds its index to the last one.",
            "Then take all indices of every word that contains a chosen one.",
            "{place for word in words if chosen & set(word) for place in word}",
        ),
        whole_words,
    ),
    Exercise(
        "Word sense disambiguation",
        check_sense_of,
        (
            "A cosine is the dot product of two vectors divided by their lengths: F.normalize does this division.",
            "For each sense take the cosines of its own sentences: a list of True and False selects rows of a tensor.",
            "max(means, key=lambda sense: means[sense]) returns the key with the largest value in a dictionary.",
        ),
        sense_of,
    ),
    Exercise(
        "Reciprocal rank fusion",
        check_fused,
        (
            "Use a dictionary from document to sum; enumerate(ranking, 1) counts ranks from 1.",
            "sums[document] = sums.get(document, 0) + 1 / (k + rank)",
            "Sort by the pair (negative sum, name): sorted(sums, key=lambda d: (-sums[d], d)).",
        ),
        fused,
    ),
]
