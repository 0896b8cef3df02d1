"""Results as torch tensors. Only imported when a tensor was passed, so that programs need no torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def as_tensors(results: Sequence[np.ndarray], given: Sequence[Any]) -> list[Any]:
    """Return tensors that share the memory of the results, on the device of the first tensor that was passed.

    They carry no history: gradients of a program are programs themselves.
    """
    import torch

    return [torch.from_numpy(np.asarray(result)).to(given[0].device) for result in results]
