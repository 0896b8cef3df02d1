"""Builds the programs in other languages and lets them label texts; what is built lies in the cache.

python examples/portable/build.py RUN builds all three for a trained run and shows that they agree with Python.
"""

import functools
import hashlib
import http.server
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import FetchError, UserError
from lingon.core.files import cache_dir, locked

HERE = Path(__file__).resolve().parent
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=900,640",
)
PATIENCE = 300  # seconds


def javascript() -> Path:
    """The folder with the JavaScript programs and, fetched by npm, their packages."""
    folder = _home() / "javascript"
    wanted = (HERE / "javascript" / "package.json").read_text(encoding="utf-8")
    stamp = folder / "made_of.json"
    with locked(_home(), "fetching packages of JavaScript", wait=PATIENCE):
        shutil.copytree(HERE / "javascript", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            # Without scripts: one of them looks for libraries of graphics cards.
            _run([_program("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
            stamp.write_text(wanted, encoding="utf-8")  # last, so that an install that was stopped is made again
    return folder


def cpp(target: str = "classify") -> Path:
    """A C++ program, built: `classify`, `embed`, or `encode`, which tokenizes only and needs no libtorch."""
    # A folder for each checkout and Python: what CMake found out about one is wrong for another.
    made_for = hashlib.sha256(f"{HERE} {sys.executable}".encode()).hexdigest()[:12]
    folder = _home() / f"cpp-{made_for}"
    with locked(_home(), "building the C++ program", wait=PATIENCE):
        folder.mkdir(exist_ok=True)
        torch = "OFF" if target == "encode" else "ON"
        _run([_program("cmake"), str(HERE / "cpp"), f"-DPYTHON={sys.executable}", f"-DWITH_TORCH={torch}"], folder)
        _run([_program("cmake"), "--build", ".", "--target", target], folder)
    return folder / target


def compiled(exported: Path, target: Path) -> Path:
    """Machine code of a folder that was exported to torch, for the C++ program."""
    _run([sys.executable, str(HERE / "cpp" / "compile.py"), str(exported / "model.pt2"), str(target)], HERE)
    return target


def page(exported: Path | Sequence[Path], target: Path) -> Path:
    """The page with everything it needs, for a folder exported to onnx, or several of models that read images."""
    folders = [exported] if isinstance(exported, Path) else exported
    _run([_program("node"), str(javascript() / "make_page.mjs"), *map(str, folders), str(target)], HERE)
    return target


def ask(command: list[str], texts: list[str]) -> dict[str, Any]:
    """Logits of texts and milliseconds for each, by a program that reads a JSON list and writes a JSON object."""
    return json.loads(_run(command, HERE, json.dumps(texts)))


def browse(folder: Path, texts: list[str], screenshot: Path | None = None) -> dict[str, Any]:
    """The same by the page in a headless Chromium, shown by a server that knows files and nothing else.

    texts: or the names of pictures that lie in the folder.
    """
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    answers: list[bytes] = []
    came = threading.Event()

    class Files(http.server.SimpleHTTPRequestHandler):
        """Files, and one ear: the page tells the test what it found."""

        def do_POST(self) -> None:
            answers.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    try:
        with tempfile.TemporaryDirectory(prefix="lingon-", ignore_cleanup_errors=True) as home:
            command = [_program("chromium"), *FLAGS, f"--user-data-dir={home}"]
            _until(came, [*command, address + "#test"])
            if screenshot:
                _run([*command, "--virtual-time-budget=20000", f"--screenshot={screenshot}", address], HERE)
    finally:
        server.shutdown()
        server.server_close()
    return json.loads(answers[0])


def _until(came: threading.Event, command: list[str]) -> None:
    """Runs a program until the event comes, then ends it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        if not came.wait(PATIENCE):
            raise FetchError(f"the page gave no answer within {PATIENCE} s")
    finally:
        process.terminate()
        process.wait(20)


def _home() -> Path:
    folder = cache_dir() / "portable"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _program(name: str) -> str:
    if found := shutil.which(name):
        return found
    raise UserError(f"there is no {name} on this machine; install it by your system's package manager")


def _run(command: list[str], folder: Path, given: str | None = None) -> str:
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise FetchError(f"{' '.join(command[:3])}: {(done.stdout + done.stderr).strip()[-800:]}")
    return done.stdout


def main(run: str) -> None:
    """Builds all, and prints how far each is from Python on real reviews."""
    import torch

    import lingon
    from lingon.export.portable import export

    texts = lingon.load_data("imdb").test.texts[:100]
    model = lingon.load(run)
    expected = torch.cat([model.logits([text]) for text in texts])
    with tempfile.TemporaryDirectory(prefix="lingon-") as place:
        folder = Path(place)
        onnx, pt2 = (export(run, to, folder / to).folder for to in ("onnx", "torch"))
        machine_code = compiled(pt2, folder / "compiled.pt2")
        found = {
            "C++": ask([str(cpp()), str(pt2), str(machine_code)], texts),
            "Node.js": ask([_program("node"), str(javascript() / "classify.mjs"), str(onnx)], texts),
            "the page": browse(page(onnx, folder / "page"), texts),
        }
    for name, answer in found.items():
        apart = (torch.tensor(answer["logits"]) - expected).abs().max().item()
        print(f"{name}: {len(texts)} reviews, logits differ from Python's by {apart:.1e} at most")


if __name__ == "__main__":
    main(*sys.argv[1:])
