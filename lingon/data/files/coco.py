"""Annotations of COCO: one JSON file with images, categories and boxes."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError
from lingon.data.files.box_annotations import AnnotatedImage, RawBox

MOST_BYTES = 1 << 30
FindImage = Callable[[str, str], Path]  # (name of a file, location of the name) -> path


def read_coco(path: Path, find: FindImage) -> list[AnnotatedImage]:
    """Return the images of a file with their boxes, in order. find: a function from the name of an image to its path.

    Boxes are left, top, width and height; `iscrowd` marks one around many objects. Raises DataError for JSON in another
    format, for an annotation of an unknown image, and for two images with the same id.
    """
    held = _read(path)
    names = _by_id(path, held, "categories", "name")
    images = _by_id(path, held, "images", "file_name")
    boxes: dict[Any, list[RawBox]] = {key: [] for key in images}
    broken: dict[Any, list[DataError]] = {key: [] for key in images}
    for number, one in enumerate(_list(path, held, "annotations")):
        place = f"{path}: annotation {one.get('id', number)}"
        image = _key(one.get("image_id"))
        if image not in images:
            raise DataError(f"{place}: image_id {one.get('image_id')!r} is no image of the file")
        try:
            boxes[image].append(_box(one, names, place))
        except DataError as error:
            broken[image].append(error)
    return [
        AnnotatedImage(
            str(path),
            find(entry["file_name"], f"{path}: image {entry['id']}"),
            entry["file_name"],
            _size(entry),
            tuple(boxes[key]),
            tuple(broken[key]),
        )
        for key, entry in images.items()
    ]


def _read(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path}: {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
    try:
        held = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({str(error)[:80]})") from None
    if not isinstance(held, dict) or "annotations" not in held:
        raise DataError(f"{path}: not the JSON of COCO; expected an object with images, annotations and categories")
    return held


def _list(path: Path, held: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = held.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise DataError(f"{path}: key {key!r} must hold a list of objects")
    return found


def _key(value: Any) -> Any:
    return value if isinstance(value, int | str) else None


def _by_id(path: Path, held: Mapping[str, Any], key: str, name: str) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for one in _list(path, held, key):
        number = _key(one.get("id"))
        if number is None or not isinstance(one.get(name), str) or not one[name].strip():
            raise DataError(f"{path}: {key}: {str(one)[:60]} needs an id and a {name}")
        if number in found:
            raise DataError(f"{path}: {key}: the id {number!r} occurs twice")
        found[number] = one
    return found


def _size(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = entry.get("width"), entry.get("height")
    known = all(isinstance(side, int) and side > 0 for side in (width, height))
    return (int(width), int(height)) if known else None  # type: ignore[arg-type]


def _is_number(value: Any) -> bool:
    """Return whether a value is a number within the range of float64."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _box(one: Mapping[str, Any], names: Mapping[Any, Mapping[str, Any]], place: str) -> RawBox:
    category, box = _key(one.get("category_id")), one.get("bbox")
    if category not in names:
        raise DataError(f"{place}: category_id {one.get('category_id')!r} is no category of the file")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise DataError(f"{place}: bbox is {str(box)[:60]}, expected four numbers: left, top, width, height")
    left, top, width, height = map(float, box)
    label = " ".join(str(names[category]["name"]).split())
    return RawBox(place, label, (left, top, left + width, top + height), crowd=bool(one.get("iscrowd")))
