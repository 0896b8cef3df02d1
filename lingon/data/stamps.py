"""Stamps: pictures of single objects with alpha masks, and captions in several languages."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["StampSplits", "Stamps"]

NOUN = re.compile(r"An? ([a-z]+)\.")  # a caption that is one noun


@dataclass(frozen=True)
class Stamps:
    """Cut-out pictures of single objects.

    pixels: uint8 [N, S, S, 4], RGBA; alpha 0 is background. captions: of each, sentences by language (en, de, fr), such
    as "A frog." categories: such as animals. names: of the files.
    """

    pixels: np.ndarray
    captions: list[dict[str, str]]
    categories: list[str]
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, which: slice | np.ndarray) -> "Stamps":
        """Return some of the stamps: a slice, or an array of indices."""
        rows = np.arange(len(self))[which]
        parts = (self.captions, self.categories, self.names)
        return Stamps(self.pixels[rows], *([part[i] for i in rows] for part in parts))

    def nouns(self) -> dict[str, list[int]]:
        """Return the indices of the stamps of each noun; only of stamps whose English caption is like "A frog." """
        found: dict[str, list[int]] = {}
        for i, captions in enumerate(self.captions):
            if match := NOUN.fullmatch(captions["en"]):
                found.setdefault(match[1], []).append(i)
        return dict(sorted(found.items()))


@dataclass(frozen=True)
class StampSplits:
    """Training, validation and test stamps, their name, and where they come from."""

    train: Stamps
    valid: Stamps
    test: Stamps
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> Stamps:
        """Return all stamps; all parts of scenes are composed of them, only the compositions differ."""
        parts = (self.train, self.valid, self.test)
        pixels = np.concatenate([part.pixels for part in parts])
        lists = ([one for part in parts for one in getattr(part, name)] for name in ("captions", "categories", "names"))
        return Stamps(pixels, *lists)
