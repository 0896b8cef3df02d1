"""Draw what a first run prints: `python scripts/first_success.py` trains, and writes docs/first-success.svg."""

import html
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "first-success.svg"
RUN = ["lingon", "train", "sentiment"]
ASK = ["lingon", "predict", "runs/sentiment", "A warm, clever film.", "--words"]
# Pixels: of a letter of 14 px in any monospaced font, of a line, and around the text.
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
LETTER, LINE, MARGIN = 8.6, 20, 18


def main() -> None:
    """Train, ask, and draw both."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [*session(RUN, excerpt(output(RUN, folder))), "", *session(ASK, output(ASK, folder))]
    PICTURE.write_text(picture(lines), encoding="utf-8")


def output(command: list[str], folder: str | Path) -> list[str]:
    """The lines that a command of Lingon prints. Raises CalledProcessError when it fails."""
    words = [sys.executable, "-m", *command]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout.strip().splitlines()


def excerpt(lines: list[str]) -> list[str]:
    """Scores, time, files and the sentences: all but the reviews, which are other people's."""
    scores = lines[: next(n for n, line in enumerate(lines) if line.startswith("bundle:")) + 1]
    begin = next(n for n, line in enumerate(lines) if line.startswith("Your sentences"))
    return [*scores, "...", *lines[begin : begin + 4]]


def session(command: list[str], lines: list[str]) -> list[str]:
    """A command as it is typed, and what it printed."""
    return ["$ " + " ".join(f'"{word}"' if " " in word else word for word in command), *lines]


def picture(lines: list[str]) -> str:
    """A terminal as an SVG: dark on any page, without a font or a script from elsewhere."""
    width, height = 2 * MARGIN + LETTER * max(map(len, lines)), 2 * MARGIN + LINE * len(lines)
    rows = "\n".join(row(line, MARGIN + LINE * (n + 0.7)) for n, line in enumerate(lines) if line)
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">
<title>A terminal: a classifier is trained on film reviews and tested, then asked about sentences</title>
<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>
<g font-family="{FONT}" font-size="14" fill="#d6dbe1">
{rows}
</g>
</svg>
"""


def row(line: str, y: float) -> str:
    """One line of text; a command is green. textLength keeps columns under each other in any font."""
    color = ' fill="#7ee2a0"' if line.startswith("$ ") else ""
    length = f'textLength="{LETTER * len(line):.1f}" lengthAdjust="spacingAndGlyphs"'
    return (
        f'<text x="{MARGIN}" y="{y:.1f}" {length} xml:space="preserve"{color}>{html.escape(line, quote=False)}</text>'
    )


if __name__ == "__main__":
    main()
