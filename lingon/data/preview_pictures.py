"""Previews small grey pictures as block characters: the output of `lingon data show digits`."""

from collections import Counter
from itertools import zip_longest
from typing import Any

from lingon.core.counted import counted
from lingon.core.terminal_columns import padded
from lingon.data.corpora import PICTURES, Pictures, load_pictures

COLUMNS, GAP = 80, 4
INK = 0.35  # a pixel this dark is drawn
BLOCKS = " ▄▀█"  # indexed by 2 * (upper pixel is drawn) + (lower pixel is drawn)


def show_pictures(name: str, samples: int = 3) -> str:
    """Return the origin of a set of pictures, how often each label occurs, and some of them drawn."""
    row, splits = PICTURES[name], load_pictures(name)
    parts = (splits.train, splits.valid, splits.test)
    counts = Counter(label for part in parts for label in part.labels.tolist())
    height, width = row.size
    lines = [
        f"{name}: {row.summary}",
        f"licence: {row.licence}",
        f"train {len(splits.train):,}, valid {len(splits.valid):,}, test {counted(len(splits.test), 'picture')}",
        f"pixels: {height} x {width}, from 0 (paper) to 1 (ink), on average {splits.train.pixels.mean():.2f}",
        f"labels, and how often: {', '.join(f'{label} {count:,}' for label, count in sorted(counts.items()))}",
        "",
        *side_by_side(splits.train, samples),
    ]
    return "\n".join([*lines, f'In Python: load_pictures("{name}") of lingon.data.corpora; lessons 04 and 05 use it.'])


def side_by_side(pictures: Pictures, count: int) -> list[str]:
    """Return the lines of the first pictures, as many side by side as fit into a terminal, each under its label."""
    drawn = [as_blocks(_trimmed(pixels)) for pixels in pictures.pixels[:count]]
    width = max((len(picture[0]) for picture in drawn), default=0)
    beside = (COLUMNS + GAP) // (width + GAP)
    lines = []
    for start in range(0, len(drawn), beside):
        group = drawn[start : start + beside]
        titles = [f"[{label}]" for label in pictures.labels[start : start + len(group)]]
        for parts in (titles, *zip_longest(*group, fillvalue="")):
            lines.append((" " * GAP).join(padded(part, width) for part in parts).rstrip())
        lines.append("")
    return lines


def as_blocks(pixels: Any) -> list[str]:
    """Return a picture [height, width] from 0 to 1 as lines of blocks, two rows of pixels in each line.

    >>> import numpy as np
    >>> as_blocks(np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]))
    [' ▄▀█', '▀   ']
    """
    dark = (pixels >= INK).tolist()
    if len(dark) % 2:
        dark.append([False] * len(dark[0]))
    return [
        "".join(BLOCKS[2 * above + below] for above, below in zip(*pair, strict=True))
        for pair in zip(dark[::2], dark[1::2], strict=True)
    ]


def _trimmed(pixels: Any) -> Any:
    """Return a picture cropped to its ink."""
    rows, columns = (pixels >= INK).nonzero()
    if not len(rows):
        return pixels
    return pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
