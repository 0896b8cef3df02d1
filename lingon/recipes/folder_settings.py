"""The flags that say where a run keeps what it makes."""

from dataclasses import dataclass
from typing import Annotated

from typer import Option


@dataclass(frozen=True)
class FolderSettings:
    """Folders in which a run keeps what it makes."""

    out: Annotated[str, Option(help="Output folder of the run.")]
    resume: Annotated[bool, Option("--resume", help="Resume this run from its last checkpoint.")] = False
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the run in the output folder.")] = False
