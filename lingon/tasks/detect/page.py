"""Pages of images with the boxes that were found in them, and with what is right of these."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.files.images import read_image
from lingon.metrics.metric_table import metric_rows
from lingon.pages.boxes_picture import MEANING, DrawnBox, boxes_svg
from lingon.pages.page import check_page_path, render
from lingon.tasks.detect.detections import Detections
from lingon.tasks.detect.held_out import HeldOut, Judged

MOST = 60  # images of a page


def write_page(path: Path | str, found: Sequence[Detections], name: str) -> Path:
    """Write one HTML file with images and the boxes found in them. name: of the model.

    Raises UserError for a path with another ending, and where there is no image.
    """
    path = check_page_path(path)
    if not found:
        raise UserError("--page shows images; there is none")
    items = [_found_item(one) for one in found[:MOST]]
    note = (
        f"the first {MOST} of {counted(len(found), 'image')}"
        if len(found) > MOST
        else f"{len(found):,} image{'s' * (len(found) != 1)}"
    )
    return render("boxes.html", path, {"title": f"{Path(name).name}: objects", "note": note, "items": items})


def _found_item(one: Detections) -> dict[str, str]:
    pixels = one.source if isinstance(one.source, np.ndarray) else read_image(one.source)
    drawn = [DrawnBox("found", f"{thing.label} {thing.score:.2f}", thing.box) for thing in one.objects[::-1]]
    return {"title": f"{one.image}: {len(one.objects)} found", "picture": boxes_svg(pixels, drawn, one.image)}


def write_judged_page(path: Path | str, held_out: HeldOut, name: str) -> Path:
    """Write one HTML file of held-out images, the most mistakes first: what was found, missed and wrong."""
    items = [judged_item(one) for one in held_out.worst()[:MOST]]
    page = {"title": f"{name}: objects", "note": legend(held_out.detector.threshold), "items": items}
    return render("boxes.html", check_page_path(path), page | {"rows": metric_rows(held_out.scores())})


def judged_item(one: Judged) -> dict[str, Any]:
    """Return an image for a page: a line about it, and its picture."""
    text = lambda box: box.label if box.score is None else f"{box.label} {box.score:.2f}"
    drawn = [DrawnBox(box.kind, text(box), box.box) for box in one.boxes[::-1]]
    counts = ", ".join(f"{one.count(kind)} {kind}" for kind in MEANING)
    return {"title": f"{one.image.name}: {counts}", "picture": boxes_svg(one.image.pixels(), drawn, one.image.name)}


def legend(threshold: float) -> str:
    """Return what the lines of boxes mean."""
    kinds = ", ".join(f"{kind} {meaning}" for kind, meaning in MEANING.items())
    return f"Boxes with a score of {threshold:g} or more, right by an overlap of half: {kinds}."
