"""lingon search: questions to an index, near-duplicates and clusters of what is in it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lingon.cli.generate_options import Device
from lingon.cli.vector_options import one_or_more
from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.pages.page import keep_other_files

if TYPE_CHECKING:
    from lingon.search import Index


def search(
    index: Annotated[Path, typer.Argument(help="Index folder, made by lingon index.")],
    query: Annotated[
        list[str] | None, typer.Argument(help="Query. Default: interactive, or the lines of standard input.")
    ] = None,
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="Number of passages.", callback=one_or_more)] = 10,
    mode: Annotated[
        str | None,
        typer.Option(help="bm25 (words), vectors (meaning) or hybrid (both fused). Default: hybrid if it has vectors."),
    ] = None,
    filter: Annotated[
        list[str] | None,
        typer.Option(
            help="FIELD=VALUE with * and ?; repeatable. Fields: path, folder, type, title, columns of tables."
        ),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of the query. Default: the one that the index was made with.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object per passage.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write an .html page with the passages found.")] = None,
    duplicates: Annotated[bool, typer.Option("--duplicates", help="List near-duplicate passages instead.")] = False,
    threshold: Annotated[
        float, typer.Option(help="With --duplicates: least Jaccard similarity of three-word phrases, 0 to 1.")
    ] = 0.8,
    clusters: Annotated[
        int | None, typer.Option(help="Divide the passages into so many clusters, named by their words, instead.")
    ] = None,
    device: Device = "cpu",
) -> None:
    """Search an index made by lingon index: by words, by meaning, or both."""
    from lingon.cli.search_output import print_clusters, print_duplicates, write_found
    from lingon.search import Index

    filters = _filters(filter or [])
    if duplicates or clusters is not None:
        if query or filters or page or (duplicates and clusters is not None):
            raise UserError("--duplicates and --clusters use all passages: leave the query, --filter and --page out")
        found = Index.open(index)
        print_duplicates(found, threshold, as_json) if duplicates else print_clusters(found, clusters or 0, as_json)
        return
    if page and (not query or page.suffix != ".html"):
        raise UserError(f"--page {str(page)!r}: expected a name that ends in .html, and one query")
    if page:
        keep_other_files(page)
    opened = _open(index, mode, encoder, device)
    for text in [" ".join(query)] if query else _queries(opened):
        hits = opened.search(text, top_k, mode, filters)
        write_found(opened, text, hits, as_json, page)


def _open(folder: Path, mode: str | None, encoder: str | None, device: str) -> "Index":
    """Open an index, with its encoder where the mode needs one."""
    from lingon.cli.text_encoder import load_encoder
    from lingon.core.errors import unknown
    from lingon.search import Index
    from lingon.search.index import MODES
    from lingon.search.store import read_manifest

    if mode is not None and mode not in MODES:
        raise unknown("mode", mode, MODES)
    about = read_manifest(folder)
    kept = about.get("encoder")
    source = encoder or (kept.get("source") if isinstance(kept, dict) else None)
    if mode == "bm25" or (source is None and mode is None):
        return Index.open(folder)
    if not isinstance(source, str):
        raise UserError(f"{folder} has no vectors (--lexical-only); take --mode bm25")
    return Index.open(folder, load_encoder(source, device), source)


def _queries(index: "Index") -> Iterator[str]:
    """Yield the lines of standard input that are queries; on a terminal they are asked for."""
    from lingon.cli.predict import lines_of

    if sys.stdin is not None and sys.stdin.isatty():
        print(f"{counted(len(index), 'passage')} of {counted(len(index.files), 'file')}", file=sys.stderr)
    yield from (line for line in lines_of(None) if line.strip())


def _filters(given: list[str]) -> dict[str, str]:
    """Return the value of each field. Raises UserError for what is not FIELD=VALUE, and a field that comes twice."""
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise UserError(f"--filter {one!r}; expected FIELD=VALUE, such as type=md")
        if name in found:
            raise UserError(f"--filter {name} is given twice ({found[name]!r}, {value!r}); a passage has one value")
        found[name] = value
    return found
