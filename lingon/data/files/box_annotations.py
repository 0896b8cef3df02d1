"""Raw annotations of an image from a file of any format: boxes with labels, not validated yet."""

from dataclasses import dataclass, field
from pathlib import Path

from lingon.core.errors import DataError


@dataclass(frozen=True)
class RawBox:
    """A box from a file. place: its location for messages. corners: left, top, right, bottom in pixels.

    relative: the corners are fractions of the width and the height of the image.
    """

    place: str
    label: str
    corners: tuple[float, float, float, float]
    crowd: bool = False
    ignored: bool = False
    relative: bool = False


@dataclass(frozen=True)
class AnnotatedImage:
    """An image and its boxes from a file. place: that file. source: path of the image, or its bytes.

    size: width and height in pixels according to the file, if given. broken: errors of single boxes, with locations.
    """

    place: str
    source: Path | bytes
    name: str
    size: tuple[int, int] | None
    boxes: tuple[RawBox, ...]
    broken: tuple[DataError, ...] = field(default=())
