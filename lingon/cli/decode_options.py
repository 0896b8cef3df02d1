"""The options of `lingon predict` for models that write a text, as captioners: beams or samples, and how long."""

import copy
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from lingon.cli.generate_options import OptionalFloat, Seed, TopK, TopP
from lingon.cli.option_rules import check_together, flag
from lingon.core.errors import UserError

__all__ = [
    "Beams",
    "LengthPenalty",
    "MaxNewTokens",
    "Seed",
    "Temperature",
    "TopK",
    "TopP",
    "given_decoding",
    "with_decoding",
]

Beams = Annotated[
    int | None,
    typer.Option(help="Captions, translations: number of beams of the search; 1 is greedy. Default: the model's own."),
]
LengthPenalty = Annotated[
    OptionalFloat,
    typer.Option(help="Captions, translations: exponent of the length penalty of the beam search; 0 is none."),
]
MaxNewTokens = Annotated[
    int | None, typer.Option(help="Captions, translations: maximum number of tokens. Default: the model's own.")
]
Temperature = Annotated[
    OptionalFloat,
    typer.Option(help="Captions, translations: sample with this temperature instead of beam search; 0 is greedy."),
]

OPTIONS = ("beams", "length_penalty", "max_new_tokens", "temperature", "top_k", "top_p", "seed")
EXCLUDES = {"temperature": (("beams", "length_penalty"), "sampling takes the place of beam search")}
NEEDS = {"top_k": "temperature", "top_p": "temperature", "seed": "temperature"}


def given_decoding(context: typer.Context) -> dict[str, Any]:
    """Return the options of decoding that were given, by name.

    Raises UserError for those that cannot stand together, and for impossible values.
    """
    given = check_together(context, EXCLUDES, NEEDS)
    found = {name: context.params[name] for name in OPTIONS if name in given}
    if found:
        _changes(found)
    return found


def with_decoding(task: Any, source: str, given: Mapping[str, Any]) -> Any:
    """Return a task that decodes with these options. Raises UserError for a task that writes no text by a search.

    source: the model, for the message.
    """
    from lingon.tasks.registry import row_of

    if not given:
        return task
    params: Any = getattr(task, "params", None)
    if not hasattr(params, "sampling"):
        row, name = row_of(task.name), flag(next(iter(given)))
        way = f"try lingon generate {shlex.quote(str(source))}" if "generate" in row.commands else "leave it out"
        raise UserError(f"{source!r} is {row.a_noun}; {name} is for models that write a text, as captioners do; {way}")
    found = copy.copy(task)
    found.params = replace(params, **_changes(given))
    return found


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    from lingon.cli.translate_params import changes_of, length_changes

    temperature, top = given.get("temperature"), (given.get("top_k"), given.get("top_p"))
    changes = changes_of(given.get("beams"), 1, temperature, *top, given.get("seed", 0))
    return changes | length_changes(given.get("length_penalty"), given.get("max_new_tokens"))
