"""What every test stands on: shapes are executed, and two processes do not fight for two cores."""

import os
import signal
from pathlib import Path

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: the tests of Ctrl-C need it
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("LINGON_QUIET", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a core of its own
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("NUMBA_NUM_THREADS", "2")

from jaxtyping import install_import_hook

# Shapes in signatures are checked in tests only: they cost time. Settings have none, and take 1 where 1.0 is meant.
ROOT = Path(__file__).parents[1]
tasks = [path for path in (ROOT / "lingon/tasks").rglob("*.py") if path.stem not in ("settings", "__init__")]
named = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in tasks]
hook = install_import_hook(
    ["lingon.decoding", "lingon.layers", "lingon.models", "lingon.metrics", *named], "beartype.beartype"
)
