"""lingon evaluate: the metrics of a trained model on examples, or two models compared on them."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lingon.cli.corpus_options import Accept, BadRow, Label
from lingon.cli.generate_options import Device
from lingon.cli.load_task import Head, Precision, load_for, refuse_option
from lingon.core.errors import UserError
from lingon.pages.page import keep_other_files
from lingon.recipes.boxes_settings import ImagesFolder
from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, TextPair, one_column
from lingon.recipes.parallel_settings import SourceLang, Target, TargetLang
from lingon.recipes.tagged_settings import TagColumn, TagScheme


def evaluate(
    bundle: Annotated[str, typer.Argument(help="Trained model: a bundle, a run folder, or hf:owner/name.")],
    data: Annotated[str, typer.Option(help="Corpus (lingon data list) or a file.")],
    other: Annotated[
        str | None, typer.Argument(help="A second model to compare with, including confidence intervals and p-values.")
    ] = None,
    text: TextColumn = None,
    label: Label = None,
    text_pair: TextPair = None,
    target: Target = None,
    source_lang: SourceLang = None,
    target_lang: TargetLang = None,
    column: TagColumn = None,
    images: ImagesFolder = None,
    tag_scheme: TagScheme = None,
    split: Annotated[
        str | None, typer.Option(help="train, valid, test or all. Default: test for a corpus, all for a file.")
    ] = None,
    on_bad_row: BadRow = "stop",
    encoding: Encoding = "utf-8",
    quoting: Quoting = "auto",
    cache: Annotated[
        bool, typer.Option("--cache", help="Neural cache of 2,000 states, for LSTM language models.")
    ] = False,
    device: Device = "cpu",
    precision: Precision = "float32",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    accept_licence: Accept = False,
    page: Annotated[
        Path | None,
        typer.Option(
            help="Write an .html page: confusions, examples, and what each layer of an encoder knows; of two models "
            "the examples on which they differ most."
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Encoder whose vectors say how alike a sentence and what a rewriter made of it are: minilm-l6, a "
            "folder or hf:owner/name. Default: that of --retrieve-by, if the rewriter was trained with one."
        ),
    ] = None,
    head: Head = None,
) -> None:
    """Evaluate a trained model on examples of its task; or compare two of them."""
    from lingon.recipes.read_examples import Asked, read_examples

    if page:
        keep_other_files(page)  # before minutes of work
    files, texts, languages = Files(encoding, quoting), one_column(text), (source_lang, target_lang)
    asked = Asked(
        data,
        split,
        texts,
        label,
        on_bad_row,
        files,
        accept_licence,
        text_pair,
        column,
        tag_scheme,
        target,
        languages,
        images,
    )
    task = load_for(None, bundle, device, head, precision)
    for given, flag, noun in ((cache, "--cache", "language model"), (encoder, "--encoder", "rewriter")):
        if given and other is not None:
            raise UserError(f"{flag} is for one {noun}; it is not available when two models are compared")
    if cache:
        refuse_option(task, bundle, "cache", "evaluate")
    if encoder:
        from lingon.cli.text_encoder import load_encoder

        refuse_option(task, bundle, "encoder", "with_encoder")
        task = task.with_encoder(load_encoder(encoder, device))
    examples = read_examples(task, asked)
    if other is None:
        _evaluate(task, examples, bundle, {"cache": True} if cache else {}, as_json, page)
        return
    from lingon.cli.compare import comparison_lines

    both = task, load_for(None, other, device, head, precision)
    print(*comparison_lines(both, examples, (bundle, other), as_json, page), sep="\n")


def _evaluate(task: Any, examples: Any, bundle: str, how: dict[str, bool], as_json: bool, page: Path | None) -> None:
    """Print the metrics of a task and write the page. how: what its `evaluate` takes besides."""
    from lingon.core.strict_json import dumps
    from lingon.tasks.task import Reporter

    reports = isinstance(task, Reporter)
    if page and reports:
        from lingon.interpret.page import probe_sections

        found = task.evaluate_with_page(examples, page, Path(bundle).name, probe_sections(task, examples))
    else:
        if page:
            from lingon.interpret.page import check_probed

            check_probed(examples)  # before minutes of work
        found = task.evaluate(examples, **how)
    print(dumps(found.row()) if as_json else "\n".join(found.lines()))
    if page:
        from lingon.interpret.page import write_probe_page

        written = page if reports else write_probe_page(page, task, examples, bundle)
        print(f"wrote {written}", file=sys.stderr)
