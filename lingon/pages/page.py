"""Pages: self-contained HTML files, filled from a template, that need no other files and no network."""

from pathlib import Path
from typing import Any

from lingon.core.errors import UserError
from lingon.core.files import atomic_write
from lingon.core.strict_json import dumps

ENDINGS = (".html", ".htm")
MARK = b'<meta name="generator" content="Lingon">'  # in the template that all pages extend
HEAD = 4_096  # bytes of a file that are searched for it


def check_page_path(path: Path | str) -> Path:
    """Return the path of a page. Raises UserError unless it ends in .html; and see `keep_other_files`."""
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise UserError(f"--page {str(path)!r} ends in {path.suffix!r}, expected .html")
    keep_other_files(path)
    return path


def keep_other_files(path: Path) -> None:
    """Raise UserError if a page would replace a file that was not written by Lingon; call it before any work.

    Pages may be rewritten under the same name; other files are kept.
    """
    if path.suffix in ENDINGS and path.exists() and not _is_page(path):
        raise UserError(f"{str(path)!r} already exists and is not a page written by Lingon; write to another name")


def _is_page(path: Path) -> bool:
    """Return whether a file is one that `render` has written, or is empty."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    return not head or MARK in head


def render(template: str, path: Path, page: dict[str, Any]) -> Path:
    """Fill a page template. All text is escaped, except charts and `data_of`, which are our own output."""
    from jinja2 import Environment, PackageLoader

    pages = Environment(autoescape=True, loader=PackageLoader("lingon.pages", "templates"))
    text = pages.get_template(template).render(page)
    with atomic_write(Path(path)) as file:
        file.write(text)
    return Path(path)


def data_of(data: Any) -> str:
    """Return strict JSON for a script element of a page. "<" is escaped: a word "</script>" would end the element.

    >>> data_of(["</script>"])
    '["\\\\u003c/script>"]'
    """
    return dumps(data, ensure_ascii=True).replace("<", "\\u003c")
