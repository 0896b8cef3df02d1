"""python -m gallery: list the exhibits, make one, or make a page of those that are made."""

import shlex
import subprocess
import sys
from html import escape
from os.path import relpath
from pathlib import Path

from gallery import FOLDER, Exhibit, exhibits
from lingon.core.errors import suggest
from lingon.core.files import atomic_write


def main(words: list[str]) -> int:
    """Do what the words of the command line say; return the exit code."""
    rows = exhibits()
    if not words:
        for name, row in rows.items():
            print(f"{name:10} {row.title} (about {row.minutes} min)")
        return 0
    for name in words:
        if name == "index":
            print(f"wrote {write_index(rows)}")
        elif name not in rows:
            print(f"gallery: there is no exhibit {name!r}; {suggest(name, [*rows, 'index'])}", file=sys.stderr)
            return 2
        elif code := make(rows[name]):
            return code
    return 0


def make(row: Exhibit) -> int:
    """Run the commands of an exhibit; return the exit code of the first that fails."""
    for command in row.commands:
        print(f"$ {command}", flush=True)
        if code := subprocess.run([sys.executable, "-m", *shlex.split(command)]).returncode:
            return code
    print(f"made {row.picture}")
    return 0


def write_index(rows: dict[str, Exhibit]) -> Path:
    """Write a page that links what is made and says how the rest is."""
    path = Path(FOLDER) / "index.html"
    parts = []
    for name, row in rows.items():
        made = Path(row.picture).is_file()
        title, text = escape(row.title), escape(row.text)
        if made:
            title = f'<a href="{escape(relpath(row.picture, FOLDER))}">{title}</a>'
        else:
            text += f" <i>Not made yet; it takes about {row.minutes} min.</i>"
        commands = escape("\n".join([*row.commands, f"# or: python -m gallery {name}"]))
        parts.append(f"<h2>{title}</h2><p>{text}</p><pre>{commands}</pre>")
    path.parent.mkdir(parents=True, exist_ok=True)
    style = (
        ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;"
        "padding:0 1rem}pre{white-space:pre-wrap;background:#8882;border-radius:.4rem;padding:.5rem .8rem}"
    )
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Gallery</title><style>{style}</style>'
    with atomic_write(path) as file:
        file.write(f"{head}<h1>Gallery</h1>{''.join(parts)}</html>\n")
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
