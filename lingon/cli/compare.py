"""What `lingon evaluate FIRST SECOND` prints and writes: two models on the same examples."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lingon.core.strict_json import dumps
from lingon.pages.page import check_page_path
from lingon.recipes.compare_page import write_comparison
from lingon.recipes.compare_systems import compare_systems


def comparison_lines(
    tasks: tuple[Any, Any], examples: Any, names: tuple[str, str], as_json: bool, page: Path | None
) -> Iterator[str]:
    """Yield what is printed of a comparison; write its page first. Raises UserError as `compare_systems` does."""
    if page:
        check_page_path(page)  # before minutes of work
    found = compare_systems(*tasks, examples, names)
    if page:
        print(f"wrote {write_comparison(page, found)}", file=sys.stderr)
    yield from [dumps(found.row())] if as_json else found.lines()
