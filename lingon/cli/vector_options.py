"""The options that all commands of `lingon vectors` share, and how they open and print."""

from typing import Annotated, Any

import typer

from lingon.core.errors import UserError, unknown
from lingon.core.strict_json import dumps
from lingon.core.terminal_columns import padded


def one_or_more(parameter: typer.CallbackParam, value: int | None) -> int | None:
    """Return a number as it is. Raises UserError for one below 1, before any file is opened."""
    if value is not None and value < 1:
        raise UserError(f"{parameter.opts[0]} is {value}; expected 1 or more")
    return value


VectorsName = Annotated[
    str,
    typer.Option("--vectors", help="Name (lingon data list), or a file of word2vec, GloVe, fastText or Lingon."),
]
Missing = Annotated[
    str | None,
    typer.Option(
        help="Out-of-vocabulary words: error, zero, subwords, or unknown=WORD. Default: subwords if the file has them."
    ),
]
BadLine = Annotated[str, typer.Option(help="A malformed line: stop (default) or skip it.")]
Count = Annotated[int, typer.Option("--count", "-k", help="Number of neighbours or answers.", callback=one_or_more)]
Frequent = Annotated[
    int | None,
    typer.Option(help="Only the N most frequent words (the first N of the file).", callback=one_or_more),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Overwrite an existing output file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
GLOVE = "glove-6b-50d"


def open_vectors(source: str, missing: str | None = None, on_bad_line: str = "stop") -> Any:
    """Open vectors by name or file, with the chosen handling of out-of-vocabulary words."""
    from lingon.word_vectors.word_vectors import WordVectors, subword_vector, unknown_word, zero_vector

    rules = {"zero": zero_vector, "subwords": subword_vector, "error": None}
    if missing is None or missing in rules:
        found = WordVectors.open(source, None if missing is None else rules[missing], on_bad_line)
        if missing == "error":
            found.missing = None  # also for files whose own rule is their parts of words
        if missing == "subwords" and found.parts is None:
            raise UserError(f"{source}: has no subword vectors, as fastText files (.bin) do")
        return found
    if not missing.startswith("unknown="):
        raise unknown("rule for missing words", missing, [*rules, "unknown=WORD"])
    found = WordVectors.open(source, unknown_word(missing.removeprefix("unknown=")), on_bad_line)
    if missing.removeprefix("unknown=") not in found:
        raise UserError(found.lacks(missing.removeprefix("unknown=")))
    return found


def print_scores(found: list[tuple[str, float]], as_json: bool, **asked: object) -> None:
    """Print words with a score each."""
    if as_json:
        print(dumps(asked | {"found": [[word, round(x, 6)] for word, x in found]}))
        return
    for word, number in found:
        print(f"  {padded(word, 24)} {number:.4f}")
