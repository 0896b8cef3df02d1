"""Images of any sizes, without labels, and their division into training, validation and test."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, unknown
from lingon.core.seed import derive
from lingon.data.open_image import is_photos, open_images

PARTS = ("train", "valid", "test")
SHARE = 8  # one in this many images is for the test, another for validation


@dataclass(frozen=True)
class ImageCollection:
    """Images by name, uint8 [H, W, 3] each, of three parts. source: their origin, stored in run.json."""

    train: dict[str, np.ndarray]
    valid: dict[str, np.ndarray]
    test: dict[str, np.ndarray]
    name: str
    source: dict[str, Any] = field(default_factory=dict)


def load_image_collection(name_or_path: str | Path) -> ImageCollection:
    """Return images of a folder, of a data set by name, or of `photos`, the colour images of scikit-image.

    An eighth, at least one, is for the test, and another for validation, always the same ones in any order of the
    folder. Raises UserError for an unknown name or path, DataError for fewer than three images.
    """
    found = open_images(name_or_path)
    if len(found) < 3:
        raise DataError(
            f"{name_or_path}: {counted(len(found), 'image')}; three or more are needed to train, validate and test"
        )
    order = list(found) if is_photos(name_or_path) else sorted(found, key=_turn)
    each = max(1, len(found) // SHARE)
    names = {"test": order[:each], "valid": order[each : 2 * each], "train": order[2 * each :]}
    parts = {part: {name: found[name] for name in sorted(names[part])} for part in PARTS}
    name = Path(name_or_path).name
    return ImageCollection(**parts, name=name, source={"name": name} | {part: len(parts[part]) for part in PARTS})


def _turn(path: str) -> int:
    return derive(0, "part", Path(path).name)


def load_images_of_part(name_or_path: str | Path, part: str | None = None) -> dict[str, np.ndarray]:
    """Return images to evaluate on: all, or a part as divided for training. Raises as `load_image_collection` does."""
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    return open_images(name_or_path) if part in (None, "all") else getattr(load_image_collection(name_or_path), part)
