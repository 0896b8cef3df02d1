"""lingon embed: the vectors of texts, printed or as a file."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from lingon.cli.generate_options import Device
from lingon.cli.load_task import Precision
from lingon.cli.text_options import Overwrite, Texts
from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, unknown
from lingon.core.strict_json import dumps
from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, one_column

AT_ONCE = 4096  # texts that are encoded together
ENDINGS = (".npy", ".parquet", ".jsonl")


def embed(
    encoder: Annotated[str, typer.Argument(help="Encoder: a name (lingon data list), a folder or hf:owner/name.")],
    texts: Texts = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "--file",
            help="Table (csv, jsonl, parquet ...) or a file with one text per line; - is standard input. Your own "
            "file, not a corpus.",
        ),
    ] = None,
    text: TextColumn = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Output: .npy (float32, a row per text), .parquet or .jsonl (rows with a column vector)."),
    ] = None,
    overwrite: Overwrite = False,
    on_bad_row: Annotated[str, typer.Option(help="A malformed row: stop (default) or skip it.")] = "stop",
    encoding: Encoding = "utf-8",
    quoting: Quoting = "auto",
    device: Device = "cpu",
    precision: Precision = "float32",
) -> None:
    """Embed texts as vectors: printed as JSON, or written as .npy, .parquet or .jsonl."""
    from lingon.cli.predict import as_they_come, lines_of, tell_blank
    from lingon.cli.prediction_files import TextsFile
    from lingon.cli.text_encoder import load_encoder

    if texts and data:
        raise UserError("give texts or --data, not both")
    data = None if str(data) == "-" else data
    if text and data is None:
        raise UserError("--text is a column of the table that --data names; texts alone have none")
    if out:
        _check(out, data, overwrite)
    source = None if data is None else TextsFile.of(data, one_column(text), on_bad_row, Files(encoding, quoting))
    model = load_encoder(encoder, device, precision)
    tell_blank(texts, "its vector")
    if out:
        rows = source.rows() if source else ((one, {"text": one}) for one in texts or lines_of(None))
        print(_write(model, rows, out))
        return
    given = (one for one, _ in source.rows()) if source else texts or lines_of(None)
    for group in as_they_come(given):
        for one, vector in zip(group, model.encode(group).tolist(), strict=True):
            print(dumps({"text": one, "vector": vector}), flush=True)


def _check(out: Path, data: Path | None, overwrite: bool) -> None:
    """Raise UserError for a file of vectors that cannot be written, before any work."""
    from lingon.data.files.table_writer import check_output

    if out.suffix not in ENDINGS:
        raise unknown("ending of vectors", out.suffix or out.name, ENDINGS)
    check_output(out, data, overwrite)


def _write(model: Any, rows: Iterable[tuple[str, dict[str, Any]]], out: Path) -> str:
    """Write the vectors of texts, a group at a time; return a line on it."""
    import numpy as np

    from lingon.core.files import atomic_write
    from lingon.data.files.table_writer import table_writer

    groups = _encoded(model, iter(rows))
    if out.suffix == ".npy":
        found = [vectors for _, vectors in groups]
        matrix = np.concatenate(found) if found else np.zeros((0, 0), np.float32)
        if not len(matrix):
            raise DataError("there is no text to embed")
        with atomic_write(out, "wb") as file:
            np.save(file, matrix, allow_pickle=False)
        return f"wrote {out}: {counted(len(matrix), 'vector')} of width {matrix.shape[1]}"
    count = width = 0
    with table_writer(out) as write:
        for group, vectors in groups:
            if any("vector" in row for row in group):
                raise DataError("the table has a column 'vector' already; rename it")
            as_cells = list(vectors) if out.suffix == ".parquet" else vectors.tolist()
            write([row | {"vector": cell} for row, cell in zip(group, as_cells, strict=True)])
            count, width = count + len(group), vectors.shape[1]
        if not count:
            raise DataError("there is no text to embed")
    return f"wrote {out}: {counted(count, 'row')} with vectors of width {width}"


def _encoded(model: Any, rows: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[list[dict[str, Any]], Any]]:
    while group := list(islice(rows, AT_ONCE)):
        yield [row for _, row in group], model.encode([text for text, _ in group]).astype("float32")
