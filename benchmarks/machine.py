"""What a figure was measured on: processor, threads, versions, date, and how busy the machine was."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# Two cores are what everything is measured on; scores, whose time is not compared, may be found on one each.
THREADS = int(os.environ.get("BENCHMARK_THREADS", "2"))
FLAGS = ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "neon", "asimd", "sve")
OURS = ("torch", "numpy", "numba", "tokenizers")
LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")


def thread_limits(threads: int = THREADS) -> dict[str, str]:
    """The environment that holds every library to so many threads."""
    return dict.fromkeys(LIMITS, str(threads))


def machine() -> dict[str, Any]:
    """The processor, its vector instructions, the memory in GiB, the system, and the load before we began."""
    model, flags = _processor()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "vector_instructions": [flag for flag in FLAGS if flag in flags],
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of packages of this environment."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def _processor() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}
    return facts.get("model name", platform.machine()), set((facts.get("flags") or facts.get("Features", "")).split())


def _memory_gib() -> int | None:
    if sys.platform == "win32":
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
