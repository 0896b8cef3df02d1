"""Loads images with masks, to train or evaluate a segmenter: composed scenes, or a user's folder."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, UserError, one_of, too_few, unknown
from lingon.data.corpora.images import IMAGES, load_image_set
from lingon.data.cut_groups import cut_groups
from lingon.data.files.mask_classes import Classes
from lingon.data.files.mask_folder import read_mask_folder
from lingon.data.load_data import PARTS, SHARE, tell_lines
from lingon.data.masked_images import MaskedImages, MaskedSplits

__all__ = ["SCENES", "load_masked_images", "load_masked_splits"]

SCENES = {"train": 3_000, "valid": 200, "test": 500}  # composed of stamps, if the data is "scenes"
SIZES = {"scenes": 64, "folder": 128}  # pixels, if no size is given
MOST_SIZE = 2_048  # pixels of height and width


def load_masked_splits(
    name_or_path: str | Path, test: str | None = None, valid: str | None = None, size: int | None = None
) -> MaskedSplits:
    """Return training, validation and test images with masks: "scenes", or a folder with images/ and masks/ in it.

    A folder with train/, valid/ and test/ has its own parts. Else a fifth of the images is held out for the test and a
    tenth of the others for validation, always the same ones; equal images stay together. test, valid: other folders.
    size: to which the images are stretched, in pixels; 64 for scenes, 128 for a folder.
    Raises UserError for other data, DataError with the file for masks that are not understood.
    """
    name = str(name_or_path)
    if size is not None and not 1 <= size <= MOST_SIZE:
        raise UserError(f"--image-size is {size}; expected 1 to {MOST_SIZE:,} pixels of height and width")
    if name == "scenes":
        if test or valid:
            raise UserError("'scenes' has fixed splits; leave --test and --valid out")
        return _scenes(size or SIZES["scenes"])
    folder, size = _folder(name), size or SIZES["folder"]
    places = {part: folder / part for part in PARTS if (folder / part).is_dir()} if (folder / "train").is_dir() else {}
    places = {"train": folder} | places | {part: Path(at) for part, at in (("test", test), ("valid", valid)) if at}
    train, classes = read_mask_folder(places["train"], size)
    found = {"train": train} | {
        part: read_mask_folder(at, size, classes)[0] for part, at in places.items() if part != "train"
    }
    for part in ("test", "valid"):
        if part not in found:
            found["train"], found[part] = _cut(found["train"], part, folder)
    _check_classes(found["train"], folder)
    source = {"name": folder.name, "image_size": size, **{part: len(found[part]) for part in PARTS}}
    source |= {"classes": len(classes.names), "sha256": _checksum(found[part] for part in PARTS)}
    return MaskedSplits(found["train"], found["valid"], found["test"], folder.name, source)


def load_masked_images(name_or_path: str | Path, part: str | None, size: int, classes: Sequence[str]) -> MaskedImages:
    """Return images with masks to evaluate a model on: a part, by default the test part of scenes or all of a folder.

    size, classes: of the model. Raises as `load_masked_splits` does, and for classes that the model does not have.
    """
    name = str(name_or_path)
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    if name != "scenes" and part in (None, "all") and not (_folder(name) / "train").is_dir():
        return read_mask_folder(_folder(name), size, Classes(list(classes)))[0]
    splits = load_masked_splits(name, size=size)
    if splits.train.classes != list(classes):
        raise DataError(f"{name}: its classes are {one_of(splits.train.classes)}; the model's are {one_of(classes)}")
    parts = [getattr(splits, one) for one in PARTS] if part == "all" else [getattr(splits, part or "test")]
    pixels, masks = (np.concatenate([getattr(one, what) for one in parts]) for what in ("pixels", "masks"))
    return MaskedImages(pixels, masks, list(classes), [path for one in parts for path in one.paths])


def _folder(name: str) -> Path:
    if name in IMAGES:
        raise UserError(f"{name!r} has no masks; scenes are composed of stamps and have them: --data scenes")
    if not Path(name).is_dir():
        raise UserError(f"{name!r} is no folder with images/ and masks/ in it, and not 'scenes'")
    return Path(name)


def _scenes(size: int) -> MaskedSplits:
    """Compose the scenes of each part from the same stamps: only the compositions of the test are new."""
    from lingon.data.scene_sets import mixed_scenes
    from lingon.data.scenes import Composer

    composer = Composer(load_image_set("stamps").all(), size=size)
    classes, found = ["background", *composer.nouns], {}
    for part, count in SCENES.items():
        scenes = mixed_scenes(composer, count, part)
        pixels, masks = np.stack([one.image for one in scenes]), np.stack([one.mask for one in scenes])
        found[part] = MaskedImages(pixels, masks, classes, [f"{part} scene {i}" for i in range(1, count + 1)])
    source = {"name": "scenes", "constructed": "of stamps", "image_size": size, **SCENES}
    source |= IMAGES["stamps"].source.provenance()
    return MaskedSplits(found["train"], found["valid"], found["test"], "scenes", source)


def _cut(images: MaskedImages, part: str, folder: Path) -> tuple[MaskedImages, MaskedImages]:
    """Return the remaining images and those held out for a part; equal images stay together."""
    groups = defaultdict(list)
    for row, pixels in enumerate(images.pixels):
        groups[hashlib.sha256(pixels.tobytes()).hexdigest()].append(row)
    if len(groups) < 2:
        raise DataError(f"{folder}: {too_few(len(groups), 'different image')}; at least three are needed")
    out = {row for key in cut_groups(groups, max(1, round(SHARE[part] * len(images))), part) for row in groups[key]}
    rows = np.arange(len(images))
    cut = np.isin(rows, sorted(out))
    return images[rows[~cut]], images[rows[cut]]


def _check_classes(train: MaskedImages, folder: Path) -> None:
    """Refuse masks of a single class, and report classes without a pixel to train on."""
    counts = train.counts()
    if (counts > 0).sum() < 2:
        said = repr(train.classes[int(counts.argmax())]) if counts.any() else "none"
        raise DataError(f"{folder}: all pixels to train on are of one class, {said}; two or more are needed")
    if missing := [name for name, count in zip(train.classes, counts, strict=True) if not count]:
        tell_lines([f"{folder.name}: classes without a pixel to train on: {one_of(missing)}"])


def _checksum(parts: Any) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.pixels.tobytes())
        found.update(part.masks.tobytes())
    return found.hexdigest()
