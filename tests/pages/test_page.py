"""Pages: what one may replace, and how its path ends."""

import pytest

from lingon.cli.app import app
from lingon.core.errors import UserError
from lingon.pages.page import check_page_path, render

PAGE = {"title": "curves", "curves": []}


def test_a_page_is_made_again_under_its_name(tmp_path):
    path = render("curves.html", tmp_path / "a.html", PAGE)
    assert check_page_path(path) == path
    (tmp_path / "empty.html").write_text("")
    check_page_path(str(tmp_path / "empty.html"))
    check_page_path(tmp_path / "new.htm")


def test_no_other_file_is_replaced_by_a_page(tmp_path):
    (tmp_path / "mine.html").write_text("<html><p>years of work</p></html>")
    (tmp_path / "folder.html").mkdir()
    for name in ("mine.html", "folder.html"):
        with pytest.raises(UserError, match=f"{name}' already exists and is not a page written by Lingon"):
            check_page_path(tmp_path / name)
    with pytest.raises(UserError, match=r"expected \.html"):
        check_page_path(tmp_path / "a.txt")


@pytest.mark.parametrize(
    "command",
    [
        ("predict", "none", "a text", "--page"),
        ("evaluate", "none", "--data", "a.csv", "--page"),
        ("ask", "none", "--context", "a.txt", "what?", "--page"),
        ("translate", "none", "a text", "--page"),
        ("search", "none", "a query", "--page"),
    ],
)
def test_commands_ask_before_any_work(tmp_path, command):
    mine = tmp_path / "mine.html"
    mine.write_text("my own")
    with pytest.raises(UserError, match="is not a page written by Lingon"):
        app([*command, str(mine)], standalone_mode=False)
    assert mine.read_text() == "my own"
