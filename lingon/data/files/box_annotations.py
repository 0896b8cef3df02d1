"""What a file of annotations says of an image, whatever its format: boxes with labels, not yet checked."""

from dataclasses import dataclass, field
from pathlib import Path

from lingon.core.errors import DataError


@dataclass(frozen=True)
class RawBox:
    """A box as a file has it. place: file and line, or what names it. corners: left, top, right, bottom in pixels.

    relative: the corners are shares of the width and the height of the image.
    """

    place: str
    label: str
    corners: tuple[float, float, float, float]
    crowd: bool = False
    ignored: bool = False
    relative: bool = False


@dataclass(frozen=True)
class AnnotatedImage:
    """An image and its boxes as a file has them. place: the file that says so. source: of the image, or its bytes.

    size: width and height in pixels that the file names, if it does. broken: what is wrong with single boxes, each an
    error with its place.
    """

    place: str
    source: Path | bytes
    name: str
    size: tuple[int, int] | None
    boxes: tuple[RawBox, ...]
    broken: tuple[DataError, ...] = field(default=())
