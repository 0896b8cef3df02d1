"""lingon predict: texts in, predictions out."""

import sys
from typing import Annotated

import typer

from lingon.cli import decode_options as decoding
from lingon.cli.corpus_options import BadRow
from lingon.cli.generate_options import Device
from lingon.cli.load_task import Head, Precision, load_for, with_options
from lingon.cli.predict_options import File, Format, Out, Page, System, To, Words
from lingon.cli.text_options import Overwrite, Texts
from lingon.core.errors import UserError
from lingon.pages.page import keep_other_files
from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, TextPair, bad_rows, one_column

OUT_OF_FILE = "--out writes the table of --file back, without --words and --format; its ending says the format"


def predict(
    context: typer.Context,
    bundle: Annotated[str, typer.Argument(help="Trained model: a bundle, a run folder, or hf:owner/name.")],
    texts: Texts = None,
    file: File = None,
    text: TextColumn = None,
    text_pair: TextPair = None,
    out: Out = None,
    overwrite: Overwrite = False,
    on_bad_row: BadRow = "stop",
    encoding: Encoding = "utf-8",
    quoting: Quoting = "auto",
    format: Format = "text",
    words: Words = False,
    page: Page = None,
    to: To = None,
    system: System = None,
    beams: decoding.Beams = None,
    length_penalty: decoding.LengthPenalty = None,
    max_new_tokens: decoding.MaxNewTokens = None,
    temperature: decoding.Temperature = None,
    top_k: decoding.TopK = None,
    top_p: decoding.TopP = None,
    seed: decoding.Seed = 0,
    device: Device = "cpu",
    precision: Precision = "float32",
    head: Head = None,
) -> None:
    """Predict of texts or images: of arguments, rows of a table, lines of a file or standard input."""
    from lingon.cli.predict import ForPage, check_format, lines_of, predict_lines, show, tell_blank
    from lingon.cli.predict_file import source_of, write_scored
    from lingon.cli.predict_images import (
        predict_images,
        reads_images,
        reads_questions_on_images,
        refuse_images,
        refuse_text_options,
    )
    from lingon.cli.prediction_files import TextsFile

    check_format(format)
    if page:
        keep_other_files(page)  # before minutes of work
    if texts and file:
        raise UserError("give texts or --file, not both")
    named = file is not None and str(file) != "-"
    if out and ((not named and not texts) or words or format != "text"):
        raise UserError(OUT_OF_FILE)
    files = Files(encoding, quoting)
    if (text or text_pair) and not named:
        flag = "--text" if text else "--text-pair"
        raise UserError(f"{flag} is a column of the table that --file names; texts alone have none")
    given = decoding.given_decoding(context)
    task = decoding.with_decoding(load_for("predict", bundle, device, head, precision), bundle, given)
    if reads_images(task):
        refuse_text_options(bundle, file=file, text=text, text_pair=text_pair, words=words, to=to, system=system)
        predict_images(task, texts, bundle, format, page, out, overwrite, bad_rows(on_bad_row) == "skip")
        return
    if reads_questions_on_images(task):
        refuse_text_options(bundle, text=text, text_pair=text_pair, words=words, to=to, system=system)
    else:
        refuse_images(bundle, texts)
    if out and not named:
        raise UserError(OUT_OF_FILE)
    task = with_options(task, bundle, {"to": to, "system": system})
    check_format(format, task)
    tell_blank(texts)
    column = one_column(text)
    source = source_of(task, file, column, on_bad_row, files, text_pair) if file is not None and named else None
    if isinstance(source, TextsFile) and getattr(task, "text_pair", False) != (text_pair is not None):
        hint = "reads single texts; leave --text-pair out" if text_pair else "reads pairs; give --text-pair too"
        raise UserError(f"{bundle!r} {hint}")
    for_page = ForPage(task, page, bundle) if page else None
    if out and source:
        print(write_scored(task, source, out, overwrite, for_page))
    else:
        inputs = (one for one, _ in source.rows()) if source else texts or lines_of(None)
        for line in predict_lines(task, inputs, format, words, sys.stdout.isatty(), for_page):
            show(line)
    if for_page:
        for_page.write()
