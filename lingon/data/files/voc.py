"""Annotations of Pascal VOC: an XML file for each image, as LabelImg and other tools write them.

The XML is read by expat; entity declarations are refused, so that none can expand or fetch anything.
"""

import math
from pathlib import Path
from typing import Any
from xml.parsers import expat

from lingon.core.errors import DataError
from lingon.data.files.box_annotations import AnnotatedImage, RawBox

MOST_BYTES = 1 << 24
DEEPEST = 64
ROOT = ("annotation",)
OBJECT = (*ROOT, "object")
FIELDS: dict[str, tuple[str, ...]] = {"name": (*OBJECT, "name"), "difficult": (*OBJECT, "difficult")}
FIELDS |= {side: (*OBJECT, "bndbox", side) for side in ("xmin", "ymin", "xmax", "ymax")}
OF_OBJECT = {path: name for name, path in FIELDS.items()}
OF_IMAGE = {(*ROOT, "filename"): "filename", (*ROOT, "size", "width"): "width", (*ROOT, "size", "height"): "height"}
Fields = dict[str, str]


def read_voc(data: bytes, place: str, source: Path | bytes, name: str) -> AnnotatedImage:
    """Return the annotations of an image from an XML file. place: the file, for messages. source, name: of the image.

    A box marked `difficult` need not be found. Coordinates are edges, as written in the file. Raises DataError with the
    line for invalid XML, declared entities, or a missing element `annotation`.
    """
    found = _Reader(place)
    found.read(data)
    boxes, broken = [], []
    for fields in found.objects:
        try:
            boxes.append(_box(fields, f"{place}:{fields['line']}"))
        except DataError as error:
            broken.append(error)
    return AnnotatedImage(place, source, name, _size(found.image), tuple(boxes), tuple(broken))


def filename_in(data: bytes, place: str) -> str | None:
    """Return the name of the image in an XML file, without its folder; None if there is none."""
    found = _Reader(place)
    found.read(data)
    noted = found.image.get("filename", "").replace("\\", "/").rsplit("/", 1)[-1].strip()
    return noted or None


def _size(fields: Fields) -> tuple[int, int] | None:
    try:
        width, height = (int(float(fields[name])) for name in ("width", "height"))
    except (KeyError, ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None  # some tools write 0 for an unknown size


def _box(fields: Fields, place: str) -> RawBox:
    label = " ".join(fields.get("name", "").split())
    if not label:
        raise DataError(f"{place}: an object without a name")
    corners = []
    for side in ("xmin", "ymin", "xmax", "ymax"):
        try:
            corners.append(float(fields[side]))
        except KeyError:
            raise DataError(f"{place}: the box of {label!r} has no {side}") from None
        except ValueError:
            raise DataError(f"{place}: {side} is {fields[side].strip()[:40]!r}, expected a number") from None
    if not all(map(math.isfinite, corners)):
        raise DataError(f"{place}: the box of {label!r} has a side that is not a number")
    left, top, right, bottom = corners
    return RawBox(place, label, (left, top, right, bottom), ignored=fields.get("difficult", "0").strip() == "1")


class _Reader:
    """Callbacks of expat, and the fields of the image and of each object."""

    def __init__(self, place: str):
        self.place = place
        self.path: list[str] = []
        self.text: list[str] = []
        self.image: Fields = {}
        self.objects: list[Fields] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler, self.parser.EndElementHandler = self.start, self.end
        self.parser.CharacterDataHandler, self.parser.EntityDeclHandler = self.text.append, self.entity
        self.root = ""

    def read(self, data: bytes) -> None:
        if len(data) > MOST_BYTES:
            raise DataError(f"{self.place}: {len(data):,} bytes; an annotation has {MOST_BYTES:,} at most")
        try:
            self.parser.Parse(data, True)
        except expat.ExpatError as error:
            raise DataError(f"{self.place}:{error.lineno}: not XML ({expat.ErrorString(error.code)})") from None
        except (ValueError, LookupError) as error:  # an unknown encoding
            raise DataError(f"{self.place}: not XML ({error})") from None
        if self.root != ROOT[0]:
            raise DataError(f"{self.place}: its element is {self.root[:40]!r}, expected 'annotation' of Pascal VOC")

    def entity(self, name: str, *_: Any) -> None:
        raise DataError(
            f"{self.place}:{self.parser.CurrentLineNumber}: declares the entity {name[:40]!r}; entities can grow "
            "without end, so none are read"
        )

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name.lower()
        self.path.append(name.lower())
        self.text.clear()
        if len(self.path) > DEEPEST:
            raise DataError(f"{self.place}:{self.parser.CurrentLineNumber}: elements more than {DEEPEST} deep")
        if tuple(self.path) == OBJECT:
            self.objects.append({"line": str(self.parser.CurrentLineNumber)})

    def end(self, name: str) -> None:
        path, value = tuple(self.path), "".join(self.text)
        if path in OF_OBJECT:
            self.objects[-1].setdefault(OF_OBJECT[path], value)
        elif path in OF_IMAGE:
            self.image.setdefault(OF_IMAGE[path], value)
        self.path.pop()
        self.text.clear()
