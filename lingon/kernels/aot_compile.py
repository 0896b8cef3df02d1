"""Loops compiled ahead of time into a shared library, by another process, so that callers do not load a compiler.

Importing numba and LLVM costs each process a hundred megabytes and a second. A loop that neither allocates memory nor
raises needs them only while it is compiled. A library is called by `call_loop(function, arrays, sizes, numbers)`.
"""

import contextlib
import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from lingon.core.errors import RunError, UserError
from lingon.core.files import TEMPORARY, atomic_write, locked, remove_leftovers
from lingon.kernels.failed_compiles import failure_file, keep_failure, loops_dir

ENTRY = "lingon_entry"
COMPILERS = (["cc"], ["gcc"], ["clang"])
# Symbols that numba's code refers to for errors and for freeing memory; they are never called here.
NEVER = "NRT_Free NRT_MemInfo_alloc_aligned NRT_MemInfo_call_dtor numba_do_raise numba_gil_ensure numba_gil_release"
NEVER += " numba_runtime_build_excinfo_struct numba_unpickle"


def load_loop(program: str, argument: int, sources: Sequence[Path]) -> Callable | None:
    """Return the loop from the library that the module `program` writes when run with `argument` and a path.

    The library is made at the first call, and again when `sources`, numba or the processor have changed. Returns None
    if there is no C compiler to link with, no folder to store the library in, or compilation fails. A failure is warned
    of once and recorded as a file (`failed_compiles`); compilation is tried again when the compiler or one of the above
    has changed, or the file is deleted.
    """
    # In a zip archive none of them is a file, and no library is stored; in a folder a wrong name is a mistake of ours.
    assert not [source for source in sources if source.parent.is_dir() and not source.is_file()], sources
    try:
        path = loops_dir() / f"{program.rpartition('.')[2]}-{argument}-{_identity(sources)}.so"
    except (OSError, RuntimeError, PackageNotFoundError):  # no home, or sources in an archive
        return None
    with contextlib.suppress(OSError):
        if strange := _writable_by_others(path.parent):
            said = (
                "so no compiled loops are stored there or run from there; remove that permission, or set LINGON_CACHE"
            )
            warnings.warn(f"{strange} is writable by others, {said}", stacklevel=2)
            return None
    found = _opened(path)
    command = linker()
    if found is None and command and not failure_file(path, command).exists():
        with contextlib.suppress(OSError, UserError), locked(path.parent, "compiling loops", wait=300):
            remove_leftovers(path.parent)
            found = _opened(path)  # another process may have made it in the meantime
            if found is None:
                _make(program, argument, path, failure_file(path, command))
                found = _opened(path)
    return found


def call_loop(
    function: Callable, arrays: Sequence[np.ndarray], sizes: Sequence[int], numbers: list[float]
) -> list[float]:
    """Call a loop with C-contiguous arrays, integers and floats; return the floats as modified by the loop.

    The GIL is released during the call. Raises ValueError for an array that is not contiguous.
    """
    if not all(array.flags.c_contiguous for array in arrays):
        raise ValueError(f"array {[a.flags.c_contiguous for a in arrays].index(False)} is not contiguous")
    places = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
    held = (ctypes.c_double * len(numbers))(*numbers)
    function(places, (ctypes.c_int64 * len(sizes))(*sizes), held)
    return list(held)


