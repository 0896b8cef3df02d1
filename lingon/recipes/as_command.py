"""A recipe as a command of the command line."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.recipes.command_flags import call, parameter, parameters_of
from lingon.recipes.saved_flags import changed, saved_flags
from lingon.recipes.sweep import sweep, vary

Sweep = Annotated[list[str] | None, Option(help="NAME=VALUE,VALUE...: run once per value; repeat for a grid.")]


def as_command(recipe: Callable, sweeps: bool = True) -> Callable:
    """Return a function for the command line; its flags are the recipe's parameters and the fields of its settings.

    With --resume, those that are not given are those that the run in the folder was started with.
    """
    parameters = parameters_of(recipe)
    needed = [p.name for p in parameters if p.default is inspect.Parameter.empty]
    parameters = [p.replace(default=None) if p.name in needed else p for p in parameters]
    if sweeps:
        parameters.append(parameter("sweep", Sweep, None))

    def command(**flags: Any) -> None:
        varied = flags.pop("sweep", None)
        if flags.get("resume") and not varied:
            saved = {name: value for name, value in saved_flags(Path(flags["out"])).items() if name in flags}
            flags |= saved | changed(flags, parameters)
        if missing := [name for name in needed if flags[name] is None]:
            if flags.get("resume"):
                raise UserError(f"there is no run in {flags['out']!r} to resume; start it without --resume")
            raise UserError(f"--{missing[0].replace('_', '-')} is missing; lingon train --help says what it may be")
        if varied:
            sweep(recipe, flags, [vary(text, parameters) for text in varied])
        else:
            call(recipe, flags)

    made: Any = command  # typer reads its flags from the signature
    made.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = recipe.__doc__
    return command
