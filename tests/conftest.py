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

import pytest
from jaxtyping import install_import_hook

# Shapes in signatures are checked in tests only: they cost time. Settings have none, and take 1 where 1.0 is meant.
ROOT = Path(__file__).parents[1]
tasks = [path for path in (ROOT / "lingon/tasks").rglob("*.py") if path.stem not in ("settings", "__init__")]
named = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in tasks]
hook = install_import_hook(
    ["lingon.decoding", "lingon.layers", "lingon.models", "lingon.metrics", *named], "beartype.beartype"
)

NO_DATA = "no data: "


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test of real data is skipped where the host of repositories cannot be reached and no mirror has the data."""
    from lingon.core.errors import NoNetwork

    report = yield
    if call.excinfo and call.excinfo.errisinstance(NoNetwork) and item.get_closest_marker("data"):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), (item.location[1] or 0) + 1, f"Skipped: {NO_DATA}{call.excinfo.value}")
    return report


def pytest_terminal_summary(terminalreporter):
    """Says how many tests were skipped for want of data, and what to do: a skip that nobody sees is a hole."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(isinstance(r.longrepr, tuple) and NO_DATA in r.longrepr[2] for r in skipped)
    if count:
        what = f"{count} {'test was' if count == 1 else 'tests were'} skipped for want of data"
        terminalreporter.section(what, yellow=True, bold=True)
        terminalreporter.line(
            "With a network they run. Without one: fill a folder on a machine that has one "
            "(`lingon data mirror FOLDER`), and set LINGON_MIRROR to it."
        )
