"""Selection of groups of rows for a split, with about the wanted number of rows, depending only on the texts."""

from collections.abc import Mapping, Sequence

from lingon.core.seed import derive


def cut_groups(groups: Mapping[str, Sequence[int]], target: int, purpose: str) -> list[str]:
    """Return the keys of groups with about `target` rows in total, in the order in which they were chosen.

    Groups that would exceed twice the target are not chosen, and at least one group always remains. If every group is
    larger than that, the smallest is chosen. purpose: "test" or "valid"; each chooses other groups.

    >>> cut_groups({"a": [0], "b": [1, 2], "c": [3, 4, 5, 6, 7]}, 1, "test")
    ['a']
    >>> cut_groups({"a": [0, 1, 2], "c": [3, 4, 5, 6, 7]}, 1, "test")
    ['a']
    >>> cut_groups({"a": [0, 1, 2]}, 1, "test")
    []
    """
    chosen: list[str] = []
    taken = 0
    for key in sorted(groups, key=lambda key: derive(0, purpose, key)):
        if taken >= target or len(chosen) == len(groups) - 1:
            break
        if taken + len(groups[key]) <= 2 * target:
            chosen.append(key)
            taken += len(groups[key])
    if not chosen and len(groups) > 1:
        chosen.append(min(groups, key=lambda key: (len(groups[key]), key)))
    return chosen
