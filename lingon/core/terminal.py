"""Escapes untrusted text for a terminal: control characters, such as of escape sequences, are shown, not executed."""

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import TextIO

# Controls of C0 and C1 (ECMA-48), other line separators, and halves of surrogate pairs, which cannot be written.
OBEYED = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
IN_LINE = re.compile(f"[{OBEYED}]")
IN_LINES = re.compile(f"(?![\t\n])[{OBEYED}]")


def printable(text: object, lines: bool = False) -> str:
    r"""Return the text with each control character as \u and four digits, which JSON reads as that character.

    lines: keep line ends and tabs, for a text of several lines.

    >>> print(printable("red \x1b[31m\nnext"))
    red \u001b[31m\u000anext
    """
    return (IN_LINES if lines else IN_LINE).sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


class Screen:
    """A stream that writes `printable` text. Everything else is delegated to the inner stream."""

    def __init__(self, stream: TextIO):
        self.rich_proxied_file = stream  # attribute used by rich, whose tables and bars need escape sequences
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text of any number of lines; return its length."""
        if not isinstance(text, str):  # click tries bytes to detect the type of the stream
            raise TypeError(f"a text is written here, not {type(text).__name__}")
        self._stream.write(printable(text, lines=True))
        return len(text)

    def writelines(self, lines) -> None:
        """Write texts one after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


@contextlib.contextmanager
def screened() -> Iterator[None]:
    """Replace standard output and standard error by a `Screen` until the block ends."""
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and Screen(stream) for stream in (out, err))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
