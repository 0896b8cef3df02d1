"""Sphinx extension: docstrings here are plain text with `code`; autodoc gets reStructuredText made of them."""

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


def is_skipped(app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object) -> bool | None:
    """Keep the `forward` of a layer, whose signature says all there is to say; leave out what others put into ours."""
    if not (getattr(thing, "__module__", None) or "lingon").startswith("lingon"):
        return True
    return False if name == "forward" else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", as_rst)
    app.connect("autodoc-skip-member", is_skipped)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
