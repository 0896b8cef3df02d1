"""Chat templates come with downloaded models: here they run in Jinja's sandbox, with bounds on time, size and loops."""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import wraps
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lingon.core.errors import DataError, UserError

SECONDS = 5.0  # of the processor, for one rendering
ROUNDS = 50_000  # of all loops and macros of one rendering together
LARGEST = 16 << 20  # characters or items of one value, and of what is rendered
LARGEST_NUMBER = 1_000  # that a filter or a method may be given, such as the width of an indent
LONGEST = 1 << 20  # characters of a template
# Around what {% generation %} marks. Noncharacters of Unicode: what people say has none, see `special_spellings`.
OPEN, CLOSE = "\ufdee", "\ufdef"

# Methods of a text, and filters: those that templates use, of which none makes something huge of something small.
TEXT_METHODS = (
    "capitalize", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isdigit", "islower",
    "isnumeric", "isspace", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
    "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip",
    "swapcase", "title", "upper",
)  # fmt: skip
FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "indent", "int", "items", "join",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round",
    "safe", "select", "selectattr", "sort", "string", "title", "trim", "truncate", "unique", "upper",
)  # fmt: skip
GLOBALS = ("range", "dict", "namespace")


class Refusal(UserError):
    """What a template says of a conversation that it does not take, by `raise_exception`."""


class _Exceeded(Exception):
    """A bound was reached."""


class _Budget:
    """What one rendering has used."""

    def __init__(self) -> None:
        self.rounds, self.end = 0, time.thread_time() + SECONDS

    def round(self) -> str:
        self.rounds += 1
        if self.rounds > ROUNDS:
            raise _Exceeded(f"its loops take more than {ROUNDS:,} rounds")
        self.check_time()
        return ""

    def check_time(self) -> None:
        if time.thread_time() > self.end:
            raise _Exceeded(f"it takes more than {SECONDS:g} seconds")


_budget: ContextVar[_Budget] = ContextVar("_budget")


def compile_template(source: str) -> jinja2.Template:
    """Compile a template. Raises DataError that says where it is no template of Jinja."""
    if len(source) > LONGEST:
        raise DataError(f"the chat template has {len(source):,} characters, at most {LONGEST:,}")
    try:
        return _ENVIRONMENT.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise DataError(f"the chat template is not valid (line {error.lineno}: {error.message})") from None
    except (RecursionError, jinja2.TemplateError, SyntaxError, OverflowError) as error:
        raise DataError(f"the chat template is not valid ({str(error)[:80]})") from None


def render_template(template: jinja2.Template, variables: Mapping[str, Any]) -> str:
    """Return what a template makes of these variables.

    Raises DataError for a template that fails, takes too long or makes too much; UserError for what it refuses itself.
    """
    token, parts, length = _budget.set(_Budget()), [], 0
    try:
        for part in template.generate(**variables):
            parts.append(part)
            length += len(part)
            if length > LARGEST:
                raise _Exceeded(f"it makes more than {LARGEST:,} characters")
    except Refusal:
        raise
    except _Exceeded as error:
        raise DataError(f"the chat template was stopped: {error}") from None
    except RecursionError:
        raise DataError("the chat template was stopped: it calls itself too deeply") from None
    except Exception as error:  # whatever a template of others does wrong
        raise DataError(f"the chat template fails: {type(error).__name__}: {str(error)[:200]}") from None
    finally:
        _budget.reset(token)
    return "".join(parts)


