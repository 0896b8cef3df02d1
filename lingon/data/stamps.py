"""Stamps: pictures of single things with their alpha masks, and captions in several languages."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["StampSplits", "Stamps"]

NOUN = re.compile(r"An? ([a-z]+)\.")  # a caption that is one noun


@dataclass(frozen=True)
class Stamps:
    """Pictures of single things, cut out.

    pixels: uint8 [N, S, S, 4], RGBA; where alpha is 0 there is nothing. captions: of each its sentences by language
    (en, de, fr), as "A frog." categories: such as animals. names: of the files.
    """

    pixels: np.ndarray
    captions: list[dict[str, str]]
    categories: list[str]
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, which: slice | np.ndarray) -> "Stamps":
        """Return some of them: a slice, or an array of positions."""
        rows = np.arange(len(self))[which]
        parts = (self.captions, self.categories, self.names)
        return Stamps(self.pixels[rows], *([part[i] for i in rows] for part in parts))

    def nouns(self) -> dict[str, list[int]]:
        """Return the positions of the stamps of each noun: of those whose English caption is no more, as "A frog." """
        found: dict[str, list[int]] = {}
        for i, captions in enumerate(self.captions):
            if match := NOUN.fullmatch(captions["en"]):
                found.setdefault(match[1], []).append(i)
        return dict(sorted(found.items()))


@dataclass(frozen=True)
class StampSplits:
    """Stamps to train on, to choose by, and to test on; their name, and where they come from."""

    train: Stamps
    valid: Stamps
    test: Stamps
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> Stamps:
        """Return all stamps: what scenes are composed of, whose test is another composition."""
        parts = (self.train, self.valid, self.test)
        pixels = np.concatenate([part.pixels for part in parts])
        lists = ([one for part in parts for one in getattr(part, name)] for name in ("captions", "categories", "names"))
        return Stamps(pixels, *lists)
