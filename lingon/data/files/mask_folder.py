"""Reads a user's folder with images/ and masks/: a png with the same name for every image."""

from pathlib import Path

import numpy as np

from lingon.core.errors import DataError, UserError, one_of
from lingon.data.files.image_memory import check_memory
from lingon.data.files.images import image_paths, read_image, resize_image
from lingon.data.files.mask_classes import Classes, classes_of, numbered, packed, read_classes
from lingon.data.files.masks import read_mask
from lingon.data.masked_images import IGNORED_PIXEL, MaskedImages

FILE = "classes.txt"


def read_mask_folder(folder: Path, size: int, known: Classes | None = None) -> tuple[MaskedImages, Classes]:
    """Return the images of a folder with their masks, both stretched to `size` pixels, and the classes.

    images/ holds image files, masks/ a png of the same name and size for each. classes.txt, in the folder or the one
    above, names the classes. known: the classes of a model or of the training part; a folder with other names is
    refused. Masks with only 0 and 255 have two classes; else pixels of 255 are ignored.
    Raises UserError for a folder without these, DataError with the file for other problems.
    """
    pairs = _pairs(folder)
    given = next((read_classes(at / FILE) for at in (folder, folder.parent) if (at / FILE).is_file()), None)
    check_memory(len(pairs), (size, size), folder)
    classes = _agreed(folder, given, known)
    masks, kinds, pixels = {}, {}, []
    for image, path in pairs.items():
        whole, mask = read_image(image), read_mask(path)
        if whole.shape[:2] != mask.shape[:2]:
            (height, width), (h, w) = whole.shape[:2], mask.shape[:2]
            raise DataError(f"{path}: {w} x {h} pixels, but its image {image.name} has {width} x {height}")
        kinds[path] = _distinct(mask)
        pixels.append(resize_image(whole, size, size))
        masks[path] = _nearest(mask, size)
    two = _two_valued(kinds)
    kinds = {path: _as_two(kind) if two else kind for path, kind in kinds.items()}
    classes = classes or classes_of(kinds)
    for path, kind in kinds.items():
        numbered(path, kind, classes)  # also refuses unknown classes that resizing removed
    found = [numbered(path, _as_two(mask) if two else mask, classes) for path, mask in masks.items()]
    return MaskedImages(np.stack(pixels), np.stack(found), classes.names, [str(p) for p in pairs]), classes


def _pairs(folder: Path) -> dict[Path, Path]:
    """Return the mask of each image, by the names of the files."""
    images, masks = folder / "images", folder / "masks"
    if not images.is_dir() or not masks.is_dir():
        raise UserError(f"{str(folder)!r} has no folders images and masks in it; a mask is a png named as its image")
    pairs: dict[Path, Path] = {}
    for path in image_paths([images]):
        mask = masks / path.relative_to(images).with_suffix(".png")
        if mask in pairs.values():
            raise DataError(f"{path}: another image has the same name without its ending; rename one of them")
        if not mask.is_file():
            raise DataError(f"{path} has no mask; expected {mask}")
        pairs[path] = mask
    alone = {*masks.rglob("*.png")} - {*pairs.values()}
    if alone:
        raise DataError(f"{min(alone)}: a mask without an image; expected one of that name in {images}")
    return pairs


def _agreed(folder: Path, given: Classes | None, known: Classes | None) -> Classes | None:
    """Return the classes for reading masks. Raises DataError if a folder names other classes than the known ones."""
    if given is None or known is None:
        return given or known
    if given.names != known.names:
        raise DataError(f"{folder / FILE}: its classes are {one_of(given.names)}; expected {one_of(known.names)}")
    return given


def _distinct(mask: np.ndarray) -> np.ndarray:
    """Return the distinct values of a mask: numbers [1, K], or colours [1, K, 3]."""
    if mask.ndim == 2:
        return np.unique(mask)[None]
    colours = np.unique(packed(mask))
    return np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], -1)[None].astype(np.uint8)


def _two_valued(kinds: dict[Path, np.ndarray]) -> bool:
    """Return whether masks have only the numbers 0 and 255, as 8-bit black and white."""
    found = {int(n) for kind in kinds.values() for n in kind.ravel()}
    return all(kind.ndim == 2 for kind in kinds.values()) and found == {0, IGNORED_PIXEL}


def _as_two(mask: np.ndarray) -> np.ndarray:
    return np.where(mask == IGNORED_PIXEL, 1, mask).astype(np.uint8)


def _nearest(mask: np.ndarray, size: int) -> np.ndarray:
    """Return a mask resized to `size` rows and columns by nearest neighbour."""
    rows, columns = (((np.arange(size) + 0.5) * length / size).astype(int) for length in mask.shape[:2])
    return mask[rows[:, None], columns]
