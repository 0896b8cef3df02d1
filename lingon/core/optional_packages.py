"""How to install what an optional part of Lingon needs, from wherever the user stands."""

import os
import re
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path


def packages_of(extra: str) -> list[str]:
    """Requirements of an extra of pyproject.toml, as "matplotlib>=3.8"; empty when Lingon is not installed."""
    from importlib import metadata  # it takes a while, and few need it

    try:
        found = metadata.requires("lingon") or []
    except metadata.PackageNotFoundError:
        found = []
    wanted = re.compile(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""")
    return [line.partition(";")[0].strip() for line in found if wanted.search(line)]


def missing(extra: str) -> list[str]:
    """Names of the packages of an extra that are not there."""
    names = [re.split(r"[^\w.-]", package)[0] for package in packages_of(extra)]
    return [name for name in names if find_spec(name.replace("-", "_")) is None]


def install_command(extra: str) -> str:
    """The command that installs an extra for the Python that runs.

    It names the packages: `lingon[extra]` finds nothing where Lingon came from a clone or a wheel file.
    """
    packages = packages_of(extra) or [f"lingon[{extra}]"]
    return f"{python_command()} -m pip install {shlex.join(packages)}"


def python_command() -> str:
    """The Python that runs, as the user can type it: `python` where that is the same, or else its path."""
    here = Path(sys.executable)
    for name in ("python", "python3"):
        found = shutil.which(name)
        if found and Path(found).absolute() == here.absolute():
            return name
    inside = here.is_relative_to(Path.cwd()) and Path.cwd() != Path("/")
    return shlex.quote(os.path.relpath(here) if inside else str(here))
