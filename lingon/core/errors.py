"""Errors that name the culprit: what went wrong, where, and what to do."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from lingon.core.counted import counted, plural

__all__ = ["DataError", "FetchError", "Interrupted", "NoNetwork", "NotFinite", "RunError", "UserError"]


class UserError(ValueError):
    """The user's mistake: a wrong name, file or value. The command line ends with exit code 2 and this one line."""


class DataError(UserError):
    """A file that cannot be read as what it should be. The message starts with `path:line:` where a line is known."""


class FetchError(RuntimeError):
    """Something could not be downloaded from a registry or a repository. Nobody's mistake: exit code 1."""


class NoNetwork(FetchError):
    """The host could not be reached at all, as without a network or behind a firewall."""


class RunError(RuntimeError):
    """A run could not go on: no memory, no room on the disk. Its last checkpoint is whole. Exit code 1 and one line."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a run after its state was saved. The message says how to go on; exit code 130 and one line."""


class NotFinite(ArithmeticError):
    """A loss, gradient or weight became NaN or infinite. The message names the step and the parameter."""


def one_of(names: Iterable[str]) -> str:
    """Lists names for a message, at most a dozen of them.

    >>> one_of(["bag", "textcnn"])
    'bag, textcnn'
    """
    names = list(names)
    more = f", ... ({len(names) - 12} more)" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more


def too_few(count: int, noun: str) -> str:
    """Says how many there are, of a noun whose plural is regular.

    >>> too_few(1, "different sentence"), too_few(1200, "pair")
    ('1 different sentence is too few', '1,200 pairs are too few')
    """
    return f"{counted(count, f'{noun} is', f'{plural(noun)} are')} too few"


def no_file(path: Path | str, way_out: str = "") -> UserError:
    """The error for a path that is no file: nothing is there, or a folder. way_out: ends the message of the first."""
    if Path(path).is_dir():
        return UserError(f"{str(path)!r} is a folder; expected a file")
    return UserError(f"there is no file {str(path)!r}{way_out}")


def suggest(name: str, known: Iterable[str], shown: Mapping[str, str] | None = None) -> str:
    """The end of an error message: the nearest known names, or all of them when none is near.

    shown: what stands for a near name, such as the path of a file, where it is not the name itself.

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
    """The error for a name that is not among the known ones.

    >>> str(unknown("model", "textcn", ["bag", "textcnn"]))
    "unknown model 'textcn'; did you mean 'textcnn'?"
    """
    said = str(name)
    said = said if len(said) <= 80 else said[:77] + "..."  # a file may hold a name of any length
    return UserError(f"unknown {kind} {said!r}; {suggest(said, known)}")
