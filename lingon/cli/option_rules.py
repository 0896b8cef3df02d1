"""Which options of a command exclude or need each other."""

from collections.abc import Mapping, Sequence

import typer

from lingon.core.errors import UserError

Excludes = Mapping[str, tuple[Sequence[str], str]]


def check_together(context: typer.Context, excludes: Excludes, needs: Mapping[str, str]) -> list[str]:
    """Return the names of the parameters that were given. Raises UserError for those that cannot stand together.

    excludes: of a parameter, those that it excludes, and why. needs: of a parameter, the one it has no effect without.
    """
    given = [n for n in context.params if getattr(context.get_parameter_source(n), "name", "") == "COMMANDLINE"]
    for one, (others, why) in excludes.items():
        for other in [name for name in others if one in given and name in given]:
            raise UserError(f"{flag(one)} and {flag(other)} cannot be combined: {why}; leave one of them out")
    for one, other in needs.items():
        if one in given and other not in given:
            raise UserError(f"{flag(one)} has no effect without {flag(other)}; add {flag(other)}, or leave it out")
    return given


def flag(name: str) -> str:
    """Return the flag of a parameter, as --top-k of top_k."""
    return "--" + {"as_json": "json"}.get(name, name.replace("_", "-"))
