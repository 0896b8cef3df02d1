"""Width of text in columns of a terminal, where a Chinese character or an emoji takes two."""

from rich.cells import cell_len, chop_cells

from lingon.core.terminal import printable

CUT = "..."


def columns_of(text: object, most: int | None = None) -> int:
    """Return how many columns of a terminal a text takes, at most `most`.

    >>> columns_of("film"), columns_of("电影"), columns_of("电影 😐", most=5)
    (4, 4, 5)
    """
    width = cell_len(printable(text))
    return width if most is None else min(width, most)


def padded(text: object, width: int, most: int | None = None) -> str:
    """Return a printable text padded with spaces to `width` columns of a terminal.

    most: maximum columns; a longer text is cut and ends in ...

    >>> padded("电影", 6) + "|", padded("a long label", 6, most=6) + "|"
    ('电影  |', 'a l...|')
    """
    shown = printable(text)
    if most is not None and cell_len(shown) > most:
        shown = next(iter(chop_cells(shown, most - len(CUT))), "") + CUT
    return shown + " " * max(0, width - cell_len(shown))
