"""Selects the device to compute on: by name, or the best one available."""

import os

from lingon.core.errors import UserError, suggest

__all__ = ["pick_device", "usable_cores"]

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str = "auto"):
    """Return the torch device of that name; "auto" is CUDA, else Apple's MPS, else the CPU.

    On CUDA, TF32 is disabled from here on: cuDNN would compute convolutions and LSTMs with products of 10 bits of
    mantissa. For more speed there is `--precision bfloat16`. Attention of cuDNN is disabled as well: it makes a plan
    for each new length, in 8 ms per layer, and in generation every step has a new length.
    Raises UserError if the name is unknown or the machine has no such device.
    """
    import torch

    kind = name.split(":")[0]
    if kind not in DEVICES:
        raise UserError(f"unknown device {name!r}; {suggest(name, DEVICES)}")
    have = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind == "auto":
        return pick_device(next(k for k in ("cuda", "mps", "cpu") if have[k]))
    if not have[kind]:
        there = ", ".join(k for k, v in have.items() if v)
        raise UserError(f"device {name!r} is not available here (available: {there}); use --device auto")
    if kind == "cuda":
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        return torch.device(name)
    except RuntimeError:
        raise UserError(f"device {name!r} is not of the form 'cuda' or 'cuda:1'") from None


def usable_cores() -> int:
    """Return the number of CPU cores that this process may use, which can be limited by a container."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
