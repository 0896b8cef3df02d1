"""What the training of a language model says at its end."""

from pathlib import Path
from typing import Any

from lingon.core.terminal import printable
from lingon.metrics.names import shown


def summary(record: dict[str, Any], folder: Path, language: Any) -> str:
    """Scores, times, a few lines that the model wrote, and what to try next."""
    test, seconds = record["test"], record["seconds"]
    scores = ", ".join(f"{name.replace('_', ' ')} {shown(value, '.4g')}" for name, value in test.items())
    where = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    written = printable("The" + language.write("The", tokens=60, temperature=0.8), lines=True)
    return "\n".join(
        [
            f"\nheld-out text: {scores}",
            f"time: {where}",
            f"\nit writes: {written}",
            f"\ncurves: {folder / 'curves.html'}\nbundle: {folder / 'bundle'}",
            f"try next: lingon generate {folder} --prompt 'The day was'",
        ]
    )
