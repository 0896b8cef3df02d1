"""A batch of any kind as a tree of tensors: moved to a device, its rows and tokens counted."""

from collections.abc import Mapping
from typing import Any

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor

MASKS = ("mask", "attention_mask")
IDS = ("ids", "input_ids")
MASKS_OF_PAIRS = ("source_mask", "target_mask", "chosen_mask", "rejected_mask")
LEAVES = (int, float, str, bytes, type(None))  # what needs no moving


def to_device(batch: Any, device: torch.device) -> Any:
    """Move every tensor of a batch: a tensor, anything with a method `to`, or tuples, lists and dicts of such.

    Raises UserError for anything else, which would stay behind.
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
    """Return examples in a batch: the length of its first tensor that has one. Raises UserError where there is none."""
    if (found := first_tensor(batch)) is None:
        raise UserError(f"the rows of a batch cannot be counted: it holds no tensor [rows, ...], but {str(batch)[:60]}")
    return len(found)


def first_tensor(batch: Any) -> Tensor | None:
    """Return the first tensor of a batch that has rows."""
    if isinstance(batch, Tensor):
        return batch if batch.ndim else None
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, list | tuple) else ()
    return next((found for part in parts if (found := first_tensor(part)) is not None), None)


def count_tokens(batch: Any) -> int:
    """Return the tokens in a batch: where its mask is True, or both masks of pairs, or all of its token ids; else 0."""
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
