"""Sphinx extension: docstrings here are plain text with `code`; they become the reStructuredText of autodoc."""

import re

from sphinx.application import Sphinx


def as_rst(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Change the lines of a docstring in place: code becomes code, every other mark is a character, examples stay."""
    example = False
    for number, line in enumerate(lines):
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>> "))
        if not example:
            lines[number] = "".join(
                f"``{part[1:-1]}``\\ " if part.startswith("`") else re.sub(r"([\\*|_<>])", r"\\\1", part)
                for part in re.split(r"(`[^`]+`)", line.strip())
            )


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", as_rst)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
