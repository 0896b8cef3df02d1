"""Scenes of two stamps with captions, composed on request from the stamps of Tux Paint."""

from pathlib import Path

import numpy as np

from lingon.data.captioned_images import CaptionedImages, CaptionSplits
from lingon.data.corpora.stamps import tuxpaint_stamps
from lingon.data.scene_relations import Triple, divide_triples
from lingon.data.scene_sets import pair_scenes
from lingon.data.scenes import NOUNS, Composer
from lingon.data.stamps import Stamps

COUNTS = {"train": 8_000, "valid": 400, "test": 1_000}  # of scenes
SIDE = 64  # default size in pixels
SUMMARY = "scenes composed of stamps (constructed): two things for train caption, more with masks for train segment"


def stamp_scenes(path: Path, size: int = SIDE) -> CaptionSplits:
    """Compose scenes of `size` x `size` pixels, with captions; see `made_scenes`. path: of the package of stamps."""
    return made_scenes(tuxpaint_stamps(path).all(), size, COUNTS)


def made_scenes(of: Stamps, size: int, counts: dict[str, int], nouns: tuple[str, ...] = NOUNS) -> CaptionSplits:
    """Return constructed scenes of two stamps with captions; the test set has combinations not seen in training.

    Each scene has two captions, which describe the same relation from either object. A tenth of all triples of two
    nouns and a relation, with their inverses, is held out from training and validation, where all nouns and all
    relations occur. counts: number of scenes of each split. nouns: of the stamps that are used.
    """
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