def write_library(loop: Callable, path: Path) -> None:
    """Compile `loop(places, sizes, numbers)`, with three pointers, for this processor, and link it into a library.

    places[k] is the address of array k (read by `numba.carray`). Raises OSError or RunError if linking fails, and
    whatever numba raises for a loop it cannot compile.
    """
    import llvmlite.binding as llvm
    from numba import cfunc, types

    pointers = types.CPointer(types.voidptr), types.CPointer(types.int64), types.CPointer(types.float64)
    compiled = cfunc(types.void(*pointers), fastmath=True, error_model="numpy")(loop)
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(compiled.inspect_llvm())
    module.get_function(compiled.native_name).name = ENTRY
    own = {"cpu": llvm.get_host_cpu_name(), "features": llvm.get_host_cpu_features().flatten()}
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(**own, opt=3, reloc="pic", codemodel="default")
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=path.parent) as folder:
        here = Path(folder)
        (here / "loop.o").write_bytes(machine.emit_object(module))
        stubs = "".join(f"void {name}(void) {{ abort(); }}\n" for name in NEVER.split())
        (here / "never.c").write_text(f"#include <stdlib.h>\n{stubs}")
        late = ["-Wl,-undefined,dynamic_lookup"] if sys.platform == "darwin" else []
        command = [*(linker() or []), "-shared", "-fPIC", "-o", "whole", "loop.o", "never.c", "-lm", *late]
        done = subprocess.run(command, cwd=here, check=False, capture_output=True, text=True)
        if done.returncode:
            said = next(iter(done.stderr.splitlines()), f"exit code {done.returncode}")
            raise RunError(f"{command[0]} cannot link it: {said.strip()}")
        with atomic_write(path, "wb") as file:
            os.chmod(file.fileno(), 0o644 & os.fstat(file.fileno()).st_mode)  # never group-writable, whatever the umask
            file.write((here / "whole").read_bytes())


def linker() -> list[str] | None:
    """Return the command of a C compiler: CC, else a usual one; None if there is none, and on Windows (untested)."""
    if sys.platform == "win32":
        return None
    chosen = shlex.split(os.environ.get("CC", ""))
    return next((command for command in ([chosen] if chosen else COMPILERS) if shutil.which(command[0])), None)


def _opened(path: Path) -> Callable | None:
    """Return the loop of a library; None if it is missing or damaged."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # A cache may be shared: files that others could have written are not run. The open file is checked and loaded,
        # so that it cannot be exchanged in between.
        if not _only_ours(os.fstat(handle)) or _writable_by_others(path.parent):
            raise OSError
        checked = Path(f"/proc/self/fd/{handle}")
        function = getattr(ctypes.CDLL(str(checked if checked.exists() else path)), ENTRY)
    except (OSError, AttributeError):
        os.close(handle)
        return None
    # The file stays open: the loader identifies a library by its path, and a reused descriptor would be taken for it.
    function.restype = None
    return function


def _only_ours(about: os.stat_result) -> bool:
    """Return whether only this user (and root) can write here."""
    if about.st_uid not in (0, os.getuid()) or about.st_mode & stat.S_IWOTH:
        return False
    return not about.st_mode & stat.S_IWGRP or _group_of_one(about.st_gid)


def _group_of_one(group: int) -> bool:
    """Return whether a group is the private group of this user, without other members."""
    import grp
    import pwd

    try:
        named, user = grp.getgrgid(group), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return named.gr_name == user.pw_name and group == user.pw_gid and not {*named.gr_mem} - {user.pw_name}


def _writable_by_others(folder: Path) -> Path | None:
    """Return the first folder, from this one up to the cache, that others can write to; None if there is none."""
    root = loops_dir().parent
    places = [folder, *folder.parents]
    inside = places[: places.index(root) + 1] if root in places else [folder]
    return next((place for place in inside if place.exists() and not _only_ours(place.stat())), None)


def _make(program: str, argument: int, path: Path, failure: Path) -> None:
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    # -P: do not import from the current folder.
    command = [sys.executable, "-P", "-m", program, str(argument), str(path)]
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=300)
    except subprocess.SubprocessError as error:
        kept = keep_failure(program, failure, error)
        warnings.warn(f"{kept}; numba compiles it in every process instead. {kept.way_out}", stacklevel=5)


def _identity(sources: Sequence[Path]) -> str:
    """Return a short hash of everything that the machine code depends on."""
    found = hashlib.sha256()
    for source in [Path(__file__), *sources]:
        found.update(source.read_bytes())
    system = platform.system(), platform.libc_ver()
    found.update(repr([*map(version, ("numba", "llvmlite")), system, _processor()]).encode())
    return found.hexdigest()[:16]


def _processor() -> list[str]:
    """Return the processor model and its features: a folder may be shared by different machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return [platform.machine(), platform.processor()]
    return sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))})
