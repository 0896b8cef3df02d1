"""Text of strangers in a Markdown page: it is shown as it is, whatever it is spelt like."""

import re

from lingon.core.terminal import printable

# What CommonMark gives a meaning inside a line (spec 0.31, section 2.4: a backslash takes it away).
SIGNS = re.compile(r"[\\`*_\[\]<>#|~&]")


def plain(text: object) -> str:
    r"""Returns a text on one line, with each sign of Markdown and of HTML escaped.

    >>> print(plain("<b>*good*\n"))
    \<b\>\*good\*\\u000a
    """
    return SIGNS.sub(r"\\\g<0>", printable(text))
