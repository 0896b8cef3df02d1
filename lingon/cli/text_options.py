"""Options of the commands that read something and write what a model makes of it."""

from typing import Annotated

import typer

Texts = Annotated[list[str] | None, typer.Argument(help="Texts. Default: the lines of standard input.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Overwrite the file of --out.")]
