"""A page with a slider between two pictures of one size, such as a photo and its stylized version."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.pages.images import data_uri
from lingon.pages.page import check_page_path, render

MOST_PAIRS = 50  # on one page
WIDE = (512, 1024)  # minimum and maximum width of a picture on the page, in pixels


@dataclass(frozen=True)
class PicturePair:
    """Two pictures of one size, uint8 [H, W, 3], which are shown on top of each other. facts: lines below them."""

    title: str
    before: np.ndarray
    after: np.ndarray
    facts: Sequence[str] = ()


def write_slider(path: Path | str, pairs: Sequence[PicturePair], title: str, note: str = "") -> Path:
    """Write one HTML file with a slider for each pair, which can also be moved with the arrow keys.

    Raises UserError for a path that does not end in .html, and if there are no pairs.
    """
    path = check_page_path(path)
    if not pairs:
        raise UserError("--page shows pictures; there are none")
    if len(pairs) > MOST_PAIRS:
        note = f"{note} The first {MOST_PAIRS} of {counted(len(pairs), 'picture')}.".strip()
    return render("slider.html", path, {"title": title, "note": note, "items": slider_items(pairs[:MOST_PAIRS])})


def slider_items(pairs: Sequence[PicturePair]) -> list[dict[str, Any]]:
    """Return the data of pairs for the template `slider_pair.html`."""
    return [
        {
            "title": pair.title,
            "before": data_uri(pair.before),
            "after": data_uri(pair.after),
            "width": pair.after.shape[1],
            "height": pair.after.shape[0],
            "shown": min(WIDE[1], max(WIDE[0], pair.after.shape[1])),
            "facts": list(pair.facts),
        }
        for pair in pairs
    ]
