"""The options of `lingon predict`."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        "--data",
        help="Table (csv, jsonl, parquet ...) or a file with one text per line; - is standard input. Your own "
        "file, without labels; for a corpus use lingon evaluate.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Output table: the rows of --file with the predictions, as .csv, .tsv, .jsonl or .parquet."),
]
Format = Annotated[
    str, typer.Option(help="Output format: text (default) or jsonl; of words in sentences also conllu or conll.")
]
Words = Annotated[
    bool,
    typer.Option("--words", help="Print the most influential words."),
]
Page = Annotated[
    Path | None,
    typer.Option(help="Write an .html page: of 20 texts attributions and attention maps; of a tagger its tags."),
]
To = Annotated[
    str | None, typer.Option(help="Target style (label) of a rewriter. Default: the other one than the text's.")
]
System = Annotated[
    str | None,
    typer.Option(help="How a rewriter writes: retrieve, template, delete or delete-retrieve (default)."),
]
