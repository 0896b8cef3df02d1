"""A page of sentences whose spans, or words, are coloured by their types or tags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import UserError
from lingon.pages.page import check_page_path, render
from lingon.tasks.tag.tagged_text import TaggedText

GOLDEN = 137.508  # degrees of hue from each name to the next, so that neighbours differ (the golden angle)


def write_page(path: Path | str, found: Sequence[TaggedText], name: str) -> Path:
    """Write one HTML file of sentences with their spans or tags in colours, and a legend of them.

    name: of the model. Raises UserError for a path that is no .html, and where there are no sentences.
    """
    check_page_path(path)
    if not found:
        raise UserError("--page shows sentences with their tags; there are no sentences")
    names = list(dict.fromkeys(tag for one in found for _, tag in one.pieces() if tag))
    hues: dict[str, Any] = {tag: round(i * GOLDEN % 360) for i, tag in enumerate(names)}
    items = [{"said": one.said.strip(), "pieces": one.pieces()} for one in found]
    title, note = f"{Path(name).name}: {len(found):,} sentence{'s' * (len(found) != 1)}", f"{len(names)} kinds of tags"
    return render("tagged.html", Path(path), {"title": title, "note": note, "items": items, "hues": hues})
