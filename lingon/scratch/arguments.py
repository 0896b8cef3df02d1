"""Calls held to PyTorch's signatures: every argument is what its annotation says, or is refused by its name."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.error_context import KindError, fail

REFUSED = object()
Dims = int | Sequence[int] | None
DType = np.dtype | None
OWN = ("x", "self")  # names of the first argument, which PyTorch calls `input`, and of which methods have none
Number = float | int | bool


class Kind(NamedTuple):
    """What an argument may be: in words, the types that pass at once, and what is made of others, or REFUSED."""

    words: str
    at_once: frozenset[type]
    accept: Callable[[Any], Any]


KINDS: dict[str, Kind] = {}  # by how the annotation is written


def kind(annotation: Any, words: str, accept: Callable[[Any], Any], *at_once: type) -> None:
    """Register what an annotation of a parameter stands for."""
    KINDS[written(annotation)] = Kind(words, frozenset(at_once), accept)


def written(annotation: Any) -> str:
    """Return an annotation as text, which it is already where annotations are not evaluated."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def whole(value: Any) -> Any:
    """Return a whole number, also one of NumPy or in an array; no truth value, which PyTorch refuses too."""
    if isinstance(value, bool | np.bool) or not hasattr(value, "__index__"):
        return REFUSED
    if hasattr(value, "ndim") and (value.ndim or value.dtype.kind not in "iu"):
        return REFUSED
    return int(value)


def wholes(value: Any) -> Any:
    """Return a list of whole numbers as a tuple."""
    if not isinstance(value, list | tuple):
        return REFUSED
    found = tuple(map(whole, value))
    return REFUSED if REFUSED in found else found


def number(value: Any) -> Any:
    """Return a number of Python, or one of NumPy."""
    if isinstance(value, float | int | np.generic) and not isinstance(value, np.character | np.complexfloating):
        return value
    return REFUSED


def dtype(value: Any) -> Any:
    """Return a dtype that is known, or the type of Python for one."""
    if value in (float, int, bool) and isinstance(value, type):
        return np.dtype(value)
    return value if isinstance(value, np.dtype) and value in dtypes.KNOWN else REFUSED


