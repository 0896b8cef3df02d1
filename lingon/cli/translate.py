"""lingon translate: texts of one language, or style, become texts of another."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lingon.cli import generate_options as options
from lingon.cli import translate_options as own
from lingon.cli.corpus_options import BadRow
from lingon.cli.load_task import Head, Precision, load_for
from lingon.cli.option_rules import check_together
from lingon.cli.text_options import Overwrite, Texts
from lingon.core.errors import UserError, unknown
from lingon.pages.page import check_page_path
from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, one_column

if TYPE_CHECKING:
    from lingon.tasks.translate import Translation

FORMATS = ("text", "jsonl")


def translate(
    context: typer.Context,
    bundle: own.TranslatorSource,
    texts: Texts = None,
    file: own.TextsFile = None,
    text: TextColumn = None,
    out: own.TranslationsFile = None,
    overwrite: Overwrite = False,
    on_bad_row: BadRow = "stop",
    beams: own.Beams = None,
    n_best: own.NBest = 1,
    length_penalty: own.LengthPenalty = None,
    max_new_tokens: own.MaxNewTokens = None,
    temperature: own.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    prefix: own.Prefix = "",
    source_prefix: own.SourcePrefix = "",
    source_lang: own.SourceLang = None,
    target_lang: own.TargetLang = None,
    terms: own.TermsFile = None,
    copy_unknown: own.CopyUnknown = False,
    precision: Precision = "float32",
    format: own.Format = "text",
    page: own.Page = None,
    encoding: Encoding = "utf-8",
    quoting: Quoting = "auto",
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    head: Head = None,
) -> None:
    """Translate texts: arguments, the lines of a file in their order, a table's texts, or standard input."""
    check_together(context, own.EXCLUDES, own.NEEDS)
    _check(texts, file, text, out, n_best, format, page)
    from lingon.cli.translate_output import given_texts, output_lines, texts_file, translated, write_file
    from lingon.cli.translate_params import changes_of, length_changes, text_changes, with_changes

    files = Files(encoding, quoting)
    changes = changes_of(beams, n_best, temperature, top_k, top_p, seed)
    changes |= text_changes(prefix, source_prefix, copy_unknown, terms, files)
    changes |= length_changes(length_penalty, max_new_tokens)
    with_changes(None, changes)  # so that wrong ones are said before a model is loaded
    translator = load_for("translate", bundle, device, head, precision)
    params = with_changes(translator, changes)
    if source_lang or target_lang:
        translator = translator.with_languages(source_lang, target_lang)
    path = named(file)
    source = texts_file(translator, path, one_column(text), on_bad_row, files) if path else None
    if out:
        print(write_file(translator, params, source, out, overwrite, files))
        return
    kept: list[list[Translation]] = []
    for found in translated(translator, params, given_texts(source, texts)):
        if len(kept) < own.SHOWN:
            kept.append(found)
        for line in output_lines(found, format):
            print(line, flush=True)
    if page:
        from lingon.tasks.translate.page import write_translations

        print(f"wrote {write_translations(page, translator, kept, Path(bundle).name)}", file=sys.stderr)


def named(file: Path | None) -> Path | None:
    """Return the file of texts; None for standard input."""
    return None if file is None or str(file) == "-" else file


def _check(
    texts: list[str] | None,
    file: Path | None,
    text: list[str] | None,
    out: Path | None,
    n_best: int,
    format: str,
    page: Path | None,
) -> None:
    """Raise UserError for options that exclude or need each other."""
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if texts and file:
        raise UserError("give texts or --file, not both")
    if out and (not named(file) or format != "text" or page or n_best > 1):
        raise UserError("--out writes the translations of --file, one each, without --n-best, --format and --page")
    if text and not named(file):
        raise UserError("--text is a column of the table that --file names; texts alone have none")
    if page:
        check_page_path(page)
