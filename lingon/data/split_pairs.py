"""Divides pairs into training, validation and test, so that no text is both trained and tested on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, too_few
from lingon.data.cut_groups import cut_groups
from lingon.data.load_data import SHARE
from lingon.data.pair_groups import PairGroups
from lingon.data.split import key_of
from lingon.data.text_pairs import TextPairs, sides_of

MOST = 0.5  # share of all pairs that may be connected by shared texts
Units = dict[str, list[int]]  # rows that must stay together, by a key


def divide_pairs(path: Path, pairs: TextPairs, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the parts "train", "valid" and "test" of pairs, and messages about them.

    given: the parts that exist already. The division depends on the texts alone. Raises DataError for too few pairs.
    """
    units, said = _units(path, pairs)
    parts = dict(given)
    for part in ("test", "valid"):
        if part in given:
            said += _shared(pairs, given[part], part)
        else:
            target = max(1, round(SHARE[part] * sum(map(len, units.values()))))
            parts[part] = pairs[_rows({name: units.pop(name) for name in cut_groups(units, target, part)})]
    parts["train"] = pairs[_rows(units)]
    if not all(len(part) for part in parts.values()):
        raise DataError(f"{path}: {too_few(len(pairs), 'pair')} to train, validate and test on")
    return parts, said


def _shared(pairs: TextPairs, others: TextPairs, part: str) -> list[str]:
    """Return a message about texts of a given part that are also in training."""
    known, here = ({key_of(text) for side in sides_of(some) for text in side} for some in (pairs, others))
    both = len(known & here)
    return [f"{both:,} of {counted(len(here), 'text')} of the {part} pairs are also in training"] if both else []


def _units(path: Path, pairs: TextPairs) -> tuple[Units, list[str]]:
    """Return the rows that stay together: pairs that share a text; or each pair alone if nearly all are connected."""
    both = list(zip(*sides_of(pairs), strict=True))
    groups = PairGroups(both).of_pairs
    largest = np.bincount(groups).max() / len(both)
    names = [f"{key_of(first)}\n{key_of(second)}" for first, second in both]
    said = []
    if largest > MOST and len(both) > 1:
        said = [
            f"{path.name}: {largest:.0%} of the pairs are connected by texts that they share, so the test shares texts "
            "with training"
        ]
        groups = np.arange(len(both))
    units: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        units.setdefault(group, []).append(row)
    found: Units = {}
    for rows in units.values():  # pairs that are equal stay together in any case
        found.setdefault(min(names[row] for row in rows), []).extend(rows)
    return found, said


def _rows(units: Units) -> list[int]:
    return sorted(row for rows in units.values() for row in rows)
