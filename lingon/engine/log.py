"""The log of a run: metrics.jsonl, one JSON object per line; tables, charts and TensorBoard files are made from it."""

import json
import os
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, UserError
from lingon.core.optional_packages import install_command
from lingon.core.strict_json import dumps

FILE = "metrics.jsonl"


class MetricsLog:
    """Appends rows to metrics.jsonl, each with a single write."""

    def __init__(self, folder: Path):
        self.path = Path(folder) / FILE

    def append(self, row: dict[str, Any]) -> None:
        """Append one row. Numbers that are not finite are written as null, which every JSON parser accepts."""
        with open(self.path, "a", encoding="utf-8", newline="\n") as file:
            file.write(dumps(row) + "\n")

    def length(self) -> int:
        """Return the length of the file in bytes, after flushing it to the disk."""
        if not self.path.exists():
            return 0
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())
            return os.fstat(file.fileno()).st_size

    def cut(self, length: int) -> None:
        """Cut off everything after the first `length` bytes, and then an incomplete last line."""
        if not self.path.exists():
            return
        with open(self.path, "rb+") as file:
            kept = file.read(length)
            file.truncate(kept.rfind(b"\n") + 1)


def read_metrics(folder: str | Path) -> list[dict[str, Any]]:
    """Return the rows of a run folder's metrics.jsonl: step, epoch, time (seconds) and whatever was logged.

    An incomplete last line, left by a killed run, is skipped. Raises UserError when there is no such file,
    DataError with file and line when it is invalid.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        raise UserError(f"{str(folder)!r} holds no {FILE}; it is not the folder of a run")
    rows = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: not JSON ({error})") from None
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: not a JSON object")
        rows.append(row)
    return rows


def to_tensorboard(folder: str | Path, out: str | Path) -> int:
    """Write the log of a run as TensorBoard events into the folder `out`; return the number of values written."""
    rows = read_metrics(folder)
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError(f"TensorBoard is not installed: {install_command('tensorboard')}") from None
    count = 0
    with SummaryWriter(str(out)) as writer:
        for row in rows:
            for name, value in row.items():
                if name not in ("step", "time") and isinstance(value, (int, float)):
                    writer.add_scalar(name, value, row["step"])
                    count += 1
    return count
