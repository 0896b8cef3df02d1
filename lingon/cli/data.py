"""lingon data: list, download and inspect corpora and your own files."""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from lingon.cli.corpus_options import Accept, BadRow, Label
from lingon.cli.plain_typer import plain_typer
from lingon.core.terminal import printable
from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, bad_rows, one_column
from lingon.recipes.parallel_settings import SourceLang, Target, TargetLang

app = plain_typer("List, download and inspect corpora and your own files.")


@app.command("list")
def data_list() -> None:
    """List the corpora: contents, licence, and whether they are cached."""
    from lingon.data.list_data import groups, list_rows, list_table

    print(f"{list_table(list_rows())}\n\n{groups()}")


@app.command("get")
def data_get(
    names: Annotated[list[str], typer.Argument(help="Names of corpora, or all.")], accept_licence: Accept = False
) -> None:
    """Download corpora into the cache, for offline use."""
    from lingon.data.list_data import get

    for name in names:
        print(get(name, accept_licence))


@app.command("mirror")
def data_mirror(
    folder: Annotated[Path, typer.Argument(help="Folder to fill; LINGON_MIRROR names it afterwards.")],
    names: Annotated[list[str] | None, typer.Argument(help="Names of `lingon data list`. Default: all.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--list", help="Print sizes and licences; download nothing.")
    ] = False,
    accept_licence: Accept = False,
) -> None:
    """Download data into a folder for machines without network access (classrooms, firewalls)."""
    from lingon.data.mirror_folder import entries_of, fill_mirror, left_out, list_mirror

    wanted = names or ["all"]
    entries = entries_of(wanted, accept_licence)
    for line in chain(left_out(wanted, entries), (list_mirror if dry_run else fill_mirror)(folder, entries)):
        print(printable(line), flush=True)


@app.command("show")
def data_show(
    name: Annotated[str, typer.Argument(help="Corpus or file.")],
    text: TextColumn = None,
    label: Label = None,
    target: Target = None,
    source_lang: SourceLang = None,
    target_lang: TargetLang = None,
    samples: Annotated[int, typer.Option(help="Number of samples to print.")] = 3,
    on_bad_row: BadRow = "stop",
    encoding: Encoding = "utf-8",
    quoting: Quoting = "auto",
    accept_licence: Accept = False,
) -> None:
    """Show samples, label counts and a histogram of lengths; of parallel texts their languages and length ratios."""
    from lingon.data.preview import preview

    skips, files = bad_rows(on_bad_row), Files(encoding, quoting)
    languages = (source_lang, target_lang)
    print(preview(name, one_column(text), label, samples, skips, accept_licence, files, target, languages))
