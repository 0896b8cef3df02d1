"""How each failure ends: one line for the user, and an exit code (2: the user's mistake, 1: ours, 130: Ctrl-C)."""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

from lingon.cli.flag_suggestions import hint
from lingon.core.errors import FetchError, NotFinite, RunError, UserError
from lingon.core.files import cache_dir
from lingon.core.optional_packages import install_command
from lingon.core.terminal import printable


class Stopped(Exception):
    """Ctrl-C, in a form that typer lets through; it would end the program with the code alone."""


class Door(TyperGroup):
    """All commands, whose Ctrl-C keeps its message: where a run was saved, and how to go on."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Stopped(*error.args) from error


def error_line(error: BaseException, arguments: Sequence[str] = ()) -> tuple[str, int]:
    """Return the message and exit code of an error that reached the command line. arguments: what was typed."""
    message, code = _message_and_code(error, arguments)
    return printable(message), code


def _message_and_code(error: BaseException, arguments: Sequence[str]) -> tuple[str, int]:
    if isinstance(error, SystemExit):  # typer makes one of a pipe that its reader closed
        closed = isinstance(error.__context__, BrokenPipeError)
        return "", 0 if closed else error.code if isinstance(error.code, int) else 1
    if isinstance(error, KeyboardInterrupt | Stopped):
        return str(error) or "stopped", 130
    usage: Any = error
    if type(error).__name__ == "NoArgsIsHelpError":  # what typer raises for `lingon` and `lingon train` alone
        print(usage.format_message())
        return "", 0
    if hasattr(error, "format_message"):  # ... for a wrong option or command
        return _usage(error, arguments), getattr(error, "exit_code", 2)
    if isinstance(error, UserError):
        return _flat(error), 2
    if isinstance(error, (FetchError, NotFinite, RunError)):
        return _flat(error), 1
    if isinstance(error, BrokenPipeError):
        return "", 0
    if isinstance(error, MemoryError):
        sizes = "lower what it is for: --batch-size, --max-tokens-per-batch, --width, --vocab or --buckets"
        return f"not enough memory{': ' + _flat(error) if str(error) else ''}; {sizes}", 1
    if isinstance(error, RuntimeError) and ("allocate memory" in str(error) or "out of memory" in str(error)):  # torch
        sizes = "lower --batch-size, --max-tokens-per-batch, --beams, --n or --width"
        return f"not enough memory; {sizes}, or take a smaller model", 1
    if isinstance(error, OSError) and error.errno is not None:
        mine = error.errno in (errno.ENOSPC, errno.EIO, errno.EMFILE)
        where = f": {error.filename}" if error.filename else ""
        if error.filename and Path(str(error.filename)).is_relative_to(cache_dir()):
            where += "; the cache folder is chosen by LINGON_CACHE"
        return f"{(error.strerror or 'cannot read or write').lower()}{where}", 1 if mine else 2
    if isinstance(error, ImportError) and error.name:
        return f"the package {error.name!r} is not installed; all that can be of use: {install_command('dev')}", 1
    return f"unexpected {type(error).__name__}: {_flat(error)} (run again with --debug to see where)", 1


def _flat(error: BaseException) -> str:
    return " ".join(str(error).split())


def _usage(error: Any, arguments: Sequence[str]) -> str:
    text = " ".join((hint(error, arguments) or error.format_message()).split())
    context = getattr(error, "ctx", None)
    return f"{text} (help: {context.command_path} --help)" if context else text
