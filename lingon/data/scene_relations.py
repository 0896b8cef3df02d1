"""Spatial relations of two objects (left of, right of, above, below), and captions for them."""

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

from lingon.core.seed import derive

RELATIONS = ("left of", "right of", "above", "below")
INVERSE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
CLEARLY = 1.5  # two objects must be this many times further apart along one axis than along the other

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom are outside


class Triple(NamedTuple):
    """A relation of two nouns: `Triple("frog", "left of", "owl")`."""

    noun: str
    relation: str
    other: str

    @property
    def inverse(self) -> "Triple":
        """Return the same relation seen from the other object: an owl right of a frog."""
        return Triple(self.other, INVERSE[self.relation], self.noun)

    def caption(self) -> str:
        """Return the relation in words.

        >>> Triple("frog", "left of", "owl").caption()
        'a frog left of an owl'
        """
        return f"{with_article(self.noun)} {self.relation} {with_article(self.other)}"


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article.

    >>> with_article("owl"), with_article("frog")
    ('an owl', 'a frog')
    """
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def triple_of(caption: str) -> Triple | None:
    """Return the relation in a caption; None unless it has the form of `Triple.caption`.

    >>> triple_of("a frog left of an owl")
    Triple(noun='frog', relation='left of', other='owl')
    """
    for relation in RELATIONS:
        first, found, second = caption.strip().rstrip(" .").partition(f" {relation} ")
        one, other = first.split(), second.split()
        if found and len(one) == len(other) == 2 and {one[0], other[0]} <= {"a", "an"}:
            return Triple(one[1], relation, other[1])
    return None


def relation_of(box: Box, other: Box) -> str | None:
    """Return the relation of a box to another, by their centres; None if neither axis clearly dominates.

    >>> relation_of((0, 0, 10, 10), (30, 5, 40, 15)), relation_of((0, 0, 10, 10), (30, 30, 40, 40))
    ('left of', None)
    """
    right = (other[0] + other[2] - box[0] - box[2]) / 2
    down = (other[1] + other[3] - box[1] - box[3]) / 2
    if abs(right) > CLEARLY * abs(down):
        return "left of" if right > 0 else "right of"
    if abs(down) > CLEARLY * abs(right):
        return "above" if down > 0 else "below"
    return None


def all_triples(nouns: Sequence[str]) -> list[Triple]:
    """Return every relation of every two different nouns."""
    return [Triple(one, relation, other) for one, other in permutations(nouns, 2) for relation in RELATIONS]


def divide_triples(nouns: Sequence[str], share: float = 0.1, seed: int = 0) -> tuple[list[Triple], list[Triple]]:
    """Return the triples to train on, and about this share of them that are held out of training.

    A triple and its inverse stay together: they are the same picture. With few nouns and a large share, a noun may have
    no triple left to train on.
    """
    triples = all_triples(nouns)
    pairs = sorted({min(one, one.inverse) for one in triples}, key=lambda one: derive(seed, "triple", *one))
    out = {side for one in pairs[: round(share * len(pairs))] for side in (one, one.inverse)}
    return [one for one in triples if one not in out], [one for one in triples if one in out]
