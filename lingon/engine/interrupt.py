"""Ctrl-C while a model trains: the first one asks for a stop after the step, the second stops at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # the second is what a machine that shuts down sends


class StopRequest:
    """Request to stop, which a signal makes."""

    asked = False


@contextlib.contextmanager
def interruptible(say: Callable[[str], None]) -> Iterator[StopRequest]:
    """Turn the first Ctrl-C into `stop.asked`; handlers are as before afterwards, and from the second Ctrl-C on.

    Python gives signals to the main thread only; in other threads nothing changes.
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
