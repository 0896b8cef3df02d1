"""Runs chat templates of downloaded models in Jinja's sandbox, with limits on time, size and loops."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.filters import make_attrgetter
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lingon.core.errors import DataError, UserError
from lingon.data.tokenizers.template_limits import (
    LARGEST,
    Budget,
    Exceeded,
    bounded,
    budget,
    check_call,
    check_format,
    check_product,
    checked,
)

LONGEST = 1 << 20  # characters of a template
# Put around the text that {% generation %} marks. Noncharacters of Unicode, which messages never contain.
OPEN, CLOSE = "\ufdee", "\ufdef"

# Methods of str and filters that templates use; none makes something huge from something small.
TEXT_METHODS = (
    "capitalize", "casefold", "center", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isascii",
    "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip",
    "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit",
    "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper", "zfill",
)  # fmt: skip
FILTERS = (
    "abs", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape", "first", "float",
    "forceescape", "groupby", "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min",
    "reject", "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string",
    "title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount",
)  # fmt: skip
GLOBALS = ("range", "dict", "namespace")


class Refusal(UserError):
    """The message of a template about a conversation that it rejects by `raise_exception`."""


def compile_template(source: str) -> jinja2.Template:
    """Compile a template. Raises DataError that tells where it is not a valid Jinja template."""
    if len(source) > LONGEST:
        raise DataError(f"the chat template has {len(source):,} characters, at most {LONGEST:,}")
    try:
        return _ENVIRONMENT.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise DataError(f"the chat template is not valid (line {error.lineno}: {error.message})") from None
    except (RecursionError, jinja2.TemplateError, SyntaxError, OverflowError) as error:
        raise DataError(f"the chat template is not valid ({str(error)[:80]})") from None


def render_template(template: jinja2.Template, variables: Mapping[str, Any]) -> str:
    """Render a template with these variables.

    Raises DataError if it fails, takes too long or makes too much text; UserError for input that it rejects itself.
    """
    token, parts, length = budget.set(Budget()), [], 0
    try:
        for part in template.generate(**variables):
            parts.append(part)
            length += len(part)
            if length > LARGEST:
                raise Exceeded(f"it makes more than {LARGEST:,} characters")
    except Refusal:
        raise
    except Exceeded as error:
        raise DataError(f"the chat template was stopped: {error}") from None
    except RecursionError:
        raise DataError("the chat template was stopped: it calls itself too deeply") from None
    except Exception as error:  # anything that an untrusted template does wrong
        raise DataError(f"the chat template fails: {type(error).__name__}: {str(error)[:200]}") from None
    finally:
        budget.reset(token)
    return "".join(parts)


class _Generation(Extension):
    """{% generation %} ... {% endgeneration %}: marks the text that the assistant is trained on.

    Variables set inside are not visible after it, as in transformers, whose block is a macro that is called.
    """

    tags = {"generation"}  # noqa: RUF012  # as Jinja has it

    def parse(self, parser: Any) -> list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        marks = [nodes.Output([nodes.TemplateData(mark)]).set_lineno(line) for mark in (OPEN, CLOSE)]
        return [marks[0], nodes.Scope(body).set_lineno(line), marks[1]]


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which loop iterations are counted and all values are checked."""

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
        budget.get().check_time()
        if operator == "*":
            check_product(left, right)
        if operator == "**" and not (abs(left) <= LARGEST and abs(right) <= 8):
            raise Exceeded("it computes too large a power")
        if operator == "%" and isinstance(left, str):
            check_format(left)
        return checked(super().call_binop(context, operator, left, right))

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # as Jinja has it
        budget.get().check_time()
        method = getattr(__obj, "__wrapped__", __obj)  # the sandbox has a format of its own
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(owner, str):
            check_call(name, owner, args, kwargs)
        return checked(super().call(__context, __obj, *args, **kwargs))


def _replace_concatenations(node: nodes.Node) -> None:
    """Replace each `a ~ b` directly under a node by a call that checks the size."""
    for name, value in list(node.iter_fields()):
        if isinstance(value, nodes.Concat):
            setattr(node, name, _joined(value))
        elif isinstance(value, list):
            setattr(node, name, [_joined(one) if isinstance(one, nodes.Concat) else one for one in value])


def _joined(node: nodes.Concat) -> nodes.Node:
    return nodes.Call(nodes.Name("_concatenate", "load"), node.nodes, [], None, None).set_lineno(node.lineno)


def _concatenate(*parts: Any) -> str:
    return "".join(map(str, parts))


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


@jinja2.pass_environment
def _sum(environment: jinja2.Environment, values: Iterable[Any], attribute: str | None = None, start: Any = 0) -> Any:
    read = (lambda value: value) if attribute is None else make_attrgetter(environment, attribute)
    for value in values:
        budget.get().check_time()
        start = checked(start + read(value))
    return start


def _raise_exception(message: object) -> None:
    raise Refusal(f"the chat template of this model refuses the conversation: {str(message)[:200]}")


def _strftime_now(format: str) -> str:
    return datetime.now().strftime(format)


def _environment() -> _Environment:
    """Return the environment of all templates, with everything that templates of published models use."""
    found = _Environment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols], optimized=False, cache_size=0
    )
    found.filters = {name: bounded(name, found.filters[name]) for name in FILTERS}
    found.filters |= {"tojson": bounded("tojson", _tojson), "sum": bounded("sum", _sum)}
    found.globals = {name: found.globals[name] for name in GLOBALS}
    found.globals |= {"raise_exception": _raise_exception, "strftime_now": _strftime_now}
    found.globals |= {"_round": lambda: budget.get().round(), "_concatenate": _concatenate}
    return found


_ENVIRONMENT = _environment()
