"""Where in the user's code an expression was written."""

import linecache
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

HERE = str(Path(__file__).parent)


@dataclass(frozen=True)
class SourceLine:
    """A file and a line in it."""

    file: str
    number: int

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.number).strip()
        said = f"{Path(self.file).name}:{self.number}"
        return f"{said}: {text[:160]}" if text else said


def caller_line() -> SourceLine | None:
    """Return the line of the nearest caller outside of this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return None if frame is None else SourceLine(frame.f_code.co_filename, frame.f_lineno)
