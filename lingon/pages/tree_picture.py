"""Draws a dependency tree as an SVG picture: the words in a row, with an arc above from each head to its dependent."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from html import escape
from itertools import accumulate, pairwise

from lingon.core.counted import counted
from lingon.core.errors import UserError

MOST_WORDS = 300  # of a picture that is still readable
FONT, SMALL = 15, 11.5  # pixels of the letters of words and of relations
LEVEL, GAP, ROUND, MARGIN = 26.0, 18.0, 9.0, 12.0  # height of an arc over the one under it; between words; of corners
PORT = 9.0  # between the ends of arcs at one word
COLOURS = {"": "#3b7dc4", "wrong": "#dc2626"}
STYLE = (  # with names specific to this picture: in a page, all pictures share one style sheet
    f".tree-picture text{{font:{FONT}px system-ui,sans-serif;fill:currentColor}}"
    f".tree-picture .relation{{font-size:{SMALL}px;paint-order:stroke;"
    "stroke:var(--ground,#fff);stroke-width:5px;stroke-linejoin:round}"
    ".tree-picture path{fill:none;stroke-width:1.4}"
)


def tree_svg(
    words: Sequence[str], heads: Sequence[int], relations: Sequence[str], wrong: Collection[int] = (), title: str = ""
) -> str:
    """Return the SVG text of a tree. heads: from 1, 0 for the root, whose arc comes from above.

    wrong: indices, from 0, of words whose arcs are red. title: text alternative for screen readers.
    Raises UserError for a sentence of too many words.

    >>> tree_svg(["Dogs", "bark"], [2, 0], ["nsubj", "root"]).count("<path")
    4
    """
    if len(words) > MOST_WORDS:
        raise UserError(
            f"a sentence of {counted(len(words), 'word')} is too long for a picture; it may have {MOST_WORDS}"
        )
    arcs = [(min(i, head), max(i, head)) if head else (i, i) for i, head in enumerate(heads, 1)]
    levels, offsets = _levels(arcs), _offsets(arcs, len(words))
    centres = _centres(words, arcs, relations, offsets)
    top = MARGIN + SMALL + LEVEL * max(levels, default=1)
    width = (centres[-1] + _width(words[-1], FONT) / 2 if words else 0) + MARGIN
    at = {place: centres[place[0] - 1] + offset for place, offset in offsets.items()}
    parts = []
    # The widest arcs first, so that they do not cross the labels of those under them.
    for word in sorted(range(len(words)), key=lambda i: -levels[i]):
        colour = COLOURS["wrong" if word in wrong else ""]
        start = at[heads[word], word] if heads[word] else None
        parts.append(_arc((start, at[word + 1, word]), top, levels[word], _clean(relations[word]), colour))
    parts += (
        f'<text x="{x:.1f}" y="{top + FONT + 5:.1f}" text-anchor="middle">{_clean(word)}</text>'
        for x, word in zip(centres, words, strict=True)
    )
    height = top + FONT + 5 + MARGIN
    name = _clean(title or " ".join(words))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tree-picture" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{name}"><style>{STYLE}</style>'
        f"{''.join(parts)}</svg>"
    )


def _levels(arcs: Sequence[tuple[int, int]]) -> list[int]:
    """Return the level of each arc: above all arcs inside of it, and above shorter ones that it crosses."""
    levels = [0] * len(arcs)
    order = sorted(range(len(arcs)), key=lambda i: arcs[i][1] - arcs[i][0])
    for place, i in enumerate(order):
        left, right = arcs[i]
        under = [levels[j] for j in order[:place] if arcs[j][0] < right and left < arcs[j][1]]
        levels[i] = 1 + max(under, default=0)
    for i, (left, right) in enumerate(arcs):
        if left == right:  # the arc of the root, which comes from above all arcs over its word
            levels[i] = 1 + max(
                (n for n, (a, b) in zip(levels, arcs, strict=True) if a <= left <= b and a < b), default=0
            )
    return levels


def _offsets(arcs: Sequence[tuple[int, int]], words: int) -> dict[tuple[int, int], float]:
    """Return the horizontal offset of the end of each arc from the middle of its word, by word and arc.

    Arcs to the left end left of those to the right; on each side longer arcs end further inside, so that none cross.
    """
    at: list[list[tuple[int, int]]] = [[] for _ in range(words + 1)]  # (order, arc) at each word
    for i, (left, right) in enumerate(arcs):
        if left == right:
            at[left].append((0, i))
        else:
            at[left].append((words + 1 - (right - left), i))
            at[right].append(((right - left) - words - 1, i))
    found: dict[tuple[int, int], float] = {}
    for word, own in enumerate(at):
        for number, (_, i) in enumerate(sorted(own)):
            found[word, i] = PORT * (number - (len(own) - 1) / 2)
    return found


def _centres(
    words: Sequence[str],
    arcs: Sequence[tuple[int, int]],
    relations: Sequence[str],
    offsets: Mapping[tuple[int, int], float],
) -> list[float]:
    """Return the middle of each word, far enough apart that labels of relations fit on their arcs."""
    widths = [_width(word, FONT) for word in words]
    for (word, _), offset in offsets.items():
        widths[word - 1] = max(widths[word - 1], 2 * abs(offset) + PORT)
    steps = [(a + b) / 2 + GAP for a, b in pairwise(widths)]
    for i in sorted(range(len(arcs)), key=lambda i: arcs[i][1] - arcs[i][0]):
        left, right = arcs[i]
        needed = _width(relations[i], SMALL) + 2 * ROUND + offsets[left, i] - offsets[right, i]
        missing, own = needed - sum(steps[left - 1 : right - 1]), range(left - 1, right - 1)
        for step in own if missing > 0 else ():
            steps[step] += missing / len(own)
    return list(accumulate(steps, initial=MARGIN + widths[0] / 2)) if words else []


def _arc(ends: tuple[float | None, float], top: float, level: int, relation: str, colour: str) -> str:
    start, end = ends
    high = top - LEVEL * level
    tip = f'<path fill="{colour}" style="fill:{colour}" d="M{end:.1f} {top:.1f}l-3.5 -7h7z"/>'
    if start is None:
        line, middle = f"M{end:.1f} {high:.1f}V{top - 6:.1f}", end
    else:
        turn = ROUND if start < end else -ROUND
        line = (
            f"M{start:.1f} {top:.1f}V{high + ROUND:.1f}Q{start:.1f} {high:.1f} {start + turn:.1f} {high:.1f}"
            f"H{end - turn:.1f}Q{end:.1f} {high:.1f} {end:.1f} {high + ROUND:.1f}V{top - 6:.1f}"
        )
        middle = (start + end) / 2
    label = f'<text class="relation" x="{middle:.1f}" y="{high + 4:.1f}" text-anchor="middle">{relation}</text>'
    return f'<path stroke="{colour}" d="{line}"/>{tip}{label}'


def _width(text: str, size: float) -> float:
    """Return the approximate width of a text; letters of East Asian scripts are as wide as high."""
    return sum(size * (1.05 if unicodedata.east_asian_width(c) in "WF" else 0.58) for c in text)


def _clean(text: str) -> str:
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))
