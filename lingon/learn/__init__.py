"""The course's mechanism: lists lessons, opens a reader's copy, checks its exercises."""

from lingon.learn.check import attempt

__all__ = ["attempt"]
