"""A look at the machine: does everything work here, is it fast enough, and what is to be done if not."""

import importlib.metadata as metadata
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table

from lingon import __version__
from lingon.core.device import usable_cores
from lingon.core.files import cache_dir
from lingon.core.optional_packages import install_command, missing
from lingon.kernels.aot_compile import linker
from lingon.kernels.failed_compiles import failed_compiles, loops_dir

PACKAGES = ("torch", "numpy", "numba", "tokenizers", "safetensors", "pyarrow")
ENOUGH_DISK, ENOUGH_MEMORY = 3 << 30, 3 << 30  # bytes: packages and all default corpora; a bilstm with 16 k tokens

Row = tuple[str, str, str, str]  # part, what was found, "ok" | "warn" | "bad", what to do


def examine() -> int:
    """Prints what was found and what to do. Returns 0, or 1 when something will not work."""
    rows = [*versions(), *machine(), *compiled_loops(), *devices(), *check_corpora(), *course()]
    table = Table("part", "found", "", "what to do")
    for part, found, state, advice in rows:
        table.add_row(part, found, {"ok": "[green]ok", "warn": "[yellow]note", "bad": "[red]no"}[state], advice)
    Console().print(table)
    bad = [part for part, _, state, _ in rows if state == "bad"]
    print(f"Will not work: {', '.join(bad)}." if bad else "Everything works: try `lingon train sentiment`.")
    return 1 if bad else 0


def versions() -> Iterator[Row]:
    """Python and the packages Lingon stands on."""
    good = sys.version_info >= (3, 11)
    yield "python", platform.python_version(), "ok" if good else "bad", "" if good else "install Python 3.11 or newer"
    yield "lingon", __version__, "ok", ""
    for name in PACKAGES:
        try:
            yield name, metadata.version(name), "ok", ""
        except metadata.PackageNotFoundError:
            yield name, "missing", "bad", f"pip install {name}"


def machine() -> Iterator[Row]:
    """Cores, threads, speed, memory and disk."""
    cores, threads = usable_cores(), torch.get_num_threads()
    advice = f"set OMP_NUM_THREADS={cores}: more threads than cores slow things down" if threads > cores else ""
    yield "cores", f"{cores} usable, torch uses {threads}", "warn" if advice else "ok", advice
    speed = gflops()
    slow = "other programs may be using the cores" if speed < 10 else ""
    yield "speed", f"{speed:.0f} GFLOP/s (matrix product)", "warn" if slow else "ok", slow
    free = psutil.virtual_memory().available
    low = "lower --max-tokens-per-batch if a run runs out of memory" if free < ENOUGH_MEMORY else ""
    yield "memory", f"{free / 2**30:.1f} GiB free", "warn" if low else "ok", low
    folder = cache_dir()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    disk = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        yield "cache", str(folder), "bad", "the folder is not writable; set LINGON_CACHE to one that is"
    else:
        full = "free some, or set LINGON_CACHE to another disk" if disk < ENOUGH_DISK else ""
        yield "cache", f"{folder}, {disk / 2**30:.0f} GiB free", "warn" if full else "ok", full


def compiled_loops() -> Iterator[Row]:
    """Whether loops of word vectors are compiled once and kept, and why not."""
    failed = failed_compiles()
    for one in failed:
        yield "compiled loops", str(one), "warn", one.way_out
    if not failed and not linker():
        advice = "word vectors start seconds later without it: install gcc or clang, or set CC"
        yield "compiled loops", "no C compiler", "warn", advice
    elif not failed:
        yield "compiled loops", f"{len(list(loops_dir().glob('*.so')))} cached in {loops_dir()}", "ok", ""


def gflops(size: int = 1024, repeat: int = 5) -> float:
    """The best of a few single-precision matrix products, in 1e9 operations a second."""
    a, best = torch.rand(size, size), float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def devices() -> Iterator[Row]:
    """Whether each device computes what the CPU computes in double precision, kernel by kernel."""
    names = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    for name in names:
        wrong = [f"{kernel} (off by {off:.0e})" for kernel, off in differences(name).items() if not off < TOLERANCE]
        advice = f"do not use --device {name} for models with {', '.join(wrong)}; update torch" if wrong else ""
        yield (
            f"device {name}",
            f"{len(KERNELS) - len(wrong)} of {len(KERNELS)} kernels correct",
            "bad" if wrong else "ok",
            advice,
        )


TOLERANCE = 1e-4  # largest relative difference; float32 keeps seven digits, and sums lose a few


def differences(device: str) -> dict[str, float]:
    """Per kernel, the largest difference in float32 from the CPU in float64, relative to the largest value."""
    found = {}
    for name, kernel in KERNELS.items():
        draw = torch.Generator().manual_seed(7)
        x = torch.randn(3, 11, 16, generator=draw, dtype=torch.float64)
        right = kernel(x)
        try:
            other = kernel(x.to(device, torch.float32)).cpu().double()
            found[name] = float((other - right).abs().max() / right.abs().max())
        except (RuntimeError, NotImplementedError):
            found[name] = float("inf")
    return found


def _weights(x: torch.Tensor, *shape: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(11)
    return torch.randn(*shape, generator=draw, dtype=torch.float64).to(x)


def _gradient(x: torch.Tensor) -> torch.Tensor:
    x = x.clone().requires_grad_()
    F.cross_entropy(x.flatten(0, 1), torch.arange(33, device=x.device) % 16).backward()
    assert x.grad is not None
    return x.grad


def _lstm(x: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(13)
    return torch.nn.LSTM(16, 5, batch_first=True, bidirectional=True).double().to(x)(x)[0].detach()


KERNELS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "matmul": lambda x: x @ _weights(x, 16, 7),
    "batched matmul": lambda x: x @ x.transpose(1, 2),
    "convolution": lambda x: F.conv1d(x.transpose(1, 2), _weights(x, 5, 16, 3)),
    "softmax": lambda x: x.softmax(-1),
    "log-softmax": lambda x: x.log_softmax(-1),
    "layer norm": lambda x: F.layer_norm(x, (16,)),
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x),
    "embedding": lambda x: F.embedding(torch.arange(7, device=x.device), x[0]),
    "maximum": lambda x: x.max(1).values,
    "cumulative sum": lambda x: x.cumsum(1),
    "lstm": _lstm,
    "gradient of cross entropy": _gradient,
}


def check_corpora() -> Iterator[Row]:
    """Which corpora are in the cache."""
    from lingon.data.list_data import list_rows
    from lingon.data.sources.mirror import mirror_dir

    rows = list_rows()
    there = [row.name for row in rows if row.cached]
    advice = "" if "imdb" in there else "lingon data get imdb (13 MB), while there is a network"
    yield "data", f"{len(there)} of {len(rows)} corpora in the cache", "ok" if not advice else "warn", advice
    if mirror := mirror_dir():
        wrong = "" if mirror.is_dir() else "LINGON_MIRROR names no folder; fill one with: lingon data mirror FOLDER"
        yield "mirror", str(mirror), "bad" if wrong else "ok", wrong


def course() -> Iterator[Row]:
    """Whether lessons can be opened and run."""
    lacking = missing("course")
    if not lacking:
        yield "course", "JupyterLab and matplotlib are installed", "ok", ""
        return
    what = (
        "lessons stop where they draw" if "matplotlib" in lacking else "lessons open as Python files, not as notebooks"
    )
    yield "course", f"without {', '.join(lacking)}", "warn", f"{what}: {install_command('course')}"
