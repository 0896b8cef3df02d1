"""A dependency tree in plain text: the root at the top, under each word the words that depend on it."""

from collections.abc import Sequence

DEEPEST = 40  # levels that are drawn as such; what is deeper stands as if it were so deep


def tree_lines(words: Sequence[str], heads: Sequence[int], relations: Sequence[str]) -> list[str]:
    """Return the lines of a tree, a word in each with its relation; words under one head in their order.

    >>> print(*tree_lines(["Dogs", "chase", "cats"], [2, 0, 2], ["nsubj", "root", "obj"]), sep="\\n")
    chase  root
    ├─ Dogs  nsubj
    └─ cats  obj
    """
    children: list[list[int]] = [[] for _ in range(len(words) + 1)]
    for word, head in enumerate(heads, 1):
        children[head].append(word)
    lines, waiting = [], [(word, "", "", 0) for word in reversed(children[0])]
    while waiting:  # a tree can be deeper than calls may be
        word, before, branch, depth = waiting.pop()
        lines.append(f"{before}{branch}{words[word - 1]}  {relations[word - 1]}")
        under = before if depth > DEEPEST else before + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
        own = children[word]
        marks = ["├─ "] * (len(own) - 1) + ["└─ "] * bool(own)
        waiting += [(child, under, mark, depth + 1) for child, mark in zip(own[::-1], marks[::-1], strict=True)]
    return lines
