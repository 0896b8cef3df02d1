"""Compiled loops over the sparse features of texts: tf-idf values, document frequencies, sorting by text, logits."""

import numpy as np
import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.feature_keys import LOW, TEXT_BITS
from lingon.kernels.jit import kernel

TINY = np.finfo(np.float32).tiny


def tfidf_values(
    keys: Int[Tensor, " M"], counts: Int[Tensor, " M"], idf: Float[Tensor, " R"], texts: int
) -> Float[Tensor, " M"]:
    """Return the tf-idf value of each key, (1 + ln count) * idf of its row, normalized to length 1 per text.

    keys: `row << 32 | text`. The values of a text are 0 if all its idf are 0. A compiled loop for float32 on the CPU,
    torch operations otherwise; both add in the order of the keys.
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
    """Add the number of keys of each row to `found`, in place."""
    if found.device.type == "cpu":
        _count(keys.numpy(), found.numpy())
    else:
        found += torch.bincount(keys >> TEXT_BITS, minlength=len(found))


def by_text(
    keys: Int[Tensor, " M"], values: Float[Tensor, " M"], texts: int
) -> tuple[Int[Tensor, " M"], Float[Tensor, " M"], Int[Tensor, " texts+1"]]:
    """Return the rows and values of keys, grouped by text in a stable order, and the start of each text."""
    if keys.device.type != "cpu" or values.dtype != torch.float32:
        order, ends = (keys & LOW).argsort(stable=True), torch.bincount(keys & LOW, minlength=texts).cumsum(0)
        return (keys >> TEXT_BITS)[order], values[order], torch.cat([ends.new_zeros(1), ends])
    starts, rows, ordered = np.zeros(texts + 1, np.int64), np.empty(len(keys), np.int64), np.empty_like(values.numpy())
    _divide(keys.numpy(), values.numpy(), starts, rows, ordered)
    return torch.from_numpy(rows), torch.from_numpy(ordered), torch.from_numpy(starts)


@kernel
def linear_scores(rows, values, starts, ends, table, bias, out):
    """Set out[i] to bias + the sum of value * table row over the features of example i, starts[i] to ends[i]."""
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
