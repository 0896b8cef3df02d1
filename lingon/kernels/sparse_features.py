"""Compiled loops over the sparse features of texts: tf-idf values, document frequencies, order by text, and scores."""

import numpy as np
import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.feature_keys import LOW, TEXT_BITS
from lingon.kernels.jit import kernel

TINY = np.finfo(np.float32).tiny


def tfidf_values(
    keys: Int[Tensor, " M"], counts: Int[Tensor, " M"], idf: Float[Tensor, " R"], texts: int
) -> Float[Tensor, " M"]:
    """Return (1 + ln count) * idf of the row of each key, those of a text scaled to length 1; 0 where all are 0.

    keys: `row << 32 | text`. A compiled loop on the CPU for float32, torch operations elsewhere; both add in the order
    of the keys.
    """
    if idf.device.type == "cpu" and idf.dtype == torch.float32:
        out = np.empty(len(keys), np.float32)
        _tfidf(keys.numpy(), counts.numpy(), idf.detach().numpy(), np.zeros(texts, np.float32), out)
        return torch.from_numpy(out)
    values = (1 + counts.to(idf.dtype).log()) * idf[keys >> TEXT_BITS]
    squares = torch.zeros(texts, dtype=values.dtype, device=values.device)
    squares.index_add_(0, keys & LOW, values.square())
    return values * squares.clamp(min=torch.finfo(values.dtype).tiny).rsqrt()[keys & LOW]


def count_rows(keys: Int[Tensor, " M"], found: Float[Tensor, " R"]) -> None:
    """Add to `found` how many of the keys are of each row."""
    if found.device.type == "cpu":
        _count(keys.numpy(), found.numpy())
    else:
        found += torch.bincount(keys >> TEXT_BITS, minlength=len(found))


def by_text(
    keys: Int[Tensor, " M"], values: Float[Tensor, " M"], texts: int
) -> tuple[Int[Tensor, " M"], Float[Tensor, " M"], Int[Tensor, " texts+1"]]:
    """Return the rows and values of keys, those of each text together in their order, and where each text starts."""
    if keys.device.type != "cpu" or values.dtype != torch.float32:
        order, ends = (keys & LOW).argsort(stable=True), torch.bincount(keys & LOW, minlength=texts).cumsum(0)
        return (keys >> TEXT_BITS)[order], values[order], torch.cat([ends.new_zeros(1), ends])
    starts, rows, ordered = np.zeros(texts + 1, np.int64), np.empty(len(keys), np.int64), np.empty_like(values.numpy())
    _divide(keys.numpy(), values.numpy(), starts, rows, ordered)
    return torch.from_numpy(rows), torch.from_numpy(ordered), torch.from_numpy(starts)


@kernel
def linear_scores(rows, values, starts, ends, table, bias, out):
    """Set out[i] to bias + the sum over the features of example i, from starts[i] to ends[i], of value times row."""
    for i in range(len(starts)):
        for c in range(table.shape[1]):
            out[i, c] = bias[c]
        for k in range(starts[i], ends[i]):
            for c in range(table.shape[1]):
                out[i, c] += values[k] * table[rows[k], c]


@kernel
def _tfidf(keys, counts, idf, norms, out):
    for k in range(len(keys)):
        value = idf[keys[k] >> TEXT_BITS]
        if counts[k] > 1:
            value *= np.float32(1) + np.log(np.float32(counts[k]))
        out[k] = value
        norms[keys[k] & LOW] += value * value
    for i in range(len(norms)):
        norms[i] = np.float32(1) / np.sqrt(max(norms[i], TINY))
    for k in range(len(keys)):
        out[k] *= norms[keys[k] & LOW]


@kernel
def _count(keys, found):
    for k in range(len(keys)):
        found[keys[k] >> TEXT_BITS] += 1


@kernel
def _divide(keys, values, starts, rows, ordered):
    for k in range(len(keys)):
        starts[(keys[k] & LOW) + 1] += 1
    for i in range(len(starts) - 1):
        starts[i + 1] += starts[i]
    place = starts[:-1].copy()
    for k in range(len(keys)):
        at = place[keys[k] & LOW]
        rows[at], ordered[at] = keys[k] >> TEXT_BITS, values[k]
        place[keys[k] & LOW] += 1
