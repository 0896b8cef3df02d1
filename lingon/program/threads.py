"""The threads that compute blocks. NumPy releases the GIL while it computes, so they run in parallel."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def thread_count() -> int:
    """Return OMP_NUM_THREADS if set, as for other numerical libraries, else the cores available to this process."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said) > 0:
        return min(int(said), 64)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WorkerThreads:
    """The calling thread and its worker threads, which are started when first needed."""

    def __init__(self) -> None:
        self.count = thread_count()
        self._pool: ThreadPoolExecutor | None = None
        if hasattr(os, "register_at_fork"):  # threads do not survive in a forked process
            os.register_at_fork(after_in_child=self._forget)

    def run(self, work: Callable[[], None], threads: int) -> None:
        """Call `work` in `threads` threads at once, including this one; return when all are done."""
        if threads <= 1:
            work()
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max(1, self.count - 1), thread_name_prefix="lingon-program")
        helpers = [self._pool.submit(work) for _ in range(threads - 1)]
        try:
            work()
        finally:
            errors = [helper.exception() for helper in helpers]
        for error in errors:
            if error is not None:
                raise error

    def _forget(self) -> None:
        self._pool = None


workers = WorkerThreads()
