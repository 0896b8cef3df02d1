"""A caption that was found: its text, its tokens, and how likely the model takes it to be."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lingon.core.terminal import printable


@dataclass(frozen=True)
class Caption:
    """A caption of an image.

    image: its path, or what stands for one that has none. score: what ranks it among others, the log-probability
    divided by the length penalty. logprob: of all its tokens, natural logarithm. ids: of the tokens, the end among
    them. pixels: the image as the model read it, uint8 [H, W, 3]. ended: the model ended it; else it is as long as it
    may be.
    """

    image: str
    caption: str
    score: float
    logprob: float
    ids: tuple[int, ...] = field(repr=False)
    pixels: np.ndarray = field(repr=False, compare=False)
    ended: bool = True

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the image first."""
        return {"image": self.image, "caption": self.caption, "score": self.score, "logprob": self.logprob}

    def __str__(self) -> str:
        return f"{printable(self.image)}: {printable(self.caption)}"
