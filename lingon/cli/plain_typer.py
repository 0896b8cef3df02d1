"""Groups of commands with plain help: rich costs 100 ms at every start, and errors are one line here (errors.py)."""

import typer
from typer.core import TyperGroup


def plain_typer(help: str, name: str | None = None, cls: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """Return an empty group of commands; without a command it prints its help."""
    return typer.Typer(
        name=name,
        cls=cls,
        help=help,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )
