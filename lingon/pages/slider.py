"""A page with a slider between two pictures of one size, such as a photo and how it was painted."""

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
WIDE = (512, 1024)  # pixels of the page that a picture takes, least and most


@dataclass(frozen=True)
class PicturePair:
    """Two pictures of one size, uint8 [H, W, 3], which lie one on the other. facts: lines below them."""

    title: str
    before: np.ndarray
    after: np.ndarray
    facts: Sequence[str] = ()


def write_slider(path: Path | str, pairs: Sequence[PicturePair], title: str, note: str = "") -> Path:
    """Write one HTML file with a slider for each pair, which the arrow keys move too.

    Raises UserError for a path that does not end in .html, and where there are no pairs.
    """
    path = check_page_path(path)
    if not pairs:
        raise UserError("--page shows pictures; there are none")
    if len(pairs) > MOST_PAIRS:
        note = f"{note} The first {MOST_PAIRS} of {counted(len(pairs), 'picture')}.".strip()
    return render("slider.html", path, {"title": title, "note": note, "items": slider_items(pairs[:MOST_PAIRS])})


def slider_items(pairs: Sequence[PicturePair]) -> list[dict[str, Any]]:
    """Return what the template `slider_pair.html` shows of pairs."""
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
