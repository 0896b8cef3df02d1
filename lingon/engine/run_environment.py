"""The environment of a run: versions and machine, as run.json records them."""

import contextlib
import platform
import sys
import time
from importlib.metadata import version
from typing import Any

from lingon import __version__
from lingon.core.device import usable_cores
from lingon.engine.world import world


def environment() -> dict[str, Any]:
    """Return what the results of a run may depend on, apart from its arguments: versions and machine."""
    torch = sys.modules.get("torch")
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": {"lingon": __version__, "torch": version("torch"), "python": platform.python_version()},
        "machine": {
            "system": platform.system(),
            "threads": torch.get_num_threads() if torch else usable_cores(),
            "processes": world().size,
            "processor": _processor(),
        },
    }


def environment_changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return, in words, the changes of the environment that may affect the last digits; empty if there are none."""
    told = []
    for part, name in (
        ("versions", "torch"),
        ("machine", "threads"),
        ("machine", "processes"),
        ("machine", "processor"),
    ):
        old = before.get(part, {}).get(name)
        if old is not None and old != now[part][name]:
            told.append(f"{name} was {old} and is {now[part][name]}")
    return ", ".join(told)


def _processor() -> str:
    """Return the model name of the processor."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
