"""Sets of scenes for a task: with a few objects, two in a known relation, or several of one noun to count."""

from collections.abc import Sequence

import numpy as np

from lingon.core.seed import derive
from lingon.data.scene_relations import Triple
from lingon.data.scenes import Composer, Scene

__all__ = ["counting_scenes", "mixed_scenes", "pair_scenes"]


def mixed_scenes(composer: Composer, count: int, name: str, most: int = 4) -> list[Scene]:
    """Return scenes with 1 to `most` objects of any nouns. name: of the set, such as train; it seeds the scenes."""
    random = np.random.default_rng(derive(0, "mixed scenes", name))
    found = []
    for i in range(count):
        nouns = [composer.nouns[j] for j in random.integers(len(composer.nouns), size=random.integers(1, most + 1))]
        found.append(composer.compose(nouns, "mixed", name, i))
    return found


def pair_scenes(composer: Composer, triples: Sequence[Triple], count: int, name: str) -> list[Scene]:
    """Return scenes of two objects that cycle through the triples in a random order, each equally often."""
    order = np.random.default_rng(derive(0, "pair scenes", name)).permutation(len(triples))
    return [composer.compose_pair(triples[order[i % len(order)]], "pair", name, i) for i in range(count)]


def counting_scenes(composer: Composer, count: int, name: str, most: int = 5, others: int = 2) -> list[Scene]:
    """Return scenes with 1 to `most` objects of one noun, each number equally often, and up to `others` of other nouns.

    The objects are in a random order; `scene.count(noun)` is the answer to "how many".
    """
    random = np.random.default_rng(derive(0, "counting scenes", name))
    found = []
    for i in range(count):
        kinds = random.permutation(len(composer.nouns))[: 1 + random.integers(others + 1)]
        repeated = [kinds[0]] * (1 + i % most) + list(kinds[1:])
        nouns = [composer.nouns[j] for j in random.permutation(repeated)]
        found.append(composer.compose(nouns, "counting", name, i))
    return found
