"""Ctrl-C during training: the first requests a stop after the current step, the second stops at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # SIGTERM is sent by a machine that shuts down


class StopRequest:
    """A request to stop, set by a signal."""

    asked = False


@contextlib.contextmanager
def interruptible(say: Callable[[str], None]) -> Iterator[StopRequest]:
    """Return a context in which the first Ctrl-C sets `stop.asked`, and restores the handlers that were there before.

    Python delivers signals to the main thread only; in other threads this does nothing.
    """
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {n: h for n, h in before.items() if h not in (signal.SIG_IGN, None)}  # what nohup ignores stays ignored

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: object) -> None:
        stop.asked = True
        restore()
        say("stopping after this step; Ctrl-C again stops at once")

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()
