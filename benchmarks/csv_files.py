"""Texts with labels as a csv file, as a user has them."""

import csv
from pathlib import Path

from lingon.data.examples import Examples


def write_csv(path: Path, examples: Examples) -> str:
    """Write the columns text and label; return the path."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(zip(examples.texts, examples.labels, strict=True))
    return str(path)
