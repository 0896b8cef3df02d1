"""An environment of its own for each peer, made from peers/NAME.txt when it is first needed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from lingon.core.errors import FetchError, UserError, unknown
from lingon.core.files import atomic_write, cache_dir, locked

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"


def peers() -> list[str]:
    """The peers that have a list of requirements."""
    return sorted(path.stem for path in PEERS.glob("*.txt"))


def python_of(peer: str) -> Path:
    """The Python of a peer's environment. It is made anew when its requirements have changed.

    Raises UserError for an unknown peer or when its Python is not on this machine, FetchError when an install fails.
    """
    if peer not in peers():
        raise unknown("peer", peer, peers())
    wanted = (PEERS / f"{peer}.txt").read_text(encoding="utf-8")
    home = cache_dir() / "peers"
    folder = home / peer
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    with locked(home, "making a peer's environment", wait=900):
        stamp = folder / "made_of.txt"
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            _make(peer, wanted, folder, python)
            with atomic_write(stamp) as file:  # last, so that an environment that was stopped half-way is made again
                file.write(wanted)
    return python


def python_wanted(requirements: str) -> str | None:
    """The version in the first line, `# python 3.11`."""
    found = re.match(r"# python (\d+\.\d+)\s*\n", requirements)
    return found[1] if found else None


def _make(peer: str, wanted: str, folder: Path, python: Path) -> None:
    print(f"making the environment of {peer}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run([_interpreter(peer, python_wanted(wanted)), "-m", "venv", str(folder)], peer)
    install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run([*install, "-c", str(ROOT / "constraints.txt"), "-r", str(PEERS / f"{peer}.txt")], peer)


def _interpreter(peer: str, version: str | None) -> str:
    if version in (None, f"{sys.version_info.major}.{sys.version_info.minor}"):
        return sys.executable
    if found := shutil.which(f"python{version}"):
        return found
    raise UserError(f"{peer} needs Python {version}, and there is no python{version} on this machine; install it")


def _run(command: list[str], peer: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise FetchError(f"the environment of {peer} could not be made: {done.stderr.strip()[-400:]}")
