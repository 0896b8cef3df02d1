"""Training from Python: the recipe of a task, with the settings of the command line by name."""

import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from lingon.core.errors import UserError, one_of, unknown
from lingon.recipes import WITHOUT_SCORE, names, recipe_of
from lingon.recipes.command_flags import call, parameters_of
from lingon.recipes.saved_flags import changed, saved_flags


def train(
    task: str,
    data: str | Path | Sequence[str | Path] | None = None,
    *,
    model: str | None = None,
    from_: str | Path | None = None,
    epochs: float | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Any:
    """Train a task as `lingon train TASK` does, and return it loaded: the object that predicts.

    task: such as "classify" or "language-model". data: a corpus or a file; several for running text. model, epochs,
    and out, the folder of the run: those of the recipe when not given. from_: the weights to start from, as --from
    names them; fresh ones when not given. settings: any other flag of `lingon train TASK`
    by its name with underscores, such as {"lr": 0.01, "label": "stars"}.
    Raises UserError that names a task, setting or value that is not known.
    """
    if task in WITHOUT_SCORE or task not in names():
        raise unknown("task to train", task, [name for name in names() if name not in WITHOUT_SCORE])
    recipe = recipe_of(task)
    known = {parameter.name: parameter for parameter in parameters_of(recipe)}
    named = {"data": data, "model": model, "from_": from_, "epochs": epochs, "out": out}
    given = {name: value for name, value in named.items() if value is not None}
    given |= {"seed": seed, "resume": resume, "overwrite": overwrite}
    for name, value in (settings or {}).items():
        if name in given or name in named:
            raise UserError(f"settings has {name!r}, which is an argument of train itself")
        if name not in known:
            raise unknown("setting", name, known)
        given[name] = value
    given = {name: _as_typed(known[name], value) for name, value in given.items()}
    for name, value in given.items():  # of what may be several, one may be given alone
        if isinstance(value, str) and list in _kinds(known[name]) and str not in _kinds(known[name]):
            given[name] = [value]
    for name, value in given.items():
        _check(known[name], value)
    if resume:  # the folder knows what was given
        saved = saved_flags(Path(given.get("out", known["out"].default)))
        given = {n: v for n, v in saved.items() if n in known} | changed(given, list(known.values()))
    missing = [name for name, at in known.items() if at.default is inspect.Parameter.empty and name not in given]
    if missing:
        raise UserError(f"train({task!r}) needs {one_of(missing)}")
    flags = {name: at.default for name, at in known.items()} | given
    call(recipe, flags)

    from lingon.checkpoints.load import load

    return load(flags["out"], flags["device"])


def _kinds(parameter: inspect.Parameter) -> tuple[type, ...]:
    """The types that a value may have: of `Annotated[list[str] | None, ...]`, list and None."""
    hint = getattr(parameter.annotation, "__origin__", parameter.annotation)
    return tuple(getattr(each, "__origin__", each) for each in get_args(hint) or (hint,))


def _as_typed(parameter: inspect.Parameter, value: Any) -> Any:
    """Return paths as the command line has them, as text, unless the setting is a path itself."""
    if Path in _kinds(parameter):
        return value
    if isinstance(value, (list, tuple)):
        return [os.fspath(one) if isinstance(one, os.PathLike) else one for one in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _check(parameter: inspect.Parameter, value: Any) -> None:
    kinds = _kinds(parameter)
    allowed = (*kinds, int) if float in kinds else kinds
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in kinds):
        names = one_of([kind.__name__ for kind in kinds if kind is not type(None)])
        raise UserError(f"{parameter.name} is {str(value)[:40]!r}, expected {names}")
