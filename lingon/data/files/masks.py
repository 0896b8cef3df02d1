"""Reads and writes masks: png files whose pixels are class indices, indices of a palette, or colours."""

from pathlib import Path

import numpy as np

from lingon.core.errors import DataError
from lingon.core.files import atomic_write
from lingon.data.files.images import MOST_PIXELS, pillow, read_image

__all__ = ["MOST_CLASSES", "colours_of", "mask_colours", "read_mask", "save_mask"]

MOST_CLASSES = 255  # the value 255 itself is an ignored pixel
GREY = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")


def read_mask(path: Path | str) -> np.ndarray:
    """Return a mask as stored: class indices uint8 [H, W], or colours uint8 [H, W, 3].

    Grey pixels of eight or sixteen bits are class indices, and so are the indices of a palette; 1-bit black and white
    are 0 and 1. Raises DataError naming the file for anything that is not a png, for class indices over 255, and as
    `read_image` does.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise DataError(f"{path}: a mask must be a png; a jpeg changes the numbers of classes")
    colours = read_image(path)  # damaged files and bombs are refused there
    with pillow().open(path, formats=("PNG",)) as image:
        assert image.size[0] * image.size[1] <= MOST_PIXELS
        if image.mode not in GREY:
            return colours
        numbers = np.array(image)
    if numbers.min() < 0 or numbers.max() > MOST_CLASSES:
        row, column = np.argwhere((numbers < 0) | (numbers > MOST_CLASSES))[0].tolist()
        raise DataError(
            f"{path}: sixteen bits, with {numbers[row, column]} at row {row}, column {column}; "
            f"class numbers are from 0 to {MOST_CLASSES - 1}, and {MOST_CLASSES} where a pixel counts for nothing"
        )
    return numbers.astype(np.uint8)


def mask_colours(count: int) -> np.ndarray:
    """Return a colour for each class, uint8 [count, 3]: black first, then those of PASCAL VOC.

    They differ strongly: the bits of the index, three at a time, become the high bits of red, green and blue.
    """
    numbers = np.arange(count)
    colours = np.zeros((count, 3), np.int64)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * bit + channel)) & 1) << (7 - bit)
    return colours.astype(np.uint8)


def colours_of(mask: np.ndarray, count: int) -> np.ndarray:
    """Return a mask [H, W] of `count` classes as a picture, uint8 [H, W, 3]; ignored pixels are white."""
    table = np.full((256, 3), 255, np.uint8)
    table[:count] = mask_colours(count)
    return table[mask]


def save_mask(path: Path | str, mask: np.ndarray, count: int) -> Path:
    """Write a mask, uint8 [H, W], as a png with a palette, whose indices are the classes. count: of classes.

    Raises DataError for a name that does not end in .png.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise DataError(f"{str(path)!r}: a mask is written as a png; give it a name that ends in .png")
    image = pillow().fromarray(mask)
    image.putpalette(colours_of(np.arange(256, dtype=np.uint8)[None], count).tobytes())
    with atomic_write(path, "wb") as file:
        image.save(file, format="PNG")
    return path
