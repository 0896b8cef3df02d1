"""Conversion of results to torch tensors. Imported only when a tensor was passed: programs do not need torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def as_tensors(results: Sequence[np.ndarray], given: Sequence[Any]) -> list[Any]:
    """Return tensors that share the memory of the results, on the device of the first tensor that was passed.

    They have no autograd history: gradients of a program are programs themselves.
    """
    import torch

    return [torch.from_numpy(np.asarray(result)).to(given[0].device) for result in results]
