"""A page of sentences with their trees drawn, or a picture of one tree."""

from collections.abc import Sequence
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.core.files import atomic_write
from lingon.pages.page import keep_other_files, render
from lingon.pages.tree_picture import MOST_WORDS
from lingon.tasks.parse.parsed import Parsed

MOST_TREES = 200


def write_page(path: Path | str, found: Sequence[Parsed], name: str) -> Path:
    """Write one HTML file with the trees of sentences, or an .svg picture of one.

    name: of the model. Sentences that are too long for a picture are in plain text. Raises UserError for a path with
    another ending, and where there is nothing to draw.
    """
    path, some = Path(path), [one for one in found if one.words]
    if not some:
        raise UserError("--page shows trees; there is no sentence with a word")
    if path.suffix == ".svg":
        if len(some) > 1:
            raise UserError(
                f"--page {str(path)!r}: {counted(len(some), 'sentence')}; an .svg is of one, an .html "
                "page of any number"
            )
        with atomic_write(path) as file:
            file.write(some[0].svg())
        return path
    if path.suffix not in (".html", ".htm"):
        raise UserError(f"--page {str(path)!r} ends in {path.suffix!r}, expected .html, or .svg for one sentence")
    keep_other_files(path)
    items = [{"title": one.text, "tree": one.svg() if len(one.words) <= MOST_WORDS else None, "text": str(one)}
             for one in some[:MOST_TREES]]  # fmt: skip
    note = (
        f"the first {MOST_TREES} of {counted(len(some), 'sentence')}"
        if len(some) > MOST_TREES
        else counted(len(some), "sentence")
    )
    return render("trees.html", path, {"title": f"{Path(name).name}: dependency trees", "note": note, "items": items})