def _either(*accepts: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def accept(value: Any) -> Any:
        found = (one(value) for one in accepts)
        return next((value for value in found if value is not REFUSED), REFUSED)

    return accept


_refuse = lambda value: REFUSED
_known = ", ".join(map(str, dtypes.KNOWN))
kind(int, "a whole number", whole, int)
kind(int | None, "a whole number or None", whole, int, type(None))
kind(bool, "True or False", lambda value: bool(value) if isinstance(value, np.bool) else REFUSED, bool)
kind(bool | None, "True, False or None", lambda value: REFUSED, bool, type(None))
kind(str, "a text", _refuse, str)
kind(float, "a number", number, float, int, bool)
kind(float | None, "a number or None", number, float, int, bool, type(None))
kind(Number, "a number", number, float, int, bool)
kind(Dims, "a dimension, several or None", _either(whole, wholes), int, type(None))
kind(Sequence[int], "a list of whole numbers", wholes)
kind(int | Sequence[int], "a whole number or a list of them", _either(whole, wholes), int)
kind(DType, f"one of {_known}", dtype, type(None))
kind(np.dtype, f"one of {_known}", dtype)


class Signature:
    """The parameters of a function, and how a call is held to them.

    spread: sizes may come one by one, x.reshape(2, 3), as methods take them; else as one list.
    """

    def __init__(self, function: Callable, spread: bool, method: bool, name: str = ""):
        self.name, self.spread, self.method = name or function.__name__, spread, method
        # Where PyTorch's function is compiled it takes NumPy's `axis` too.
        written_in_python = function.__name__ == "norm" or function.__module__.endswith("functional")
        self.aliases = {"input": "x"} if written_in_python else {"input": "x", "axis": "dim"}
        self.places: list[str] = []
        self.kinds: dict[str, Kind | None] = {}
        self.needed: list[str] = []
        self.unnamed, self.many = set(OWN), ""
        for name, parameter in inspect.signature(function).parameters.items():
            self.kinds[name] = KINDS.get(written(parameter.annotation))
            if parameter.kind is parameter.VAR_POSITIONAL:
                self.many = name
                continue
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                self.places.append(name)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                self.unnamed.add(name)
            if parameter.default is parameter.empty:
                self.needed.append(name)

    def held(self, args: tuple, named: dict[str, Any]) -> tuple[list, dict[str, Any]]:
        """Return the arguments, converted where they need it. Raises KindError for the first that does not fit."""
        named = self._named(args, named) if named else named
        count = len(self.places)
        passed = [self._one(name, value) for name, value in zip(self.places, args, strict=False)]
        if self.many:
            passed += self._many(args[count:], named)
        elif len(args) > count:
            self._too_many(len(args))
        for name in self.needed[len(args) :] if len(args) < len(self.needed) else ():
            if name not in named:
                fail(f"{self.name}() needs the argument {self._public(name)!r}", KindError)
        return passed, {name: self._one(name, value) for name, value in named.items()}

    def _too_many(self, given: int) -> None:
        own = self.method  # the array itself, which the user does not write among the arguments
        names = ", ".join(map(self._public, self.places[own:])) or "none"
        fail(
            f"{self.name}() takes at most {len(self.places) - own} arguments in order ({names}), not {given - own}",
            KindError,
        )

    def _named(self, args: tuple, named: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for given, value in named.items():
            name = "" if given in self.unnamed else given if given in self.kinds else self.aliases.get(given, given)
            if name not in self.kinds or (name == "x" and self.method):
                listed = [self._public(name) for name in self.kinds if not self.method or name not in OWN]
                known = ", ".join(listed) or "none"
                fail(f"{self.name}() has no argument {given!r} here; it has {known}", KindError)
            if name in found or name in self.places[: len(args)]:
                fail(f"{self.name}() is given {given!r} twice", KindError)
            found[name] = value
        return found

    def _one(self, name: str, value: Any) -> Any:
        known = self.kinds[name]
        if known is None or type(value) in known.at_once:
            return value
        found = known.accept(value)
        return self._refuse(name, value, known.words) if found is REFUSED else found

    def _many(self, rest: tuple, named: dict[str, Any]) -> list:
        """Return sizes or dimensions, which come one by one or as one list."""
        if self.many in named:
            if rest:
                fail(f"{self.name}() is given {self.many!r} twice", KindError)
            rest = (named.pop(self.many),)
            if not isinstance(rest[0], list | tuple):
                self._refuse(self.many, rest[0], "a list of whole numbers")
        if not rest:
            fail(f"{self.name}() needs the argument {self.many!r}", KindError)
        values = rest[0] if len(rest) == 1 and isinstance(rest[0], list | tuple) else rest
        if values is rest and not self.spread:
            self._refuse(self.many, rest[0], "one list of whole numbers")
        found = wholes(values)
        if found is REFUSED:
            self._refuse(self.many, values, "whole numbers")
        return list(found)

    def _refuse(self, name: str, value: Any, words: str) -> NoReturn:
        shown = f"an array {list(value.shape)}" if hasattr(value, "shape") else repr(value)[:60]
        fail(f"{self.name}(): the argument {self._public(name)!r} is {words}, not {shown}", KindError)

    def _public(self, name: str) -> str:
        return "input" if name == "x" else name


def checked(function: Callable, spread: bool = True, method: bool = False) -> Callable:
    """Return the function with its calls checked; `__wrapped__` is what takes anything."""
    signature = Signature(function, spread, method)

    @functools.wraps(function)
    def call(*args, **named):
        every, named = signature.held(args, named)
        return function(*every, **named)

    return call


def built(kind: type) -> type:
    """Return the class, whose instances are made only with arguments that fit."""
    make = vars(kind)["__init__"]
    signature = Signature(make, spread=True, method=True, name=kind.__name__)

    @functools.wraps(make)
    def held(self, *args, **named) -> None:
        every, named = signature.held((self, *args), named)
        make(*every, **named)

    kind.__init__ = held  # type: ignore[misc]
    return kind
