"""What every test stands on: shapes are executed, and two processes do not fight for two cores."""

import os
import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: the tests of Ctrl-C need it
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("LINGON_QUIET", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a core of its own
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("NUMBA_NUM_THREADS", "2")

from jaxtyping import install_import_hook

# Shapes in signatures are checked in tests only: they cost time.
hook = install_import_hook(
    ["lingon.decoding", "lingon.layers", "lingon.models", "lingon.metrics", "lingon.tasks"], "beartype.beartype"
)
