"""Compares an exported model with the original: batches of many shapes, and the largest difference of outputs."""

from collections.abc import Callable, Iterator

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor

LENGTHS, BATCHES = (1, 2, 7, 61, 307), (1, 3, 8)
TOLERANCE = 1e-4

Outputs = Callable[[Int[Tensor, "B T"], Bool[Tensor, "B T"]], Float[Tensor, "B C"]]


def batches(
    vocab_size: int, pad: int = 0, longest: int | None = None, seed: int = 0
) -> Iterator[tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"]]]:
    """Yield batches of random ids, 5 lengths x 3 batch sizes; texts have different lengths, the last one is empty.

    longest: maximum tokens of the model; larger lengths are reduced to it.
    """
    made = torch.Generator().manual_seed(seed)
    for length in dict.fromkeys(min(length, longest or length) for length in LENGTHS):
        for rows in BATCHES:
            lengths = torch.randint(1, length + 1, (rows,), generator=made)
            lengths[0] = length
            if rows > 1:
                lengths[-1] = 0
            mask = torch.arange(length) < lengths[:, None]
            # Ids are from the vocabulary, and `pad` is only used for padding: it is not the id of a word.
            ids = torch.randint(max(1, vocab_size - 1), mask.shape, generator=made)
            yield torch.where(mask, (ids + (ids >= pad)).clamp(max=vocab_size - 1), pad), mask


@torch.inference_mode()
def largest_difference(
    model: Outputs, exported: Outputs, vocab_size: int, pad: int = 0, longest: int | None = None
) -> float:
    """Return the largest |difference| of outputs over all batches. Raises UserError if it is not under TOLERANCE."""
    largest = 0.0
    for ids, mask in batches(vocab_size, pad, longest):
        expected, found = model(ids, mask), exported(ids, mask)
        if found.shape != expected.shape:
            raise UserError(_refused(ids, f"gives {list(found.shape)}, the model {list(expected.shape)}"))
        difference = (found - expected).abs().max().item()
        if not difference < TOLERANCE:  # NaN is refused too
            raise UserError(_refused(ids, f"differs from the model by {difference:.1e}, allowed is {TOLERANCE:.0e}"))
        largest = max(largest, difference)
    return largest


def _refused(ids: Tensor, why: str) -> str:
    rows, length = ids.shape
    return f"not exported: on {rows} texts of {length} tokens the exported model {why}"
