"""A page of images with their masks laid over them, which a slider makes more or less visible."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.files.images import resize_image
from lingon.data.files.masks import colours_of, mask_colours
from lingon.pages.images import data_uri
from lingon.pages.page import check_page_path, render
from lingon.tasks.segment.segmented import Segmented

MOST_IMAGES = 50
LARGEST_SIDE = 640  # pixels of an image on a page
SMALL = 320  # pixels: what has at most half of them is shown enlarged, by a whole number


def write_page(path: Path | str, found: Sequence[Segmented], name: str) -> Path:
    """Write one HTML file with images and their masks, up to 50. name: of the model.

    Raises UserError for a path that is no .html, and where there are no images.
    """
    path = check_page_path(path)
    if not found:
        raise UserError("--page shows images with their masks; there are none")
    some = list(found[:MOST_IMAGES])
    page = {
        "title": f"{Path(name).name}: a class for each pixel",
        "note": f"{len(some):,} of {counted(len(found), 'image')}"
        if len(some) < len(found)
        else counted(len(found), "image"),
        "legend": legend(some[0].classes, {n for one in some for n in np.unique(one.mask).tolist()}),
        "items": [_item(one) for one in some],
    }
    return render("segmented.html", path, page)


def legend(classes: Sequence[str], numbers: set[int]) -> list[tuple[str, str]]:
    """Return name and colour of the classes with these numbers."""
    colours = mask_colours(len(classes)).tolist()
    return [(classes[n], "#{:02x}{:02x}{:02x}".format(*colours[n])) for n in sorted(numbers) if n < len(classes)]


def _item(one: Segmented) -> dict[str, Any]:
    pixels = one.pixels
    scale = min(1.0, LARGEST_SIDE / max(pixels.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    rows, columns = (np.arange(n) * m // n for n, m in zip((height, width), one.mask.shape, strict=True))
    mask = one.mask[rows[:, None], columns]
    return {
        "title": str(one),
        "image": data_uri(resize_image(pixels, height, width)),
        "mask": data_uri(colours_of(mask, len(one.classes))),
        "width": width * max(1, SMALL // max(height, width)),
    }
