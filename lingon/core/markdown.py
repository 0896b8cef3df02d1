"""Escapes untrusted text in a Markdown page, so that it is shown literally."""

import re

from lingon.core.terminal import printable

# Characters with a meaning inside a line in CommonMark (spec 0.31, section 2.4: escaped by a backslash).
SIGNS = re.compile(r"[\\`*_\[\]<>#|~&]")


def plain(text: object) -> str:
    r"""Return a text on one line, with all special characters of Markdown and HTML escaped.

    >>> print(plain("<b>*good*\n"))
    \<b\>\*good\*\\u000a
    """
    return SIGNS.sub(r"\\\g<0>", printable(text))
