"""The first slides of the course's deck, made again by models of ours: each file is one picture, with its commands.

`python -m gallery` lists them, `python -m gallery NAME` makes one, `python -m gallery index` a page of those that are
made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

FOLDER = "runs/gallery"


@dataclass(frozen=True)
class Exhibit:
    """A picture or page. commands: make it, in order, from the root of a clone. picture: the file that they write.

    minutes: about how long they take on two cores, the download left out.
    """

    title: str
    text: str
    commands: Sequence[str]
    picture: str
    minutes: int


def exhibits() -> dict[str, Exhibit]:
    """Return all exhibits by the name of their file."""
    files = sorted(Path(__file__).parent.glob("[!_]*.py"))
    return {file.stem: import_module(f"gallery.{file.stem}").EXHIBIT for file in files}
