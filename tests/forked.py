"""A function run in a fork of this process, which may be killed while it runs."""

import os
import signal
import time
import traceback
from collections.abc import Callable


def forked(act: Callable[[], object], kill_after: float | None = None) -> bool:
    """Run `act` in a fork; return whether it came to its end."""
    child = os.fork()
    if not child:
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("what was run in a fork ended in an error")
    return os.WIFEXITED(status)
