"""Noise of reconstruction: a marker is swapped for another of its style that differs from it in one word.

The model that is given the markers of a sentence would else learn to copy them as they are, and never meets those of
another sentence before it is used. Source: Li et al. 2018, section 3.4: at most one word of edit distance, with
probability .1.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random

from lingon.tasks.rewrite.content import Words

PROBABILITY = 0.1


class MarkerNoise:
    """The markers of a style, and for each those at an edit distance of one word."""

    def __init__(self, markers: Iterable[Words]):
        self.known = list(dict.fromkeys(markers))
        self._alike: dict[tuple[str | None, ...], list[Words]] = defaultdict(list)
        for marker in self.known:
            for pattern in _patterns(marker):
                self._alike[pattern].append(marker)

    def similar(self, marker: Words) -> list[Words]:
        """Return the other markers that become this one when a word is changed, added or left out."""
        found = [other for pattern in _patterns(marker) for other in self._alike.get(pattern, ())]
        return [other for other in dict.fromkeys(found) if other != marker]

    def swapped(self, markers: Sequence[Words], random: Random, probability: float = PROBABILITY) -> list[Words]:
        """Return markers, each of which is swapped for a similar one with this probability, where there is one."""
        found = []
        for marker in markers:
            others = self.similar(marker) if random.random() < probability else []
            found.append(random.choice(others) if others else marker)
        return found


def _patterns(marker: Words) -> list[tuple[str | None, ...]]:
    """Return what two markers at a distance of one word have in common.

    With a gap (None) in place of a word, those that differ in that word; and with a gap between two words, as the
    longer one has in place of the word that the shorter one lacks.
    """
    swaps = [(*marker[:i], None, *marker[i + 1 :]) for i in range(len(marker))]
    return swaps + [(*marker[:i], None, *marker[i:]) for i in range(len(marker) + 1)]