class _Generation(Extension):
    """{% generation %} ... {% endgeneration %}: marks what the assistant is to learn to say."""

    tags = {"generation"}  # noqa: RUF012  # as Jinja has it

    def parse(self, parser: Any) -> list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        marks = [nodes.Output([nodes.TemplateData(mark)]).set_lineno(line) for mark in (OPEN, CLOSE)]
        return [marks[0], *body, marks[1]]


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which every loop counts, and every value is looked at."""

    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        blocks: list[Any] = [node for kind in (nodes.For, nodes.Macro, nodes.CallBlock) for node in tree.find_all(kind)]
        for block in blocks:
            called = nodes.Call(nodes.Name("_round", "load"), [], [], None, None)
            block.body.insert(0, nodes.Output([called]).set_lineno(block.lineno))
        for node in [*tree.find_all(nodes.Output), *tree.find_all(nodes.Expr), *tree.find_all(nodes.Stmt)]:
            _replace_concatenations(node)
        return tree

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in TEXT_METHODS
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _budget.get().check_time()
        if operator == "*":
            _check_product(left, right)
        if operator == "**" and not (abs(left) <= LARGEST and abs(right) <= 8):
            raise _Exceeded("it computes too large a power")
        if operator == "%" and isinstance(left, str):
            _check_format(left)
        return _checked(super().call_binop(context, operator, left, right))

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # as Jinja has it
        _budget.get().check_time()
        method = getattr(__obj, "__wrapped__", __obj)  # the sandbox has a format of its own
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(owner, str):
            _check_call(name, owner, args, kwargs)
        return _checked(super().call(__context, __obj, *args, **kwargs))


def _replace_concatenations(node: nodes.Node) -> None:
    """Put a call that looks at the size in the place of each `a ~ b` right under a node."""
    for name, value in list(node.iter_fields()):
        if isinstance(value, nodes.Concat):
            setattr(node, name, _joined(value))
        elif isinstance(value, list):
            setattr(node, name, [_joined(one) if isinstance(one, nodes.Concat) else one for one in value])


def _joined(node: nodes.Concat) -> nodes.Node:
    return nodes.Call(nodes.Name("_concatenate", "load"), node.nodes, [], None, None).set_lineno(node.lineno)


def _concatenate(*parts: Any) -> str:
    return "".join(map(str, parts))


def _checked(value: Any) -> Any:
    if isinstance(value, str | list | tuple | dict) and len(value) > LARGEST:
        raise _Exceeded(f"a value in it has more than {LARGEST:,} characters or items")
    return value


def _check_product(left: Any, right: Any) -> None:
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple) and isinstance(times, int) and len(many) * times > LARGEST:
            raise _Exceeded(f"a value in it has more than {LARGEST:,} characters or items")
    if isinstance(left, int) and isinstance(right, int) and max(abs(left), abs(right)) > 1 << 64:
        raise _Exceeded("it computes too large a number")


def _check_call(name: str, text: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Look at a call of a filter or a method before it is made."""
    if any(isinstance(arg, int) and abs(arg) > LARGEST_NUMBER for arg in (*args, *kwargs.values())):
        raise _Exceeded(f"{name} in it is given a number over {LARGEST_NUMBER:,}")
    if name == "format":
        _check_format(text)
    if name == "replace" and len(args) >= 2:
        old, new = map(str, args[:2])
        if len(text) + text.count(old) * len(new) > LARGEST:
            raise _Exceeded(f"replace in it makes more than {LARGEST:,} characters")
    if name == "join" and len(args) == 1 and isinstance(args[0], list | tuple):
        _check_join(text, args[0])


def _check_join(separator: str, items: Iterable[Any]) -> None:
    if sum(len(str(item)) + len(separator) for item in items) > LARGEST:
        raise _Exceeded(f"join in it makes more than {LARGEST:,} characters")


def _check_format(text: str) -> None:
    if re.search(r"\d{4}|\*", text):
        raise _Exceeded("it formats with a width over 999")


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that looks at what it is given and at what it makes."""
    first = 1 if getattr(function, "jinja_pass_arg", None) is not None else 0

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        _budget.get().check_time()
        subject, more = args[first], args[first + 1 :]
        if name == "join":
            subject = list(subject)
            _check_join(str(more[0]) if more else str(kwargs.get("d", "")), subject)
            args = (*args[:first], subject, *more)
        else:
            _check_call(name, str(subject) if name == "replace" else "", more, kwargs)
        return _checked(function(*args, **kwargs))

    return call


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: object) -> None:
    raise Refusal(f"the chat template of this model refuses the conversation: {str(message)[:200]}")


def _strftime_now(format: str) -> str:
    return datetime.now().strftime(format)


def _environment() -> _Environment:
    """Return the environment of all templates, which has what those of published models use."""
    found = _Environment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols], optimized=False, cache_size=0
    )
    found.filters = {name: _bounded(name, found.filters[name]) for name in FILTERS}
    found.filters["tojson"] = _bounded("tojson", _tojson)
    found.globals = {name: found.globals[name] for name in GLOBALS}
    found.globals |= {"raise_exception": _raise_exception, "strftime_now": _strftime_now}
    found.globals |= {"_round": lambda: _budget.get().round(), "_concatenate": _concatenate}
    return found


_ENVIRONMENT = _environment()
