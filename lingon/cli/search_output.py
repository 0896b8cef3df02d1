"""What `lingon search` prints: passages with the words of the query marked, duplicates, clusters."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.cli.index import tell_stale
from lingon.core.counted import counted
from lingon.core.strict_json import dumps
from lingon.core.terminal import printable

if TYPE_CHECKING:
    from lingon.search import Hit, Index

SHOWN = 160  # characters of a passage in lists of duplicates and clusters


def write_found(index: "Index", query: str, hits: "Sequence[Hit]", as_json: bool, page: Path | None) -> None:
    """Print hits, or write them as a page; say which of their files are no more as they were."""
    from lingon.search.page import write_page

    stale = index.stale_files(hits)
    if page is not None:
        note = f"{len(hits)} of {counted(len(index), 'passage')}"
        print(printable(f"wrote {write_page(page, query, hits, note, stale)}: {note}"))
    elif as_json:
        for hit in hits:
            print(dumps({"query": query, **hit.as_row(), "stale": stale.get(hit.path)}), flush=True)
    else:
        _print_hits(query, hits)
    tell_stale(stale, str(index.about.get("source")), index.folder)


def _print_hits(query: str, hits: "Sequence[Hit]") -> None:
    from lingon.search.highlight import highlight
    from lingon.search.page import scores_line
    from lingon.search.terms import terms_of

    if not hits:
        print("no results", file=sys.stderr)
    terms, show = terms_of(query), _marked if sys.stdout.isatty() else _plain
    for number, hit in enumerate(hits, 1):
        title = f"  {hit.passage.title}" if hit.passage.title else ""
        print(printable(f"{number}. {hit.path}{hit.passage.where}{title}  ({scores_line(hit)})"))
        show(highlight(hit.passage.text, terms))


def _plain(pieces: Sequence[Any]) -> None:
    print(printable(f"   {''.join(piece.text for piece in pieces)}"), flush=True)


def _marked(pieces: Sequence[Any]) -> None:
    """Print a passage on a terminal, the words of the query in bold."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    text = Text()
    for piece in pieces:
        text.append(printable(piece.text), "bold yellow" if piece.marked else "")
    Console(highlight=False).print(Padding(text, (0, 0, 0, 3)))


def print_duplicates(index: "Index", threshold: float, as_json: bool) -> None:
    """Print the groups of passages that are nearly the same, the largest first."""
    from lingon.search.duplicates import groups_of, near_duplicates

    pairs = near_duplicates((index.passage(row).text for row in range(len(index))), threshold)
    groups = groups_of(pairs)
    for rows in groups:
        if as_json:
            print(dumps({"passages": [_row(index, row) for row in rows]}))
        else:
            print(printable(f"{counted(len(rows), 'passage')}: {_short(index, rows[0])}"))
            print(printable("\n".join(f"   {_place(index, row)}" for row in rows), lines=True))
    if not as_json:
        count = sum(len(rows) - 1 for rows in groups)
        print(f"{count:,} of {counted(len(index), 'passage')} are near-duplicates of an earlier one")


def print_clusters(index: "Index", count: int, as_json: bool) -> None:
    """Print clusters with their words and their most typical passage."""
    from lingon.search.clusters import clusters_of

    for cluster in clusters_of(index, count):
        if as_json:
            print(dumps({"words": cluster.words, "passages": [_row(index, row) for row in cluster.rows]}))
        else:
            print(printable(f"{len(cluster.rows):>6,}  {', '.join(cluster.words)}"))
            print(printable(f"        {_place(index, cluster.rows[0])}: {_short(index, cluster.rows[0])}"))


def _row(index: "Index", row: int) -> dict[str, Any]:
    return {"path": index.path_of(row), **index.passage(row)._asdict()}


def _place(index: "Index", row: int) -> str:
    return f"{index.path_of(row)}{index.passage(row).where}"


def _short(index: "Index", row: int) -> str:
    text = " ".join(index.passage(row).text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
