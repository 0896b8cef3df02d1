"""The title and the visible text of an HTML page, one line for each block, in linear time.

A page is scanned once from beginning to end, and nothing in it is run or fetched. Python's own parser takes quadratic
time for some malformed pages.
"""

import html
import re

UNSEEN = ("script", "style", "template", "noscript", "svg", "iframe")
# Tags that start and end a line, unlike inline ones such as <b>.
BLOCKS = re.compile(
    "address|article|aside|blockquote|br|caption|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|form|"
    "h[1-6]|header|hr|html|body|head|li|main|nav|ol|option|p|pre|section|summary|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9-]{0,30})")


def html_text(page: str) -> tuple[str, str]:
    """Return the title and the text of a page, white space collapsed, one line for each block.

    >>> html_text("<title>A &amp; B</title><p>One <b>two</b>.<p>Three")
    ('A & B', 'One two.\\nThree')
    """
    title: list[str] = []
    text: list[str] = []
    into: list[str] | None = None
    for piece, tag in _scanned(page):
        (text if into is None else title).append(piece)
        if tag in ("title", "/title"):
            # Only the first one is the title of the page; an SVG image may have one too.
            into = title if tag == "title" and not title else None
        if BLOCKS.fullmatch(tag.removeprefix("/")):
            text.append("\n")
    return " ".join(html.unescape("".join(title)).split()), _folded("".join(text))


def _folded(text: str) -> str:
    lines = (" ".join(html.unescape(line).split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _scanned(page: str):
    """Yield each piece of text, line ends as spaces, with the name of the tag after it ("/p" for a closing tag)."""
    at = 0
    while at < len(page):
        begin = page.find("<", at)
        if begin < 0:
            break
        piece, tag = page[at:begin], TAG.match(page, begin)
        if page.startswith("<!--", begin):
            at, name = _after(page, "-->", begin + 4), ""
        elif tag or page[begin + 1 : begin + 2] in ("!", "?", "/"):
            at, name = _after(page, ">", begin), (tag[0][1:].lower() if tag else "")
        else:
            piece, at, name = page[at : begin + 1], begin + 1, ""  # a plain "<"
        yield re.sub(r"\s", " ", piece), name
        if name in UNSEEN:
            end = re.compile(f"</{name}", re.IGNORECASE).search(page, at)
            at = end.start() if end else len(page)
    yield re.sub(r"\s", " ", page[at:]), ""


def _after(page: str, end: str, at: int) -> int:
    """Return the position after `end`; without one, the end of the page, as browsers do."""
    found = page.find(end, at)
    return found + len(end) if found >= 0 else len(page)
