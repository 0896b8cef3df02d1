"""Checks of calls against PyTorch's signatures: an argument that does not match its annotation is refused by name."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.error_context import ArrayTypeError, fail

REFUSED = object()
Dims = int | Sequence[int] | None
DType = np.dtype | None
OWN = ("x", "self")  # names of the first argument, which is `input` in PyTorch's functions and absent in methods
Number = float | int | bool


class ArgumentType(NamedTuple):
    """Type of an argument: its name in words, the types accepted unchanged, and a conversion of others, or REFUSED."""

    words: str
    at_once: frozenset[type]
    accept: Callable[[Any], Any]


ARGUMENT_TYPES: dict[str, ArgumentType] = {}  # by the text of the annotation


def argument_type(annotation: Any, words: str, accept: Callable[[Any], Any], *at_once: type) -> None:
    """Register the argument type of an annotation."""
    ARGUMENT_TYPES[annotation_text(annotation)] = ArgumentType(words, frozenset(at_once), accept)


def annotation_text(annotation: Any) -> str:
    """Return an annotation as text, which it is already if annotations are not evaluated."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def as_int(value: Any) -> Any:
    """Return an integer as an int, also one of NumPy or in a 0-d array; a bool is refused, as in PyTorch."""
    if isinstance(value, bool | np.bool) or not hasattr(value, "__index__"):
        return REFUSED
    if hasattr(value, "ndim") and (value.ndim or value.dtype.kind not in "iu"):
        return REFUSED
    return int(value)


def as_ints(value: Any) -> Any:
    """Return a list or tuple of integers as a tuple of ints."""
    if not isinstance(value, list | tuple):
        return REFUSED
    found = tuple(map(as_int, value))
    return REFUSED if REFUSED in found else found


def as_number(value: Any) -> Any:
    """Return a Python or NumPy number."""
    if isinstance(value, float | int | np.generic) and not isinstance(value, np.character | np.complexfloating):
        return value
    return REFUSED


def as_dtype(value: Any) -> Any:
    """Return a known dtype, also given as a Python type."""
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
argument_type(int, "a whole number", as_int, int)
argument_type(int | None, "a whole number or None", as_int, int, type(None))
argument_type(bool, "True or False", lambda value: bool(value) if isinstance(value, np.bool) else REFUSED, bool)
argument_type(bool | None, "True, False or None", lambda value: REFUSED, bool, type(None))
argument_type(str, "a text", _refuse, str)
argument_type(float, "a number", as_number, float, int, bool)
argument_type(float | None, "a number or None", as_number, float, int, bool, type(None))
argument_type(Number, "a number", as_number, float, int, bool)
argument_type(Dims, "a dimension, several or None", _either(as_int, as_ints), int, type(None))
argument_type(Sequence[int], "a list of whole numbers", as_ints)
argument_type(int | Sequence[int], "a whole number or a list of them", _either(as_int, as_ints), int)
argument_type(DType, f"one of {_known}", as_dtype, type(None))
argument_type(np.dtype, f"one of {_known}", as_dtype)


class Signature:
    """The parameters of a function, to check calls against.

    variadic: sizes may be separate arguments, x.reshape(2, 3), as in methods; else they are one list.
    """

    def __init__(self, function: Callable, variadic: bool, method: bool, name: str = ""):
        self.name, self.variadic, self.method = name or function.__name__, variadic, method
        # If PyTorch's function is compiled, it takes NumPy's `axis` too.
        written_in_python = function.__name__ == "norm" or function.__module__.endswith(
            ("functional", "layer_functions", "losses")
        )
        self.aliases = {"input": "x"} if written_in_python else {"input": "x", "axis": "dim"}
        self.places: list[str] = []
        self.kinds: dict[str, ArgumentType | None] = {}
        self.needed: list[str] = []
        self.unnamed, self.many = set(OWN), ""
        for name, parameter in inspect.signature(function).parameters.items():
            self.kinds[name] = ARGUMENT_TYPES.get(annotation_text(parameter.annotation))
            if parameter.kind is parameter.VAR_POSITIONAL:
                self.many = name
                continue
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                self.places.append(name)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                self.unnamed.add(name)
            if parameter.default is parameter.empty:
                self.needed.append(name)

    def bind(self, args: tuple, named: dict[str, Any]) -> tuple[list, dict[str, Any]]:
        """Return the arguments, converted where they need it. Raises ArrayTypeError for the first that does not fit."""
        named = self._named(args, named) if named else named
        count = len(self.places)
        passed = [self._one(name, value) for name, value in zip(self.places, args, strict=False)]
        if self.many:
            passed += self._many(args[count:], named)
        elif len(args) > count:
            self._too_many(len(args))
        for name in self.needed[len(args) :] if len(args) < len(self.needed) else ():
            if name not in named:
                fail(f"{self.name}() needs the argument {self._public(name)!r}", ArrayTypeError)
        return passed, {name: self._one(name, value) for name, value in named.items()}

    def _too_many(self, given: int) -> None:
        own = self.method  # the array itself, which the user does not write among the arguments
        names = ", ".join(map(self._public, self.places[own:])) or "none"
        fail(
            f"{self.name}() takes at most {len(self.places) - own} arguments in order ({names}), not {given - own}",
            ArrayTypeError,
        )

    def _named(self, args: tuple, named: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for given, value in named.items():
            name = "" if given in self.unnamed else given if given in self.kinds else self.aliases.get(given, given)
            if name not in self.kinds or (name == "x" and self.method):
                listed = [self._public(name) for name in self.kinds if not self.method or name not in OWN]
                known = ", ".join(listed) or "none"
                fail(f"{self.name}() has no argument {given!r} here; it has {known}", ArrayTypeError)
            if name in found or name in self.places[: len(args)]:
                fail(f"{self.name}() is given {given!r} twice", ArrayTypeError)
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
                fail(f"{self.name}() is given {self.many!r} twice", ArrayTypeError)
            rest = (named.pop(self.many),)
            if not isinstance(rest[0], list | tuple):
                self._refuse(self.many, rest[0], "a list of whole numbers")
        if not rest:
            fail(f"{self.name}() needs the argument {self.many!r}", ArrayTypeError)
        values = rest[0] if len(rest) == 1 and isinstance(rest[0], list | tuple) else rest
        if values is rest and not self.variadic:
            self._refuse(self.many, rest[0], "one list of whole numbers")
        found = as_ints(values)
        if found is REFUSED:
            self._refuse(self.many, values, "whole numbers")
        return list(found)

    def _refuse(self, name: str, value: Any, words: str) -> NoReturn:
        shown = f"an array {list(value.shape)}" if hasattr(value, "shape") else repr(value)[:60]
        fail(f"{self.name}(): the argument {self._public(name)!r} is {words}, not {shown}", ArrayTypeError)

    def _public(self, name: str) -> str:
        return "input" if name == "x" else name


def check_arguments(function: Callable, variadic: bool = True, method: bool = False) -> Callable:
    """Return the function with its calls checked; `__wrapped__` is the unchecked function."""
    signature = Signature(function, variadic, method)

    @functools.wraps(function)
    def call(*args, **named):
        every, named = signature.bind(args, named)
        return function(*every, **named)

    return call


def check_construction(cls: type) -> type:
    """Return the class with the arguments of its constructor checked."""
    make = vars(cls)["__init__"]
    signature = Signature(make, variadic=True, method=True, name=cls.__name__)

    @functools.wraps(make)
    def held(self, *args, **named) -> None:
        every, named = signature.bind((self, *args), named)
        make(*every, **named)

    cls.__init__ = held  # type: ignore[misc]
    return cls
