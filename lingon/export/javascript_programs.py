"""Copies programs for Node.js into an exported folder, with their modules, which web pages can also use."""

import shutil
from collections.abc import Sequence
from pathlib import Path

JAVASCRIPT = Path(__file__).parent / "javascript"
MODULES = ("folder.mjs", "pixels.mjs")  # of all tasks
FOR_NODE = ("program.mjs", "read_image.mjs")


def write_programs(folder: Path, names: Sequence[str]) -> None:
    """Copy the modules with these names into a folder, and those that they import."""
    for name in (*names, *MODULES, *FOR_NODE):
        shutil.copyfile(JAVASCRIPT / name, folder / name)
