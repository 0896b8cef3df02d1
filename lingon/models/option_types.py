"""The types of model options: ranges and choices, as annotations of the parameters of a constructor.

    def __init__(self, vocab_size: VocabSize, width: Width = 100, dropout: Fraction = 0.5): ...

A configuration from a file or the command line is not trusted before it has been validated here.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from lingon.core.errors import UserError, unknown


@dataclass(frozen=True)
class Range:
    """Numbers from `least` to `most`; with `below`, `most` itself is excluded."""

    least: int | float
    most: int | float
    below: bool = False

    def has(self, value: int | float) -> bool:
        return self.least <= value < self.most or (value == self.most and not self.below)

    def __str__(self) -> str:
        least, most = (f"{end:,.0f}" if end == int(end) else f"{end:g}" for end in (self.least, self.most))
        return f"from {least} up to, not including, {most}" if self.below else f"from {least} to {most}"


Whole = Annotated[int, Range(1, 4096)]
VocabSize = Annotated[int, Range(1, 1 << 24)]
Classes = Annotated[int, Range(1, 1 << 16)]  # 1: the number of a regression
PaddingIdx = Annotated[int, Range(-1, 1 << 24)]  # -1: no padding token
TokenId = Annotated[int, Range(0, 1 << 24)]
SourceVocabSize = Annotated[int, Range(0, 1 << 24)]  # 0: source and target share a vocabulary
ExtendedVocab = Annotated[int, Range(0, 4096)]
DecoderDepth = Annotated[int, Range(0, 64)]  # 0: that of the encoder
Width = Whole
Depth = Annotated[int, Range(1, 64)]
AttentionHeads = Annotated[int, Range(1, 256)]
ContextLength = Annotated[int, Range(1, 1 << 20)]
FFNWidth = Annotated[int, Range(0, 1 << 16)]  # 0: derived from the width
Window = Annotated[int, Range(0, 1 << 20)]  # 0: no window
Fraction = Annotated[float, Range(0, 1, below=True)]
NonNegative = Annotated[float, Range(0, 1e6)]
LONGEST_LIST = 16


def options_of(make: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the options of a model, by name, each with its type as annotation."""
    made: Any = make  # for a class, the hints are those of its __init__
    hints = get_type_hints(made.__init__ if isinstance(make, type) else make, include_extras=True)
    given = inspect.signature(make).parameters
    return {name: parameter.replace(annotation=hints.get(name)) for name, parameter in given.items()}


def check_options(owner: str, make: Callable[..., Any], config: object) -> dict[str, Any]:
    """Return the validated options of a configuration, as arguments of `make`.

    owner: the model's name, for the message. Raises UserError that names an unknown, missing or invalid option.
    """
    if not isinstance(config, Mapping):
        raise UserError(f"{owner}: the sizes are {str(config)[:40]!r}, expected names with values")
    known, found = options_of(make), {}
    for key, value in config.items():
        if key not in known:
            raise unknown(f"key of {owner}", key, known)
        if expected := mismatch(known[key].annotation, value):
            raise UserError(f"{owner}: key {key!r} is {str(value)[:40]!r}, expected {expected}")
        found[key] = float(value) if _plain(known[key].annotation) is float else value  # 0 is a valid float
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in found:
            raise UserError(f"{owner}: key {key!r} is missing")
    return found


def mismatch(hint: Any, value: Any) -> str | None:
    """Return what was expected for a value of this type; None if it is valid."""
    kind, limits = _plain(hint), _limits(hint)
    if kind is bool:
        return None if isinstance(value, bool) else "true or false"
    if get_origin(kind) is Literal:
        return None if isinstance(value, str) and value in get_args(kind) else " or ".join(get_args(kind))
    if kind == Mapping | None:  # the configuration of another model, which validates it
        return None if value is None or isinstance(value, Mapping) else "an object"
    if kind is str:
        return None if isinstance(value, str) and len(value) <= 1000 else "a text"
    if kind is int:
        limits = limits or Range(1, 4096)
        return None if type(value) is int and limits.has(value) else f"a whole number {limits}"
    if kind is float:
        limits = limits or Range(0, 1e6)
        what = "a fraction" if limits.most == 1 else "a number"
        return None if type(value) in (int, float) and limits.has(value) else f"{what} {limits}"
    if get_origin(kind) is Sequence:
        (of,) = get_args(kind)
        fits = isinstance(value, list | tuple) and 1 <= len(value) <= LONGEST_LIST
        if fits and not any(mismatch(of, item) for item in value):
            return None
        return f"a list of 1 to {LONGEST_LIST}, each {mismatch(of, None)}"
    raise TypeError(f"an option of type {hint} cannot be read from a file; take int, float, bool, str or a Sequence")


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _limits(hint: Any) -> Range | None:
    return next((note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Range)), None)
