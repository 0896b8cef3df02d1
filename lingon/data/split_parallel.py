"""Divides parallel texts into training, validation and test, so that no source and no target is in two parts."""

from collections.abc import Sequence

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError
from lingon.data.cut_groups import cut_groups
from lingon.data.load_data import SHARE
from lingon.data.pair_groups import PairGroups
from lingon.data.parallel_texts import ParallelTexts
from lingon.data.split import key_of

MOST = 2_000  # pairs of a held-out part; with this many, BLEU is known to about a point


def divide_rows(
    name: str, pairs: ParallelTexts, parts: Sequence[str] = ("test", "valid"), most: int = MOST
) -> dict[str, list[int]]:
    """Return the rows of pairs that are held out for each of `parts`, and under "train" the remaining ones.

    Pairs that share a source or a target stay together, also if they are connected through others. A part gets a fifth
    (test) or a tenth of the rest (valid), but not many more than `most` pairs. The choice depends on the texts alone.
    Raises DataError for too few pairs.
    """
    groups = _groups(pairs)
    count, found = len(groups), {}
    for part in parts:
        rows = sum(map(len, groups.values()))
        cut = cut_groups(groups, min(most, max(1, round(SHARE[part] * rows))), part)
        found[part] = sorted(row for key in cut for row in groups.pop(key))
    found["train"] = sorted(row for rows in groups.values() for row in rows)
    if not all(found.values()):
        raise DataError(
            f"{name}: {counted(len(pairs), 'pair')} in {count:,} groups that share no source or target are too few for "
            f"{counted(len(found), 'part')}; give more, or --test and --valid"
        )
    return found


def shared_sides(train: ParallelTexts, others: ParallelTexts, part: str) -> list[str]:
    """Return a message about pairs of another part whose source or target is also in training."""
    known = {key_of(text) for side in (train.sources, train.targets) for text in side}
    both = sum(key_of(source) in known or key_of(target) in known for source, target in others)
    return (
        [f"{both:,} of {len(others):,} {part} pairs have a source or target that is also in training"] if both else []
    )


def _groups(pairs: ParallelTexts) -> dict[str, list[int]]:
    """Return the rows that stay together, by the first of their sources in sort order."""
    numbers = PairGroups(pairs).of_pairs
    order = np.argsort(numbers, kind="stable")
    bounds = np.flatnonzero(np.diff(numbers[order])) + 1
    found = {}
    for rows in np.split(order, bounds) if len(pairs) else []:
        found[min(key_of(pairs.sources[row]) for row in rows.tolist())] = rows.tolist()
    return found
