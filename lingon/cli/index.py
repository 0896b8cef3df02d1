"""lingon index: a folder of texts made searchable."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lingon.cli.generate_options import Device
from lingon.core.errors import UserError
from lingon.core.terminal import printable
from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, bad_rows, one_column

if TYPE_CHECKING:
    from lingon.search.documents import ReadSettings

ENCODER = "minilm-l6"


def index(
    source: Annotated[
        Path, typer.Argument(help="Folder of .txt, .md, .html, .csv, .jsonl, .parquet files (also .gz), or one file.")
    ],
    out: Annotated[Path, typer.Option(help="Index folder; an existing index is updated.")],
    encoder: Annotated[
        str | None,
        typer.Option(
            help=f"Encoder of the passages: a name (lingon data list), folder or hf:owner/name. Default: {ENCODER}."
        ),
    ] = None,
    lexical_only: Annotated[bool, typer.Option("--lexical-only", help="BM25 only, without vectors.")] = False,
    approximate: Annotated[
        bool,
        typer.Option("--approximate", help="Approximate vector search (IVF), for over 50,000 passages; needs faiss."),
    ] = False,
    passage_tokens: Annotated[
        int | None, typer.Option(help="Maximum length of a passage in tokens (words and signs). Default: 160.")
    ] = None,
    passage_overlap: Annotated[
        int | None, typer.Option(help="Overlap with the preceding passage, in tokens. Default: 32.")
    ] = None,
    text: TextColumn = None,
    on_bad_row: Annotated[
        str, typer.Option(help="A row or file that cannot be read: stop (default) or skip it.")
    ] = "stop",
    encoding: Encoding = "utf-8",
    quoting: Quoting = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Rebuild the index from scratch.")] = False,
    device: Device = "cpu",
) -> None:
    """Index a folder for `lingon search`: BM25 and vectors of its passages. Again, it reads only what has changed."""
    from lingon.cli.text_encoder import load_encoder
    from lingon.search import Index
    from lingon.search.documents import files_of
    from lingon.search.update import check_target

    if lexical_only and (encoder or approximate):
        raise UserError("--lexical-only makes no vectors; leave --encoder and --approximate out")
    check_target(out)
    files_of(source, leave_out=out)  # what is wrong with either is said before an encoder is loaded
    skips = bad_rows(on_bad_row) == "skip"
    kept = _kept(out) if not overwrite else {}
    sizes = {"passage_tokens": passage_tokens, "passage_overlap": passage_overlap, "text": one_column(text)}
    settings = _settings(kept.get("settings"), sizes, skips, Files(encoding, quoting))
    if not encoder and not lexical_only and kept:
        encoder = (kept.get("encoder") or {}).get("source")
        lexical_only = encoder is None
    name = None if lexical_only else encoder or ENCODER
    if name is not None and Path(name).exists():
        name = str(Path(name).absolute())  # so that it is found from any folder
    model = None if name is None else load_encoder(name, device)
    approximate = approximate or "lists" in kept.get("files", {})
    found = Index.build(source, out, model, name or "", settings, approximate, overwrite)
    assert found.report is not None, "build makes one"
    for line in found.report.lines():
        print(printable(line))
    print(printable(f"wrote {out}; try: lingon search {shlex.quote(str(out))} 'your words'"))


def _kept(out: Path) -> dict[str, Any]:
    """Return what the manifest of the index that is there says; nothing where there is none."""
    from lingon.search.store import is_index, read_manifest

    return read_manifest(out) if is_index(out) else {}


def _settings(kept: Any, sizes: dict[str, Any], skip: bool, files: Files) -> "ReadSettings":
    """Return the settings that were given, and for the others those of the index that is there."""
    from lingon.search.documents import ReadSettings

    given = {key: value for key, value in sizes.items() if value is not None}
    if isinstance(kept, dict):
        given = {key: kept[key] for key in sizes if key in kept} | given
        if not files.given and isinstance(kept.get("encoding"), str) and isinstance(kept.get("quoting"), str):
            files = Files(kept["encoding"], kept["quoting"])
    tokens, overlap = given.get("passage_tokens"), given.get("passage_overlap")
    if isinstance(tokens, int) and overlap is None:
        given["passage_overlap"] = min(ReadSettings.passage_overlap, tokens // 5)
    return ReadSettings(**given, skip=skip, options=files)


def tell_stale(stale: dict[str, str], source: str, out: Path) -> None:
    """Say on stderr which of the files that were found have changed since they were indexed."""
    if stale:
        which = ", ".join(f"{path} ({what})" for path, what in list(stale.items())[:3])
        more = f" and {len(stale) - 3} more" if len(stale) > 3 else ""
        inside = Path(source).is_relative_to(Path.cwd()) and Path.cwd() != Path("/")
        source = os.path.relpath(source) if inside else source
        again = f"lingon index {shlex.quote(source)} --out {shlex.quote(str(out))}"
        line = f"changed since they were indexed: {which}{more}; index again: {again}"
        print(printable(line), file=sys.stderr)
