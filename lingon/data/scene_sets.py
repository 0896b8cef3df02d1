"""Sets of scenes for a task: of a few things, of two in a known relation, or of several equal ones to be counted."""

from collections.abc import Sequence

import numpy as np

from lingon.core.seed import derive
from lingon.data.scene_relations import Triple
from lingon.data.scenes import Composer, Scene

__all__ = ["counting_scenes", "mixed_scenes", "pair_scenes"]


def mixed_scenes(composer: Composer, count: int, name: str, most: int = 4) -> list[Scene]:
    """Return scenes of 1 to `most` things of any nouns. name: of the set, such as train; another has other scenes."""
    random = np.random.default_rng(derive(0, "mixed scenes", name))
    found = []
    for i in range(count):
        nouns = [composer.nouns[j] for j in random.integers(len(composer.nouns), size=random.integers(1, most + 1))]
        found.append(composer.compose(nouns, "mixed", name, i))
    return found


def pair_scenes(composer: Composer, triples: Sequence[Triple], count: int, name: str) -> list[Scene]:
    """Return scenes of two things, whose triples take turns in a random order: each comes equally often."""
    order = np.random.default_rng(derive(0, "pair scenes", name)).permutation(len(triples))
    return [composer.compose_pair(triples[order[i % len(order)]], "pair", name, i) for i in range(count)]


def counting_scenes(composer: Composer, count: int, name: str, most: int = 5, others: int = 2) -> list[Scene]:
    """Return scenes with 1 to `most` things of one noun, each number equally often, and up to `others` of other nouns.

    The things are in a random order; `scene.count(noun)` is the answer to "how many".
    """
    random = np.random.default_rng(derive(0, "counting scenes", name))
    found = []
    for i in range(count):
        kinds = random.permutation(len(composer.nouns))[: 1 + random.integers(others + 1)]
        repeated = [kinds[0]] * (1 + i % most) + list(kinds[1:])
        nouns = [composer.nouns[j] for j in random.permutation(repeated)]
        found.append(composer.compose(nouns, "counting", name, i))
    return found
