"""The flags of a recipe: its parameters, and the fields of its settings, each as a flag of its own."""

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints


def parameters_of(recipe: Callable) -> list[inspect.Parameter]:
    """Return the parameters of a recipe, each field of its settings as one of its own."""
    hints, parameters = get_type_hints(recipe, include_extras=True), []
    for name, given in inspect.signature(recipe).parameters.items():
        if is_dataclass(given.default):  # an object, or a class whose first fields have no default
            parameters += _flags(given.default)
        else:
            parameters.append(parameter(name, hints[name], given.default))
    return parameters


def call(recipe: Callable, flags: dict[str, Any]) -> Any:
    """Call a recipe with flat flags, putting those of each settings object together."""
    arguments = {}
    for name, given in inspect.signature(recipe).parameters.items():
        if is_dataclass(given.default):
            kind = given.default if isinstance(given.default, type) else type(given.default)
            arguments[name] = kind(**{f.name: flags[f.name] for f in fields(kind)})
        else:
            arguments[name] = flags[name]
    return recipe(**arguments)


def _flags(default: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(default if isinstance(default, type) else type(default), include_extras=True)
    missing = inspect.Parameter.empty
    return [parameter(f.name, hints[f.name], getattr(default, f.name, missing)) for f in fields(default)]


def parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    """Return a parameter that is given by its name alone."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
