"""Records of failed compilations, as files beside the libraries, so that each loop is tried only once per compiler."""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import RunError
from lingon.core.files import atomic_write, cache_dir

ENDING = ".failed"


@dataclass(frozen=True)
class FailedCompile:
    """A loop that could not be compiled. program: its module. why: one line. file: with the full output."""

    program: str
    why: str
    file: Path

    @property
    def way_out(self) -> str:
        """Return what to do about it, as a sentence."""
        return f"It is tried again with another compiler (CC) or numba, or when {self.file} is deleted."

    def __str__(self) -> str:
        return f"the loop of {self.program} could not be compiled ({self.why})"


def loops_dir() -> Path:
    """Return the folder of compiled loops, in the cache."""
    return cache_dir() / "loops"


def failure_file(library: Path, compiler: Sequence[str]) -> Path:
    """Return the path of the failure record of a library and a compiler; it differs for another compiler or version."""
    found = Path(shutil.which(compiler[0]) or compiler[0]).resolve()
    about = found.stat() if found.exists() else None
    said = [str(found), *compiler[1:], *([about.st_size, about.st_mtime_ns] if about else [])]
    return library.with_name(f"{library.stem}-{hashlib.sha256(repr(said).encode()).hexdigest()[:8]}{ENDING}")


def keep_failure(program: str, file: Path, error: subprocess.SubprocessError) -> FailedCompile:
    """Write a failure record; remove those of the same loop with other sources or another numba."""
    said = getattr(error, "stderr", None) or ""
    story = (said.decode(errors="replace") if isinstance(said, bytes) else said).strip()
    why = story.splitlines()[-1].removeprefix(f"{RunError.__module__}.{RunError.__name__}: ") if story else str(error)
    library, loop = file.name.rsplit("-", 1)[0], file.name.rsplit("-", 2)[0]
    for earlier in file.parent.glob(f"{loop}-*{ENDING}"):
        if not earlier.name.startswith(library):
            earlier.unlink(missing_ok=True)
    with atomic_write(file) as out:
        out.write(f"{program}\n{why}\n\n{error}\n{story}\n")
    return FailedCompile(program, why, file)


def failed_compiles() -> list[FailedCompile]:
    """Return the loops that could not be compiled on this machine, by name, unless their library exists by now."""
    found = []
    for file in sorted(loops_dir().glob(f"*-*-*-*{ENDING}")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        library = file.with_name(f"{file.stem.rpartition('-')[0]}.so")
        if len(lines) > 1 and not library.exists():
            found.append(FailedCompile(lines[0], lines[1], file))
    return found
