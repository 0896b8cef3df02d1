"""The page of translations: the best of each text, and what of the source each token of the first attended to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.pages.page import check_page_path, render
from lingon.tasks.translate.translation import Translation

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator

SHOWN = 50  # texts on a page
WIDEST = 80  # tokens of a side of a map
FACTS = (
    "Rows are tokens of the best translation, columns those of the source; the darker a cell, the more of its attention"
    " the token gave to that of the source, as a mean of all layers and heads. Rows sum to 1."
)


def write_translations(path: Path, translator: "Translator", found: Sequence[Sequence[Translation]], name: str) -> Path:
    """Write an .html page of the best translations of texts, the first ones where there are many. name: of the model.

    Raises UserError unless the path ends in .html.
    """
    items = [_item(translator, some) for some in found[:SHOWN]]
    return render(
        "translations.html", check_page_path(path), {"title": f"{name}: translations", "facts": FACTS, "items": items}
    )


def _item(translator: "Translator", found: Sequence[Translation]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "source": found[0].source,
        "best": [(one.translation, one.score, one.logprob) for one in found],
    }
    columns, rows, weights = translator.attention(found[0])
    if max(len(columns), len(rows)) <= WIDEST:
        item |= {"columns": columns, "map": list(zip(rows, weights.tolist(), strict=True))}
    return item
