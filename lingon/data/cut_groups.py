"""Which groups of rows are cut off for a part of the data: about as many rows as are wanted, by the texts alone."""

from collections.abc import Mapping, Sequence

from lingon.core.seed import derive


def cut_groups(groups: Mapping[str, Sequence[int]], target: int, purpose: str) -> list[str]:
    """Return the keys of groups with about `target` rows together, in the order in which they were chosen.

    A group that would make them more than twice as many stays, and so does one at least. Where every group is larger
    than that, the smallest is chosen. purpose: "test" or "valid"; another one chooses other groups.

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
