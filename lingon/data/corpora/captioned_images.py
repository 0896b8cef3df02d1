"""Sets of captioned images by name: the stamps in three languages, and scenes composed of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.core.errors import unknown
from lingon.data.captioned_images import CaptionedImages, CaptionSplits
from lingon.data.corpora.images import load_image_set
from lingon.data.corpora.scene_captions import COUNTS, made_scenes
from lingon.data.files.images import resize_image
from lingon.data.stamps import Stamps, StampSplits

__all__ = ["CAPTIONED", "load_captioned_set"]


@dataclass(frozen=True)
class CaptionedSet:
    """A row of the table. make: a function from the size in pixels and the language to the splits."""

    make: Callable[[int, str], CaptionSplits]
    languages: tuple[str, ...] = ("en",)


def stamps(size: int, language: str) -> CaptionSplits:
    """Return the single stamps, on white, with their human captions in a language."""
    splits: StampSplits = load_image_set("stamps")
    train, valid, test = (_on_white(part, size, language) for part in (splits.train, splits.valid, splits.test))
    return CaptionSplits(train, valid, test, "stamps", {**splits.source, "language": language})


def scenes(size: int, language: str) -> CaptionSplits:
    """Return constructed scenes of two stamps, with captions of their positions; see `scene_captions`."""
    return made_scenes(load_image_set("stamps").all(), size, COUNTS)


def _on_white(of: Stamps, size: int, language: str) -> CaptionedImages:
    alpha = of.pixels[..., 3:].astype(np.float32) / 255
    flat = (of.pixels[..., :3] * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)
    pixels = np.stack([resize_image(one, size, size) for one in flat])
    return CaptionedImages(pixels, [(one[language],) for one in of.captions], list(of.names))


CAPTIONED: dict[str, CaptionedSet] = {
    "stamps": CaptionedSet(stamps, ("en", "de", "fr")),
    "scenes": CaptionedSet(scenes),
}


def load_captioned_set(name: str, size: int, language: str = "en") -> Any:
    """Return a set by name, of images with `size` x `size` pixels. Raises UserError for a language it does not have."""
    row = CAPTIONED[name]
    if language not in row.languages:
        raise unknown(f"language of {name!r}", language, row.languages)
    return row.make(size, language)
