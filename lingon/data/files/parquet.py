"""Reads parquet files a few rows at a time: if values repeat, the rows may be a million times larger than the file."""

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError
from lingon.data.files.archives import MOST_RATIO
from lingon.data.files.lines import BROKEN, GRACE, is_compressed, read_decompressed
from lingon.data.files.row import TableRow

ROWS = 1024  # read at a time, or fewer if they are large
ROOM = 32 << 20  # bytes that the rows read at a time may take
PYTHON = 50  # bytes of a short Python str


def parquet_rows(path: Path, only: list[str] | None = None) -> Iterator[TableRow]:
    """Read the rows of a parquet file. only: columns that are needed.

    Raises DataError for a file that is damaged, has two columns of one name, or grows more than MOST_RATIO-fold.
    """
    import pyarrow as pa

    number = 0
    try:
        for batch in record_batches(path, only):
            for values in batch.to_pylist():
                number += 1
                yield TableRow(f": row {number}", values)
    except DataError:
        raise
    except (pa.ArrowException, ValueError, OverflowError, *BROKEN) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"{path}: cannot be read as parquet after row {number:,}; is it whole? ({reason})") from None


def record_batches(path: Path, only: list[str] | None = None) -> Iterator[Any]:
    """Yield the rows of a parquet file as record batches of pyarrow, none of them much larger than ROOM."""
    import pyarrow.parquet as pq

    whole = read_decompressed(path) if is_compressed(path) else None
    source = lambda: path if whole is None else io.BytesIO(whole)
    size, grown = path.stat().st_size if whole is None else len(whole), 0
    with pq.ParquetFile(source()) as file:
        names = file.schema_arrow.names
        _refuse_twice(path, names)
        columns = names if only is None else [name for name in names if name in only]
        for group in range(file.num_row_groups):
            rows = _rows_at_once(path, source(), file, group, columns, size)
            for batch in file.iter_batches(rows, row_groups=[group], columns=columns):
                batch = _decoded(batch)
                grown += batch.nbytes + PYTHON * batch.num_rows * len(columns)
                _refuse_bomb(path, grown, size)
                yield batch


def _rows_at_once(path: Path, source: Any, file: Any, group: int, columns: list[str], size: int) -> int:
    """Return how many rows fit into ROOM, judged by the longest value in the dictionaries of a row group."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    parts = file.metadata.row_group(group)
    chunks = [parts.column(i) for i in range(parts.num_columns)]
    chunks = [chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] in columns]
    _refuse_bomb(path, sum(max(0, chunk.total_uncompressed_size) for chunk in chunks), size)
    if any("DELTA_BYTE_ARRAY" in chunk.encodings for chunk in chunks):  # each value may repeat the one before
        return 8
    longest = 1
    kinds = {field.name: getattr(field.type, "value_type", field.type) for field in file.schema_arrow}
    texts = {name for name, kind in kinds.items() if pa.types.is_string(kind) or pa.types.is_binary(kind)}
    repeated = [c.path_in_schema for c in chunks if c.path_in_schema in texts and c.has_dictionary_page]
    if repeated and parts.num_rows:
        with pq.ParquetFile(source, read_dictionary=repeated) as peek:
            batch = next(peek.iter_batches(1, row_groups=[group], columns=repeated))
        for column in batch.columns:
            if pa.types.is_dictionary(column.type) and len(column.dictionary):
                longest = max(longest, pc.max(pc.binary_length(column.dictionary)).as_py() or 1)
    return max(1, min(ROWS, ROOM // longest))


def _decoded(batch: Any) -> Any:
    """Return a batch without dictionaries (the categories of pandas), so that its size is that of its values."""
    import pyarrow as pa

    columns = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _refuse_twice(path: Path, names: list[str]) -> None:
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise DataError(f"{path}: two columns have the name {name[:80]!r}")


def _refuse_bomb(path: Path, grown: int, size: int) -> None:
    if grown > GRACE and grown > MOST_RATIO * size:
        raise DataError(
            f"{path}: grows more than {MOST_RATIO}-fold when read; refused as a bomb; if it is what you want, "
            "write it as csv or jsonl and give that"
        )
