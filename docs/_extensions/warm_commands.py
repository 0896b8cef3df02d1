"""Sphinx extension: the commands of the how-tos start at once; see `scripts/warm_lingon.py`.

While a site with such commands is built, the small program is the first `lingon` on the path. Where there is no fork,
nothing changes.
"""

import os
import tempfile
from pathlib import Path

from sphinx.application import Sphinx

from scripts.warm_lingon import start


def begin(app: Sphinx) -> None:
    """Start the process and put the small program first on the path, if there is a command to run."""
    pages = Path(app.srcdir).rglob("*.md")
    if not hasattr(os, "fork") or not any("\n!lingon " in page.read_text(encoding="utf-8") for page in pages):
        return
    folder = tempfile.TemporaryDirectory(prefix="lingon-warm-")
    program, process = start(Path(folder.name))
    os.environ["PATH"] = os.pathsep.join([str(program.parent), os.environ["PATH"]])

    def stop(app: Sphinx, error: Exception | None) -> None:
        process.kill()
        process.wait()
        folder.cleanup()

    app.connect("build-finished", stop)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", begin)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
