"""A recipe as a command of the command line."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from typer import Option

from lingon.recipes.command_flags import call, parameter, parameters_of
from lingon.recipes.sweep import sweep, vary

Sweep = Annotated[list[str] | None, Option(help="NAME=VALUE,VALUE...: run once per value; repeat to cross several.")]


def as_command(recipe: Callable, sweeps: bool = True) -> Callable:
    """Return a function for the command line; its flags are the recipe's parameters and the fields of its settings."""
    parameters = parameters_of(recipe)
    if sweeps:
        parameters.append(parameter("sweep", Sweep, None))

    def command(**flags: Any) -> None:
        varied = flags.pop("sweep", None)
        if varied:
            sweep(recipe, flags, [vary(text, parameters) for text in varied])
        else:
            call(recipe, flags)

    made: Any = command  # typer reads its flags from the signature
    made.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = recipe.__doc__
    return command
