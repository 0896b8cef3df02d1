"""Loads images with boxes, to train or evaluate a detector: a data set by name, or the user's files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.core.seed import derive
from lingon.data.boxed_images import BoxedImage, BoxSplits, box_counts
from lingon.data.corpora.images import IMAGES, load_image_set
from lingon.data.files.boxes_folder import annotated_parts
from lingon.data.files.lines import OnBadRow
from lingon.data.load_data import PARTS, SHARE, tell_lines
from lingon.data.read_boxes import BoxReport, boxed_images

__all__ = ["load_box_splits", "load_boxes"]

SHAPE = "images with boxes"


def load_box_splits(
    name_or_path: str | Path,
    test: str | Path | None = None,
    valid: str | Path | None = None,
    images: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
) -> BoxSplits:
    """Return training, validation and test images with boxes: a data set by name, a folder, or a file.

    For the formats of folders and files see `lingon.data.files.boxes_folder`. test, valid: data to test and validate
    on. By default a fifth of the images is held out for the test, and a tenth of the others for validation, always the
    same ones; equal files stay together. images: the folder of the images that a .json names. on_bad_row: "stop" raises
    at the first invalid image or box, "skip" leaves it out. What was left out, clipped at an edge or rotated is
    reported on stderr.
    Raises UserError for other data, DataError with file and line.
    """
    name = str(name_or_path)
    if _is_set(name):
        if test or valid or images:
            raise UserError(f"{name!r} is a data set with fixed splits; leave --test, --valid and --images out")
        return load_image_set(name)
    report, folder = BoxReport(on_bad_row), None if images is None else Path(images)
    reads = annotated_parts(_existing(name), folder)
    found = {part: boxed_images(read(), report) for part, read in reads.items()}
    for part, given in (("test", test), ("valid", valid)):
        if given is not None:
            found[part] = _all_of(_existing(str(given)), folder, report)
    tell_lines(report.messages())
    for part in ("test", "valid"):
        if part not in found:
            found["train"], found[part] = _cut(found["train"], SHARE[part], part)
    for part in PARTS:
        if not found[part]:
            raise DataError(f"{name}: no images for {part}; at least three are needed")
    if not box_counts(found["train"]):
        raise DataError(f"{name}: no training image has a box")
    source: dict[str, Any] = {"name": Path(name).name, **{part: len(found[part]) for part in PARTS}}
    source |= {"notes": dict(report.counts)} if report.counts else {}
    source["sha256"] = checksum([image for part in PARTS for image in found[part]])
    return BoxSplits(found["train"], found["valid"], found["test"], Path(name).name, source)


def load_boxes(
    name_or_path: str | Path,
    part: str | None = None,
    images: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
) -> list[BoxedImage]:
    """Return images with boxes to evaluate a detector on: the test part, or all if there are no parts.

    part: "train", "valid" or "test", as `load_box_splits` divides, or "all".
    """
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    name, folder = str(name_or_path), None if images is None else Path(images)
    if not _is_set(name) and part in (None, "all"):
        reads, report = annotated_parts(_existing(name), folder), BoxReport(on_bad_row)
        chosen = ["test"] if part is None and "test" in reads else list(reads)
        found = [one for each in chosen for one in boxed_images(reads[each](), report)]
        tell_lines(report.messages())
    else:
        splits = load_box_splits(name, images=images, on_bad_row=on_bad_row)
        wanted = PARTS if part == "all" else [part or "test"]
        found = [one for each in wanted for one in getattr(splits, each)]
    if not found:
        raise DataError(f"{name}: no images in it")
    return found


def checksum(images: Sequence[BoxedImage]) -> str:
    """Return the sha256 of the image files with their boxes and labels, in order."""
    digest = hashlib.sha256()
    for one in images:
        digest.update(_sha256(one) + one.boxes.tobytes() + repr(one.labels).encode())
    return digest.hexdigest()


def _all_of(path: Path, images: Path | None, report: BoxReport) -> list[BoxedImage]:
    return [one for read in annotated_parts(path, images).values() for one in boxed_images(read(), report)]


def _is_set(name: str) -> bool:
    return name in IMAGES and IMAGES[name].shape == SHAPE


def _existing(name: str) -> Path:
    if not Path(name).exists():
        sets = [row.name for row in IMAGES.values() if row.shape == SHAPE]
        raise UserError(f"{name!r} is neither a set of images with boxes nor a file or folder; {suggest(name, sets)}")
    return Path(name)


def _cut(images: list[BoxedImage], share: float, purpose: str) -> tuple[list[BoxedImage], list[BoxedImage]]:
    """Hold out a share of the images, chosen by their names alone; at least one remains and one is held out.

    Equal files stay together: the first of their names decides for all of them.
    """
    sums = [_sha256(one) for one in images]
    first: dict[bytes, str] = {}
    for key, one in zip(sums, images, strict=True):
        first[key] = min(first.get(key, one.name), one.name)
    names = [first[key] for key in sums]
    order = sorted(set(names), key=lambda name: derive(0, purpose, name))
    cut = set(order[: min(len(order) - 1, max(1, round(share * len(order))))])
    rows = list(zip(images, names, strict=True))
    return [one for one, name in rows if name not in cut], [one for one, name in rows if name in cut]


def _sha256(image: BoxedImage) -> bytes:
    data = image.source if isinstance(image.source, bytes) else image.source.read_bytes()
    return hashlib.sha256(data).digest()
