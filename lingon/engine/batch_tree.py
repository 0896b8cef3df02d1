"""A batch of any kind as a tree of tensors: move it to a device, count its rows and tokens."""

from collections.abc import Mapping
from typing import Any

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor

MASKS = ("mask", "attention_mask")
IDS = ("ids", "input_ids")
MASKS_OF_PAIRS = ("source_mask", "target_mask", "chosen_mask", "rejected_mask")
LEAVES = (int, float, str, bytes, type(None))  # what is on no device


def to_device(batch: Any, device: torch.device) -> Any:
    """Move a batch to a device: a tensor, anything with a method `to`, or tuples, lists and dicts of these.

    Raises UserError for anything else, which would silently stay on its device.
    """
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if hasattr(batch, "to"):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: to_device(part, device) for name, part in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(part, device) for part in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(to_device(part, device) for part in batch)
    if isinstance(batch, LEAVES):
        return batch
    raise UserError(
        f"a batch holds {type(batch).__name__}, which cannot be moved to {device}; "
        "make it a tensor, a tuple, a list or a dict, or give it a method to(device)"
    )


def count_rows(batch: Any) -> int:
    """Return the number of rows of a batch: the length of its first tensor. Raises UserError if it has no tensor."""
    if (found := first_tensor(batch)) is None:
        raise UserError(f"the rows of a batch cannot be counted: it holds no tensor [rows, ...], but {str(batch)[:60]}")
    return len(found)


def first_tensor(batch: Any) -> Tensor | None:
    """Return the first tensor of a batch with one or more axes."""
    if isinstance(batch, Tensor):
        return batch if batch.ndim else None
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, list | tuple) else ()
    return next((found for part in parts if (found := first_tensor(part)) is not None), None)


def count_tokens(batch: Any) -> int:
    """Return the number of tokens in a batch: by its mask, both masks of pairs, or all of its token ids; else 0."""
    if (mask := find_field(batch, MASKS)) is not None:
        return int(torch.count_nonzero(mask))
    both = [mask for name in MASKS_OF_PAIRS if (mask := find_field(batch, (name,))) is not None]
    if both:
        return sum(int(torch.count_nonzero(mask)) for mask in both)
    ids = find_field(batch, IDS)
    return 0 if ids is None else ids.numel()


def find_field(batch: Any, names: tuple[str, ...]) -> Tensor | None:
    """Return the first tensor of a batch with one of these names; None where there is none."""
    for name in names:
        value = batch.get(name) if isinstance(batch, Mapping) else getattr(batch, name, None)
        if isinstance(value, Tensor):
            return value
    return None
