"""Pages: one HTML file each, filled from a template, that needs nothing beside it and no network."""

from pathlib import Path
from typing import Any

from lingon.core.errors import UserError
from lingon.core.files import atomic_write
from lingon.core.strict_json import dumps


def check_page_path(path: Path | str) -> Path:
    """Return the path of a page. Raises UserError unless it ends in .html."""
    if Path(path).suffix not in (".html", ".htm"):
        raise UserError(f"--page {str(path)!r} ends in {Path(path).suffix!r}, expected .html")
    return Path(path)


def render(template: str, path: Path, page: dict[str, Any]) -> Path:
    """Fill a page template. All text is escaped; only charts and `data_of`, which we make, are put in as they are."""
    from jinja2 import Environment, PackageLoader

    pages = Environment(autoescape=True, loader=PackageLoader("lingon.pages", "templates"))
    text = pages.get_template(template).render(page)
    with atomic_write(Path(path)) as file:
        file.write(text)
    return Path(path)


def data_of(data: Any) -> str:
    """Write strict JSON for a script element of a page. Only "<" could end that: a word may be "</script>".

    >>> data_of(["</script>"])
    '["\\\\u003c/script>"]'
    """
    return dumps(data, ensure_ascii=True).replace("<", "\\u003c")
