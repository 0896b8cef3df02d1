"""Errors whose messages tell what went wrong, where, and what to do."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from lingon.core.counted import counted, plural

__all__ = ["DataError", "FetchError", "Interrupted", "NoNetwork", "NotFinite", "RunError", "UserError"]


class UserError(ValueError):
    """A mistake of the user: a wrong name, file or value. The command line exits with code 2 and the message."""


class DataError(UserError):
    """A file that does not have the expected content. The message starts with `path:line:` if a line is known."""


class FetchError(RuntimeError):
    """A download from a registry or a repository failed, without a mistake of the user: exit code 1."""


class NoNetwork(FetchError):
    """The host could not be reached, for example without a network or behind a firewall."""


class RunError(RuntimeError):
    """A run had to stop: out of memory or disk space. Its last checkpoint is complete. Exit code 1 and one line."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a run after its state was saved. The message tells how to resume; exit code 130 and one line."""


class NotFinite(ArithmeticError):
    """A loss, gradient or weight became NaN or infinite. The message names the step and the parameter."""


def one_of(names: Iterable[str]) -> str:
    """Return a list of names for a message, at most twelve of them.

    >>> one_of(["bag", "textcnn"])
    'bag, textcnn'
    """
    names = list(names)
    more = f", ... ({len(names) - 12} more)" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more


def too_few(count: int, noun: str) -> str:
    """Return a message that a number of things, with a regular plural, is too small.

    >>> too_few(1, "different sentence"), too_few(1200, "pair")
    ('1 different sentence is too few', '1,200 pairs are too few')
    """
    return f"{counted(count, f'{noun} is', f'{plural(noun)} are')} too few"


def no_file(path: Path | str, way_out: str = "") -> UserError:
    """Return the error for a path that is not a file but missing or a folder. way_out: appended if it is missing."""
    if Path(path).is_dir():
        return UserError(f"{str(path)!r} is a folder; expected a file")
    return UserError(f"there is no file {str(path)!r}{way_out}")


def suggest(name: str, known: Iterable[str], shown: Mapping[str, str] | None = None) -> str:
    """Return the end of an error message: the most similar known names, or all of them if none is similar.

    shown: what to print for a similar name, such as the path of a file, if not the name itself.

    >>> suggest("textcn", ["bag", "textcnn"])
    "did you mean 'textcnn'?"
    >>> suggest("xyz", ["bag", "textcnn"])
    'known: bag, textcnn'
    """
    known = [str(k) for k in known]
    near = get_close_matches(str(name), known, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr((shown or {}).get(n, n)) for n in near) + "?"
    return f"known: {one_of(known)}" if known else "there are none"


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the known ones.

    >>> str(unknown("model", "textcn", ["bag", "textcnn"]))
    "unknown model 'textcn'; did you mean 'textcnn'?"
    """
    said = str(name)
    said = said if len(said) <= 80 else said[:77] + "..."  # a file may hold a name of any length
    return UserError(f"unknown {kind} {said!r}; {suggest(said, known)}")
