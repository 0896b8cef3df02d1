"""Options of every command that reads a corpus or a labelled file."""

from typing import Annotated

import typer

Label = Annotated[str | None, typer.Option(help="Name of the label column. Default: detected.")]
BadRow = Annotated[str, typer.Option(help="A malformed row: stop (default) or skip it.")]
Accept = Annotated[bool, typer.Option("--accept-licence", help="Accept the licence terms of the data.")]
