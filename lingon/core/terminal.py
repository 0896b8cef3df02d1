"""Text of strangers on a terminal: what the terminal would obey, such as an escape sequence, is shown instead."""

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import TextIO

# Controls of C0 and C1 (ECMA-48), what ends a line besides, and halves of surrogate pairs, which cannot be written.
OBEYED = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
IN_LINE = re.compile(f"[{OBEYED}]")
IN_LINES = re.compile(f"(?![\t\n])[{OBEYED}]")


def printable(text: object, lines: bool = False) -> str:
    r"""Returns the text with each control character as \u and four digits, which JSON reads as that character.

    lines: line ends and tabs stay, for a text of several lines.

    >>> print(printable("red \x1b[31m\nnext"))
    red \u001b[31m\u000anext
    """
    return (IN_LINES if lines else IN_LINE).sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


class Screen:
    """A stream that writes what is `printable`. Everything else is that of the stream inside."""

    def __init__(self, stream: TextIO):
        self.rich_proxied_file = stream  # rich's own name: its tables and bars draw with escape sequences
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes a text of any lines; gives back its length."""
        if not isinstance(text, str):  # click tries bytes to learn which kind of stream this is
            raise TypeError(f"a text is written here, not {type(text).__name__}")
        self._stream.write(printable(text, lines=True))
        return len(text)

    def writelines(self, lines) -> None:
        """Writes texts one after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


@contextlib.contextmanager
def screened() -> Iterator[None]:
    """Makes a `Screen` of standard output and of standard error until the block ends."""
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and Screen(stream) for stream in (out, err))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
