"""Tells how to install the packages that an optional part of Lingon needs, in the user's environment."""

import os
import re
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path


def packages_of(extra: str) -> list[str]:
    """Return the requirements of an extra of pyproject.toml, as "matplotlib>=3.8"; empty if Lingon is not installed."""
    from importlib import metadata  # slow to import, and rarely needed

    try:
        found = metadata.requires("lingon") or []
    except metadata.PackageNotFoundError:
        found = []
    wanted = re.compile(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""")
    return [line.partition(";")[0].strip() for line in found if wanted.search(line)]


def missing(extra: str) -> list[str]:
    """Return the names of the packages of an extra that are not installed."""
    names = [re.split(r"[^\w.-]", package)[0] for package in packages_of(extra)]
    return [name for name in names if find_spec(name.replace("-", "_")) is None]


def install_command(extra: str) -> str:
    """Return the command that installs an extra for the running Python.

    It lists the packages: `lingon[extra]` is not found if Lingon was installed from a clone or a wheel file.
    """
    packages = packages_of(extra) or [f"lingon[{extra}]"]
    return f"{python_command()} -m pip install {shlex.join(packages)}"


def python_command() -> str:
    """Return the running Python as a command: `python` if that is the same, or else its path."""
    here = Path(sys.executable)
    for name in ("python", "python3"):
        found = shutil.which(name)
        if found and Path(found).absolute() == here.absolute():
            return name
    inside = here.is_relative_to(Path.cwd()) and Path.cwd() != Path("/")
    return shlex.quote(os.path.relpath(here) if inside else str(here))
