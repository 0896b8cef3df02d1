"""lingon predict: texts in, predictions out."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lingon.cli.corpus_options import BadRow
from lingon.cli.generate_options import Device
from lingon.cli.load_task import Head, load_for, with_options
from lingon.cli.text_options import Overwrite, Texts
from lingon.core.errors import UserError
from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, TextPair, one_column


def predict(
    bundle: Annotated[str, typer.Argument(help="Trained model: a bundle, a run folder, or hf:owner/name.")],
    texts: Texts = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "--data",
            help="Table (csv, jsonl, parquet ...) or a file with one text per line; - is standard input. A file of "
            "yours, without labels; a corpus goes to lingon evaluate.",
        ),
    ] = None,
    text: TextColumn = None,
    text_pair: TextPair = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Output table: the rows of --file with the predictions, as .csv, .tsv, .jsonl or .parquet."),
    ] = None,
    overwrite: Overwrite = False,
    on_bad_row: BadRow = "stop",
    encoding: Encoding = "utf-8",
    quoting: Quoting = "auto",
    format: Annotated[
        str, typer.Option(help="Output format: text (default) or jsonl; of words in sentences also conllu or conll.")
    ] = "text",
    words: Annotated[
        bool,
        typer.Option("--words", help="Print the words with the largest saliency."),
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option(help="Write an .html page: of 20 texts attributions and attention maps; of a tagger its tags."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Label, or style, that a rewriter writes. Default: the other than the text's.")
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="How a rewriter writes: retrieve, template, delete or delete-retrieve (default)."),
    ] = None,
    device: Device = "cpu",
    head: Head = None,
) -> None:
    """Predict labels of texts, or continuations: of arguments, rows of a table, lines of a file or standard input."""
    from lingon.cli.predict import check_format, lines_of, predict_lines, show, tell_blank, write_page
    from lingon.cli.predict_file import TextsFile, source_of, write_scored

    check_format(format)
    if texts and file:
        raise UserError("give texts or --file, not both")
    named = file is not None and str(file) != "-"
    if out and (not named or words or format != "text"):
        raise UserError(
            "--out writes the table of --file back, without --words and --format; its ending says the format"
        )
    files = Files(encoding, quoting)
    if (text or text_pair) and not named:
        flag = "--text" if text else "--text-pair"
        raise UserError(f"{flag} is a column of the table that --file names; texts alone have none")
    task = with_options(load_for("predict", bundle, device, head), bundle, {"to": to, "system": system})
    check_format(format, task)
    tell_blank(texts)
    source = (
        source_of(task, file, one_column(text), on_bad_row, files, text_pair) if file is not None and named else None
    )
    if isinstance(source, TextsFile) and getattr(task, "text_pair", False) != (text_pair is not None):
        hint = "reads single texts; leave --text-pair out" if text_pair else "reads pairs; give --text-pair too"
        raise UserError(f"{bundle!r} {hint}")
    if out and source:
        print(write_scored(task, source, out, overwrite))
        return
    given: Any = (one for one, _ in source.rows()) if source else texts or lines_of(None)
    if page:
        given = list(given)
        print(f"wrote {write_page(task, given, page, bundle)}", file=sys.stderr)
    for line in predict_lines(task, given, format, words, sys.stdout.isatty()):
        show(line)
