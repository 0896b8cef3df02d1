"""Sets of captioned images by name: the stamps in three languages, and scenes that are composed of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.core.errors import unknown
from lingon.data.captioned_images import CaptionedImages, CaptionSplits
from lingon.data.corpora.images import load_image_set
from lingon.data.files.images import resize_image
from lingon.data.scene_relations import Triple, divide_triples
from lingon.data.scene_sets import pair_scenes
from lingon.data.scenes import NOUNS, Composer
from lingon.data.stamps import Stamps, StampSplits

__all__ = ["CAPTIONED", "load_captioned_set", "made_scenes"]

COUNTS = {"train": 8_000, "valid": 400, "test": 1_000}  # of scenes


@dataclass(frozen=True)
class CaptionedSet:
    """A row of the table. make: gives the splits, of the size in pixels and the language."""

    make: Callable[[int, str], CaptionSplits]
    languages: tuple[str, ...] = ("en",)


def stamps(size: int, language: str) -> CaptionSplits:
    """Return the single stamps, on white, with the caption that people gave them in a language."""
    splits: StampSplits = load_image_set("stamps")
    train, valid, test = (_on_white(part, size, language) for part in (splits.train, splits.valid, splits.test))
    return CaptionSplits(train, valid, test, "stamps", {**splits.source, "language": language})


def scenes(size: int, language: str) -> CaptionSplits:
    """Return constructed scenes of two stamps, with what is where; those of the test in combinations never trained on.

    Each has two captions, which say the same of either thing. A tenth of all triples of two nouns and a relation is
    left out of training and validation, with their inverses; all nouns and all relations are in both.
    """
    splits: StampSplits = load_image_set("stamps")
    return made_scenes(splits.all(), size, COUNTS)


def made_scenes(of: Stamps, size: int, counts: dict[str, int], nouns: tuple[str, ...] = NOUNS) -> CaptionSplits:
    """Return scenes composed of stamps. counts: how many of each part. nouns: of the stamps that are used."""
    composer = Composer(of, nouns, size)
    known, held_out = divide_triples(nouns)
    train, valid, test = (
        _scenes(composer, held_out if part == "test" else known, counts[part], f"captions {part}")
        for part in ("train", "valid", "test")
    )
    facts = {"name": "scenes", "constructed": True, "triples": len(known), "held_out_triples": len(held_out)}
    return CaptionSplits(train, valid, test, "scenes", facts | counts)


def _scenes(composer: Composer, triples: list[Triple], count: int, name: str) -> CaptionedImages:
    pixels = np.empty((count, composer.size, composer.size, 3), np.uint8)
    captions: list[tuple[str, ...]] = []
    for i, scene in enumerate(pair_scenes(composer, triples, count, name)):
        assert scene.triple is not None, "two things of a pair are in a relation"
        pixels[i] = scene.image
        captions.append((scene.triple.caption(), scene.triple.inverse.caption()))
    return CaptionedImages(pixels, captions)


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
