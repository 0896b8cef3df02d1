"""The results of a search as a self-contained page, and their scores as a line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.pages.page import render
from lingon.search.highlight import highlight
from lingon.search.index import Hit
from lingon.search.terms import terms_of

ALL = 1 << 30  # characters: a page shows whole passages


def scores_line(hit: Hit) -> str:
    """Return the scores of a hit as a line of text."""
    parts = [f"score {hit.score:.4f}"]
    parts += [] if hit.bm25 is None else [f"BM25 {hit.bm25:.2f}"]
    parts += [] if hit.cosine is None else [f"cosine {hit.cosine:.3f}"]
    return ", ".join(parts)


def write_page(path: Path, query: str, hits: Sequence[Hit], note: str, stale: dict[str, str]) -> Path:
    """Write a page of hits with the words of the query marked. note: on the index. stale: see `Index.stale_files`."""
    terms = terms_of(query)
    rows: list[dict[str, Any]] = [
        {
            "path": hit.path,
            "where": hit.passage.where,
            "title": hit.passage.title,
            "scores": scores_line(hit),
            "stale": stale.get(hit.path, ""),
            "pieces": highlight(hit.passage.text, terms, ALL),
        }
        for hit in hits
    ]
    return render("search.html", path, {"title": query, "note": note, "hits": rows})
