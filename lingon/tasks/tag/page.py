"""A page of sentences whose spans, or words, are coloured by their types or tags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.pages.page import check_page_path, render
from lingon.tasks.tag.tagged_text import TaggedText

GOLDEN = 137.508  # degrees of hue from each name to the next, so that neighbours differ (the golden angle)


def write_page(path: Path | str, found: Sequence[TaggedText], name: str, kinds: Sequence[str]) -> Path:
    """Write one HTML file of sentences with their spans or tags in colours, and a legend of them.

    name: of the model. kinds: all types of spans, or tags, that it knows; each has one colour on every page.
    Raises UserError for a path that is no .html, and where there are no sentences.
    """
    check_page_path(path)
    if not found:
        raise UserError("--page shows sentences with their tags; there are no sentences")
    there = {tag for one in found for _, tag in one.pieces() if tag}
    hues: dict[str, Any] = {tag: round(i * GOLDEN % 360) for i, tag in enumerate(kinds) if tag in there}
    items = [{"said": one.said.strip(), "pieces": one.pieces()} for one in found]
    title = f"{Path(name).name}: {counted(len(found), 'sentence')}"
    note = counted(len(hues), "kind of tag", "kinds of tags")
    return render("tagged.html", Path(path), {"title": title, "note": note, "items": items, "hues": hues})
