"""Checks annotated images: files exist, boxes are in the frame of the image, rotated if needed, and inside of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lingon.core.errors import DataError, UserError
from lingon.data.boxed_images import BoxedImage
from lingon.data.boxes import box_areas, clip_boxes
from lingon.data.files.box_annotations import AnnotatedImage, RawBox
from lingon.data.files.image_frame import ImageFrame, image_frame, turned_boxes
from lingon.data.files.images import read_image
from lingon.data.files.lines import OnBadRow

HINT = "--on-bad-row skip leaves it out"
CLIPPED = "boxes cut at the edge of their image"
TURNED = "images turned as the camera notes (EXIF), their boxes with them"
BOXES, IMAGES = "boxes left out", "images left out"


@dataclass
class BoxReport:
    """Report on what was done to annotations while reading: how often, and where first."""

    on_bad_row: OnBadRow = "stop"
    counts: Counter = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def note(self, what: str, where: str) -> None:
        """Count a case. what: was done; where: its place."""
        self.counts[what] += 1
        self.first.setdefault(what, where)

    def bad(self, what: str, error: Exception) -> None:
        """Count something invalid. Raises DataError unless invalid things are skipped."""
        if self.on_bad_row == "stop":
            raise DataError(f"{error}; {HINT}") from None
        self.note(what, str(error))

    def messages(self) -> list[str]:
        """Return a message for each kind of thing that was done."""
        return [f"{what}: {count:,}, the first: {self.first[what]}" for what, count in self.counts.items()]


def boxed_images(found: Iterable[AnnotatedImage | DataError], report: BoxReport) -> list[BoxedImage]:
    """Return the images with boxes in pixels of the upright image. Each image is decoded once, to check it.

    A box that extends beyond its image is clipped, which is counted. Raises DataError with file and line, or with
    `on_bad_row` "skip" leaves out and counts: an image that is missing, unreadable, or not of the size in its
    annotation, and a box that is empty, wholly outside, or invalid.
    """
    kept = []
    for one in found:
        if isinstance(one, DataError):
            report.bad(IMAGES, one)
            continue
        try:
            image, broken = _boxed(one, report)
        except UserError as error:  # DataError for a file that is not an image, plain UserError for a missing one
            report.bad(IMAGES, error)
            continue
        for wrong in broken:
            report.bad(BOXES, wrong)
        kept.append(image)
    return kept


class _Bad(DataError):
    """A box that is invalid."""


def _boxed(one: AnnotatedImage, report: BoxReport) -> tuple[BoxedImage, list[DataError]]:
    """Return the image with its valid boxes, and the errors of the others."""
    if isinstance(one.source, Path) and not one.source.is_file():
        raise DataError(f"{one.place}: there is no image {str(one.source)!r}")
    read_image(one.source, "RGB", one.name if isinstance(one.source, bytes) else str(one.source))
    frame = image_frame(one.source)
    turn = _turns(one, frame)
    if frame.orientation != 1:
        report.note(TURNED, one.name)
    kept, corners, broken = [], [], list(one.broken)
    for raw in one.boxes:
        try:
            corners.append(_placed(raw, frame, turn, report))
        except _Bad as error:
            broken.append(error)
        else:
            kept.append(raw)
    boxes = np.array(corners, np.float32).reshape(-1, 4)
    labels = tuple(raw.label for raw in kept)
    crowd, ignored = (np.array([getattr(raw, mark) for raw in kept], bool) for mark in ("crowd", "ignored"))
    return BoxedImage(one.source, one.name, frame.upright, boxes, labels, crowd, ignored), broken


def _turns(one: AnnotatedImage, frame: ImageFrame) -> bool:
    """Return whether the boxes refer to the image as stored and must be rotated, by the size in the annotation.

    Raises DataError for a size that is neither that of the image as stored nor as shown.
    """
    if one.size is None or one.size[::-1] == frame.upright:
        return False
    if one.size[::-1] == (frame.height, frame.width):
        return True
    height, width = frame.upright
    raise DataError(
        f"{one.place}: it is about an image of {one.size[0]:,} x {one.size[1]:,} pixels, but {one.name} has "
        f"{width:,} x {height:,}"
    )


def _placed(raw: RawBox, frame: ImageFrame, turn: bool, report: BoxReport) -> np.ndarray:
    """Return the box in pixels of the upright image, clipped to it."""
    height, width = frame.upright
    box = np.array([raw.corners], np.float64)
    if raw.relative:
        box *= [width, height, width, height]
    elif turn:
        box = turned_boxes(box, frame)
    said = f"{raw.place}: a box of {raw.label!r} from {_point(box[0, :2])} to {_point(box[0, 2:])}"
    if not (box[0, 2:] > box[0, :2]).all():
        raise _Bad(f"{said} has no size")
    cut = clip_boxes(box, height, width)
    if not box_areas(cut)[0]:
        raise _Bad(f"{said} is outside of its image, {width:,} x {height:,}")
    if np.abs(cut - box).max() > 0.01:  # rounding of relative coordinates is not counted
        report.note(CLIPPED, said)
    return cut[0]


def _point(corner: np.ndarray) -> str:
    return f"({corner[0]:g}, {corner[1]:g})"
