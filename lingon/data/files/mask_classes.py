"""The classes of masks: names and colours from a file classes.txt, else from the masks themselves."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, one_of
from lingon.core.files import read_bytes
from lingon.data.files.masks import MOST_CLASSES

LINE = re.compile(r"(?P<name>.*?)(?:\s+(?P<colour>#[0-9a-fA-F]{6}))?")
MOST_COLOURS = 64  # of masks without classes.txt; a picture with more is not a mask


class Classes(NamedTuple):
    """Names of classes, in the order of their indices, and the colour of each as 0xRRGGBB, if given."""

    names: list[str]
    colours: list[int] | None = None


def read_classes(path: Path) -> Classes:
    """Read classes.txt: one name per line, starting with class 0, optionally with a colour, as `road #804080`.

    Raises DataError with the line for a duplicate name, colours of only some classes, and more than 255 classes.
    """
    try:
        lines = read_bytes(path, 1 << 16).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text") from None
    names, colours = [], []
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line:
            continue
        found = LINE.fullmatch(line)
        assert found is not None, "any line matches"
        if not found["name"] or found["name"] in names:
            raise DataError(f"{path}:{number}: {line[:60]!r} is no name of its own; expected one class in a line")
        names.append(found["name"])
        colours.append(int(found["colour"][1:], 16) if found["colour"] else None)
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(
            f"{path}: {counted(len(names), 'class')}; expected 2 to {MOST_CLASSES}, the first for the background"
        )
    given = [colour for colour in colours if colour is not None]
    if given and (len(given) < len(names) or len({*given}) < len(names)):
        raise DataError(
            f"{path}: {len({*given})} colours for {counted(len(names), 'class')}; give each class one, or none at all"
        )
    return Classes(names, given or None)


def classes_of(masks: Mapping[Path, np.ndarray]) -> Classes:
    """Return the classes of masks without classes.txt: each number up to the largest, or each colour, black first.

    Raises DataError if some masks have numbers and others colours, and for more than 64 colours.
    """
    coloured = {path: mask for path, mask in masks.items() if mask.ndim == 3}
    if coloured and len(coloured) < len(masks):
        other = next(path for path in masks if path not in coloured)
        raise DataError(f"{next(iter(coloured))} has colours and {other} class numbers; write all masks in one way")
    if not coloured:
        numbers = sorted({int(n) for mask in masks.values() for n in np.unique(mask)} - {MOST_CLASSES})
        return Classes([str(n) for n in range(numbers[-1] + 1 if numbers else 0)])
    colours: set[int] = set()
    for path, mask in coloured.items():
        colours |= {int(n) for n in np.unique(packed(mask))}
        if len(colours) > MOST_COLOURS:
            raise DataError(
                f"{path}: the masks have more than {MOST_COLOURS} colours; is it a photograph? "
                "Name the colours of all classes in classes.txt, as: road #804080"
            )
    return Classes([f"#{n:06x}" for n in sorted(colours)], sorted(colours))


def numbered(path: Path, mask: np.ndarray, classes: Classes) -> np.ndarray:
    """Return the class indices of a mask, uint8 [H, W]. Raises DataError with the position of an unknown class."""
    if mask.ndim == 2:
        _refuse(path, mask, (mask >= len(classes.names)) & (mask != MOST_CLASSES), classes)
        return mask
    if classes.colours is None:
        raise DataError(f"{path}: a mask in colours, but classes.txt names none; write them as: road #804080")
    colours = packed(mask)
    order = np.argsort(classes.colours)
    places = np.searchsorted(np.array(classes.colours)[order], colours).clip(max=len(order) - 1)
    found = order[places]
    _refuse(path, colours, np.array(classes.colours)[found] != colours, classes)
    return found.astype(np.uint8)


def _refuse(path: Path, values: np.ndarray, wrong: np.ndarray, classes: Classes) -> None:
    if not wrong.any():
        return
    row, column = np.argwhere(wrong)[0].tolist()
    value = int(values[row, column])
    if classes.colours is None:
        said = f"class number {value}"
        known = f"the classes are 0 to {len(classes.names) - 1}: {one_of(classes.names)}"
    else:
        said, known = f"the colour #{value:06x}", f"the colours are {one_of(f'#{n:06x}' for n in classes.colours)}"
    raise DataError(f"{path}: {said} at row {row}, column {column}, which is no class; {known}")


def packed(mask: np.ndarray) -> np.ndarray:
    """Return colours [H, W, 3] as integers 0xRRGGBB, [H, W]."""
    red, green, blue = np.moveaxis(mask.astype(np.int64), -1, 0)
    return (red << 16) | (green << 8) | blue
