"""Recording of steps for gradients, switched on or off for a block, a function, or from now on."""

from __future__ import annotations

from contextlib import ContextDecorator

_recording = True


class set_grad_enabled(ContextDecorator):  # noqa: N801
    """Switch the recording of steps on or off, at once and until the end of a `with` block."""

    def __init__(self, on: bool):
        global _recording
        self.before, _recording = _recording, on
        self.on = on

    def __enter__(self) -> None:
        global _recording
        _recording = self.on

    def __exit__(self, *error) -> None:
        global _recording
        _recording = self.before


class _Mode(ContextDecorator):
    """A recording mode for a `with` block or a whole function; may be nested and used again."""

    on: bool

    def __init__(self) -> None:
        self.before: list[bool] = []

    def __enter__(self) -> None:
        global _recording
        self.before.append(_recording)
        _recording = self.on

    def __exit__(self, *error) -> None:
        global _recording
        _recording = self.before.pop()


class no_grad(_Mode):  # noqa: N801
    """Record nothing within a `with` block, so that weights may be changed in place."""

    on = False


class enable_grad(_Mode):  # noqa: N801
    """Record steps within a `with` block, even inside of `no_grad`."""

    on = True


def is_grad_enabled() -> bool:
    """Return whether steps are recorded now."""
    return _recording
