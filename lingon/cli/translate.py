"""lingon translate: texts of one language, or style, become texts of another."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lingon.cli import generate_options as options
from lingon.cli import translate_options as own
from lingon.cli.load_task import Head, load_for
from lingon.cli.option_rules import check_together
from lingon.cli.text_options import Overwrite, Texts
from lingon.core.errors import UserError, unknown
from lingon.core.strict_json import dumps
from lingon.pages.page import check_page_path
from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, one_column

if TYPE_CHECKING:
    from lingon.tasks.translate import Translation, TranslationParams

FORMATS = ("text", "jsonl")


def translate(
    context: typer.Context,
    bundle: own.TranslatorSource,
    texts: Texts = None,
    file: own.TextsFile = None,
    text: TextColumn = None,
    out: own.TranslationsFile = None,
    overwrite: Overwrite = False,
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
    from lingon.cli.translate_params import changes_of, with_changes
    from lingon.tasks.translate import Terms

    files = Files(encoding, quoting)
    given: dict[str, Any] = {
        "length_penalty": length_penalty,
        "max_new_tokens": max_new_tokens,
        "prefix": prefix or None,
    }
    given |= {"source_prefix": source_prefix or None, "copy_unknown": copy_unknown or None}
    given |= {"terms": None if terms is None else Terms.read(terms, files)}
    changes = changes_of(beams, n_best, temperature, top_k, top_p, seed)
    changes |= {name: value for name, value in given.items() if value is not None}
    with_changes(None, changes)  # so that wrong ones are said before a model is loaded
    translator = load_for("translate", bundle, device, head)
    params = with_changes(translator, changes)
    if source_lang or target_lang:
        translator = translator.with_languages(source_lang, target_lang)
    if out and file:
        _write(translator, params, file, one_column(text), out, overwrite, files)
        return
    kept: list[list[Translation]] = []
    for found in _translated(translator, params, _texts(translator, texts, file, one_column(text), files)):
        if len(kept) < own.SHOWN:
            kept.append(found)
        for line in _lines(found, format):
            print(line, flush=True)
    if page:
        from lingon.tasks.translate.page import write_translations

        print(f"wrote {write_translations(page, translator, kept, Path(bundle).name)}", file=sys.stderr)


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
    named = file is not None and str(file) != "-"
    if out and (not named or format != "text" or page or n_best > 1):
        raise UserError("--out writes the translations of --file, one each, without --n-best, --format and --page")
    if text and not named:
        raise UserError("--text is a column of the table that --file names; texts alone have none")
    if page:
        check_page_path(page)


def _texts(
    translator: Any, texts: list[str] | None, file: Path | None, text: str | None, files: Files
) -> Iterable[str]:
    from lingon.cli.predict import lines_of
    from lingon.cli.predict_file import source_of

    if file is None or str(file) == "-":
        return texts or lines_of(None)
    return (one for one, _ in source_of(translator, file, text, "stop", files, None).rows())


def _translated(translator: Any, params: "TranslationParams", texts: Iterable[str]) -> Iterator[list["Translation"]]:
    """Yield the translations of each text in order: of a slow pipe at once, of a fast one many texts together."""
    from lingon.cli.predict import as_they_come
    from lingon.tasks.translate.translator import AT_ONCE

    for group in as_they_come(texts, AT_ONCE):
        yield from translator.n_best(group, params)


def _lines(found: list["Translation"], format: str) -> Iterator[str]:
    """Yield the lines of the translations of a text."""
    if format == "jsonl":
        for rank, one in enumerate(found, 1):
            yield dumps({**one.row(), **({"rank": rank} if len(found) > 1 else {})})
    elif len(found) == 1:
        yield str(found[0])
    else:
        yield from (f"{one.score:8.3f}  {one}" for one in found)


class _WithParams:
    """A translator with its parameters, as what writes tables asks for it; tells how far it is."""

    def __init__(self, translator: Any, params: "TranslationParams", bar: Any):
        self.name, self.translator, self.params, self.bar = translator.name, translator, params, bar

    def predict(self, inputs: list[str]) -> "list[Translation]":
        """Return the translation of each text."""
        return [some[0] for some in self.translator.n_best(inputs, self.params, self.bar.advance)]


def _write(
    translator: Any,
    params: "TranslationParams",
    file: Path,
    text: str | None,
    out: Path,
    overwrite: bool,
    files: Files,
) -> None:
    """Write the translations of a file: a line each, or a table with the rows of the file. Prints how many."""
    from lingon.cli.predict_file import source_of, write_scored
    from lingon.core.files import atomic_write
    from lingon.core.progress import track
    from lingon.data.files.table_rows import is_table
    from lingon.data.files.table_writer import check_output

    source: Any = source_of(translator, file, text, "stop", files, None)
    check_output(out, file, overwrite)
    total = sum(1 for _ in source.rows())
    with track(total, "translating", "text") as bar:
        task: Any = _WithParams(translator, params, bar)
        if is_table(out, files):
            said = write_scored(task, source, out, overwrite)
        else:
            with atomic_write(out) as lines:
                given = (one for one, _ in source.rows())
                for (found,) in translator.stream(given, params, advance=bar.advance):
                    lines.write(" ".join(found.translation.splitlines()) + "\n")
            said = f"{out}: {total:,} translations"
    print(said)
