"""The options of `lingon translate`, and which of them exclude or need each other."""

from pathlib import Path
from typing import Annotated

import typer

from lingon.cli.generate_options import OptionalFloat

SHOWN = 50  # texts whose translations are kept for a page

TranslatorSource = Annotated[
    str, typer.Argument(help="Trained translator: a bundle, a run folder, a checkpoint, or hf:owner/name.")
]
TextsFile = Annotated[
    Path | None, typer.Option(help="File with one text per line, or a table (csv, jsonl ...); - is standard input.")
]
TranslationsFile = Annotated[
    Path | None,
    typer.Option(
        help="File for the translations of --file: a line for each, or a table by its ending (.csv, .tsv, .jsonl)."
    ),
]
Beams = Annotated[
    int | None, typer.Option(help="Beam search: number of beams; 1 is greedy. Default: 4, or a published model's own.")
]
LengthPenalty = Annotated[
    OptionalFloat,
    typer.Option(
        help="Beam search: exponent of the length penalty; 0 is none, larger values favour longer texts. "
        "Default: 0.6, or a published model's own."
    ),
]
NBest = Annotated[
    int,
    typer.Option(
        help="Number of translations of each text, best first; at most --beams, which defaults to this number."
    ),
]
MaxNewTokens = Annotated[
    int | None,
    typer.Option(
        help="Maximum number of tokens. Default: twice the source length plus 32, or a published model's own."
    ),
]
Temperature = Annotated[
    OptionalFloat, typer.Option(help="Sample with this temperature instead of beam search; 0 is greedy.")
]
Prefix = Annotated[str, typer.Option(help="Text that every translation begins with.")]
SourcePrefix = Annotated[
    str, typer.Option(help='Text before every source, as T5 needs it: "translate English to German: ".')
]
SourceLang = Annotated[
    str | None, typer.Option(help="Source language, for multilingual models (mBART, M2M100, NLLB), such as eng_Latn.")
]
TargetLang = Annotated[str | None, typer.Option(help="Target language, for multilingual models, such as deu_Latn.")]
TermsFile = Annotated[
    Path | None,
    typer.Option(help="Glossary file; each line: a term, a tab, and the translation that must be used for it."),
]
CopyUnknown = Annotated[
    bool,
    typer.Option("--copy-unknown", help="Copy out-of-vocabulary words from the source, by attention."),
]
Format = Annotated[str, typer.Option(help="Output format: text (default) or jsonl.")]
Page = Annotated[
    Path | None, typer.Option(help=f"Write an .html page of the first {SHOWN} texts: n-best lists and attention maps.")
]

EXCLUDES = {"temperature": (("beams", "length_penalty"), "sampling takes the place of beam search")}
NEEDS = {"top_k": "temperature", "top_p": "temperature"}
