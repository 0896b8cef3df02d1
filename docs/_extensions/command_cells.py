"""Sphinx extension: a notebook cell of `!` lines is shown as what one types into a terminal."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class CommandCells(SphinxTransform):
    """Show cells whose lines all begin with `!` without it, as shell commands."""

    default_priority = 400

    def apply(self) -> None:
        for block in self.document.findall(nodes.literal_block):
            text = block.astext()
            if block.get("language") in ("ipython3", "ipython", "python") and is_command(text):
                shown = as_typed(text)
                block.replace_self(nodes.literal_block(shown, shown, language="bash", classes=block["classes"]))


def is_command(cell: str) -> bool:
    """Whether a cell holds nothing but commands; a line that follows a backslash belongs to the line before."""
    return all(line.startswith("!") for line in re.sub(r"\\\n", "", cell).strip().splitlines())


def as_typed(cell: str) -> str:
    """The commands of a cell as one types them."""
    return "\n".join(re.sub(r" *# fails$", "", line).removeprefix("!") for line in cell.strip().splitlines())


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(CommandCells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
