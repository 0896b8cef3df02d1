"""Tables of the pages have as many cells in every row: a bar in a cell, as in a|b, is escaped."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]


def uneven(text):
    """Yield the lines of tables that have another number of cells than the first line of their table."""
    width, in_code = None, False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        if in_code or not line.startswith("|"):
            width = None
            continue
        cells = len(re.split(r"(?<!\\)\|", line.strip().strip("|")))
        width = width or cells
        if cells != width:
            yield line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_rows_of_a_table_have_as_many_cells_as_its_head(page):
    assert list(uneven(page.read_text(encoding="utf-8"))) == []


def test_an_uneven_row_is_found():
    assert list(uneven("| a | b |\n|---|---|\n| `c|d` | e |\n| `c\\|d` | e |\n")) == ["| `c|d` | e |"]
