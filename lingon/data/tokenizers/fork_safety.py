"""Makes the tokenizers library work in forked processes, where its threads do not exist."""

import os


def _before_fork() -> None:
    """Let the library work on one core in forked processes, where its threads do not exist, and without a warning."""
    if "TOKENIZERS_PARALLELISM" not in os.environ:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        _ours.append(True)


def _after_fork() -> None:
    if _ours:
        _ours.clear()
        del os.environ["TOKENIZERS_PARALLELISM"]


_ours: list[bool] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork)
