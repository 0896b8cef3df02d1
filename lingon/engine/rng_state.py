"""The states of the random generators as tensors, so that a resumed run draws the numbers of an uninterrupted one."""

import math
import random
from typing import Any

import numpy as np
import torch

from lingon.core.shapes import Tensor


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the generators of PyTorch, NumPy, Python and the GPU, as tensors of fixed shapes."""
    numpy_state: Any = np.random.get_state()  # a tuple, though annotated as a tuple or a dict
    _, keys, position, has_normal, normal = numpy_state
    _, words, python_normal = random.getstate()
    state = {
        "torch": torch.get_rng_state(),
        "numpy": torch.tensor([*keys.tolist(), position, has_normal]),
        "numpy_normal": torch.tensor([normal], dtype=torch.float64),
        "python": torch.tensor(words),
        "python_normal": torch.tensor([math.nan if python_normal is None else python_normal], dtype=torch.float64),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Set the generators to the states that `random_state` returned."""
    torch.set_rng_state(state["torch"])
    *keys, position, has_normal = state["numpy"].tolist()
    np.random.set_state(("MT19937", np.array(keys, np.uint32), position, has_normal, state["numpy_normal"].item()))
    normal = state["python_normal"].item()
    random.setstate((random.getstate()[0], tuple(state["python"].tolist()), None if math.isnan(normal) else normal))
    if "cuda" in state and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
