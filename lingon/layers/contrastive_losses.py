"""Losses of vectors by comparison: texts that belong together come close, others move apart."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor


def supervised_contrastive(
    vectors: Float[Tensor, "B D"], labels: Int[Tensor, " B"], temperature: float = 0.1
) -> Float[Tensor, ""]:
    """Return the sum over the rows of -log of the share that rows of the same label have of all others, in mean.

    Of rows i with others P(i) of their label: -1/|P(i)| sum_p log(exp(s_ip) / sum_{a != i} exp(s_ia)), s the cosine
    over the temperature (Khosla et al. 2020, equation 2). A row alone with its label counts for nothing.
    """
    unit = F.normalize(vectors.float(), dim=-1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    similar = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf)
    alike = (labels[:, None] == labels[None]) & ~itself
    logs = similar.log_softmax(-1).masked_fill(~alike, 0.0)
    return -(logs.sum(1) / alike.sum(1).clamp(min=1)).sum()


def in_batch_negatives(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    negatives: Float[Tensor, "N D"] | None = None,
    temperature: float = 0.05,
) -> Float[Tensor, ""]:
    """Return the sum over the pairs of -log of the share that the second text has among all second texts of the batch.

    negatives: more texts that none of the first ones belongs to, such as hard negatives. Shares are a softmax of
    cosines over the temperature (Henderson et al. 2017, section 4.4; van den Oord et al. 2018, InfoNCE).
    """
    others = second if negatives is None else torch.cat([second, negatives])
    similar = F.normalize(first.float(), dim=-1) @ F.normalize(others.float(), dim=-1).T / temperature
    return F.cross_entropy(similar, torch.arange(len(first), device=first.device), reduction="sum")


def matryoshka(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    widths: Sequence[int],
    negatives: Float[Tensor, "N D"] | None = None,
    temperature: float = 0.05,
) -> Float[Tensor, ""]:
    """Return the mean over widths of `in_batch_negatives` of the first numbers of each vector (Kusupati et al. 2022).

    So that vectors may be cut to any of the widths and still compare well. Raises UserError for a width that the
    vectors do not have.
    """
    if not widths or not all(1 <= width <= first.shape[1] for width in widths):
        raise UserError(f"the widths are {list(widths)}, expected numbers from 1 to {first.shape[1]}")
    cut = lambda x, width: None if x is None else x[:, :width]
    losses = [
        in_batch_negatives(first[:, :width], second[:, :width], cut(negatives, width), temperature) for width in widths
    ]
    return torch.stack(losses).mean()
