"""Annotations in YOLO format: a text file per image, a line per box; names of classes are in a separate file."""

import math
import re
from pathlib import Path

from lingon.core.errors import DataError
from lingon.data.files.box_annotations import AnnotatedImage, RawBox

NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels")
LINE = "a class, and centre x, centre y, width and height as shares of the image"


def read_yolo(image: Path, labels: Path, names: list[str]) -> AnnotatedImage:
    """Return the boxes of an image. labels: its text file; if it is missing, the image has no objects.

    A line with more numbers is the outline of an object; its bounding box is used.
    """
    boxes, broken = [], []
    if labels.is_file():
        for number, line in enumerate(read_lines(labels), 1):
            if line.strip():
                try:
                    boxes.append(_box(line, names, f"{labels}:{number}"))
                except DataError as error:
                    broken.append(error)
    return AnnotatedImage(str(labels), image, image.name, None, tuple(boxes), tuple(broken))


def _box(line: str, names: list[str], place: str) -> RawBox:
    first, *rest = line.split()
    try:
        numbers = [float(value) for value in rest]
        label = int(first)
    except ValueError:
        raise DataError(f"{place}: {line.strip()[:60]!r}; expected {LINE}") from None
    if not all(map(math.isfinite, numbers)) or len(numbers) < 4 or (len(numbers) > 5 and len(numbers) % 2):
        raise DataError(f"{place}: {line.strip()[:60]!r}; expected {LINE}")
    if not 0 <= label < len(names):
        raise DataError(f"{place}: class {label}, but there are names for {len(names)}, from 0 on")
    if len(numbers) > 5:
        xs, ys = numbers[::2], numbers[1::2]
        return RawBox(place, names[label], (min(xs), min(ys), max(xs), max(ys)), relative=True)
    x, y, width, height = numbers[:4]  # a fifth would be a score
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return RawBox(place, names[label], corners, relative=True)


def read_names(path: Path) -> list[str]:
    """Return the names from a file with one class per line. Raises DataError if it has none, or duplicates."""
    return _checked(path, [line.strip() for line in read_lines(path) if line.strip()])


def read_data_yaml(path: Path) -> tuple[list[str], dict[str, list[str]], str | None]:
    """Return the class names, the paths of each part, and the folder that they are relative to, from a data.yaml.

    Only these YAML lines are read: `path:`, `train:`, `val:` and `test:` with one path or a list, and `names:` with a
    list, or with numbers and names. Raises DataError if there are no names.
    """
    names, paths, root = [], {}, None
    for key, (value, inside) in _top_level(path).items():
        if key == "names":
            names = _names(path, value, inside)
        elif key == "path":
            root = _plain(value) or None
        elif key in ("train", "val", "valid", "test"):
            listed = _flow(value) if value.startswith("[") else [_plain(value)] if value else _items(inside)
            paths["valid" if key == "val" else key] = [one for one in listed if one]
    return _checked(path, names), {part: found for part, found in paths.items() if found}, root


def _top_level(path: Path) -> dict[str, tuple[str, list[str]]]:
    """Return the top-level keys, each with the rest of its line and the lines below it."""
    found: dict[str, tuple[str, list[str]]] = {}
    key = None
    for line in read_lines(path):
        line = re.sub(r"(^|\s)#.*", "", line).rstrip()
        opened = re.match(r"([\w-]+):(?:\s+(.*))?$", line)
        if opened:
            key = opened[1]
            found[key] = ((opened[2] or "").strip(), [])
        elif key and line:
            found[key][1].append(line.strip())
    return found


def _names(path: Path, value: str, inside: list[str]) -> list[str]:
    if value.startswith(("[", "{")):
        value = " ".join([value, *inside])
    if value.startswith("["):
        return _flow(value)
    pairs = _flow(value) if value.startswith("{") else inside
    if pairs and all(one.startswith("- ") for one in pairs):
        return _items(pairs)
    numbered = [re.match(r"(\d+)\s*:\s*(.+)$", one) for one in pairs]
    found = {int(one[1]): _plain(one[2]) for one in numbered if one}
    if len(found) < len(pairs) or sorted(found) != list(range(len(found))):
        raise DataError(f"{path}: names: expected a list, or numbers from 0 on with a name each")
    return [found[i] for i in range(len(found))]


def _items(lines: list[str]) -> list[str]:
    return [_plain(line[1:]) for line in lines if line.startswith("-")]


def _flow(value: str) -> list[str]:
    inside = value.strip()[1:-1] if value.strip()[-1:] in "]}" else value.strip()[1:]
    return [_plain(one[0] or one[1] or one[2]) for one in re.findall(r"""("[^"]*")|('[^']*')|([^,\s][^,]*)""", inside)]


def _plain(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _checked(path: Path, names: list[str]) -> list[str]:
    if not names or not all(names) or len({*names}) < len(names):
        raise DataError(f"{path}: expected names of classes, each once; it has {str(names)[:60]}")
    return names


def read_lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 text file. Raises DataError for another encoding, and for more than 16 MB."""
    if path.stat().st_size > 1 << 24:
        raise DataError(f"{path}: {path.stat().st_size:,} bytes; expected a short text file")
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file in UTF-8") from None
