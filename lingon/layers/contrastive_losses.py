"""Losses of vectors by comparison: texts that belong together come close, others move apart."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor


def supervised_contrastive(
    vectors: Float[Tensor, "B D"], labels: Int[Tensor, " B"], temperature: float = 0.1
) -> Float[Tensor, ""]:
    """Return the sum over the rows of -log of the share that rows of the same label have of all others, in mean.

    Of rows i with others P(i) of their label: -1/|P(i)| sum_p log(exp(s_ip) / sum_{a != i} exp(s_ia)), s the cosine
    over the temperature (Khosla et al. 2020, equation 2). A row alone with its label counts for nothing.
    """
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    similar = (_cosines(vectors, vectors) / temperature).masked_fill(itself, -torch.inf)
    alike = (labels[:, None] == labels[None]) & ~itself
    logs = similar.log_softmax(-1).masked_fill(~alike, 0.0)
    return -(logs.sum(1) / alike.sum(1).clamp(min=1)).sum()


def in_batch_negatives(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    negatives: Float[Tensor, "N D"] | None = None,
    temperature: float = 0.05,
    excluded: Bool[Tensor, "B M"] | None = None,
) -> Float[Tensor, ""]:
    """Return the sum over the pairs of -log of the share that the second text has among all second texts of the batch.

    negatives: more texts that none of the first ones belongs to, such as hard negatives. excluded: where a text counts
    for nothing, of the second ones and then the negatives, M = B + N, as it may belong to a first one after all. Shares
    are a softmax of cosines over the temperature (Henderson et al. 2017, section 4.4; van den Oord et al. 2018,
    InfoNCE).
    """
    others = second if negatives is None else torch.cat([second, negatives])
    similar = _cosines(first, others) / temperature
    if excluded is not None:
        similar = similar.masked_fill(excluded, -torch.inf)
    return F.cross_entropy(similar, torch.arange(len(first), device=first.device), reduction="sum")


def _cosines(first: Float[Tensor, "B D"], second: Float[Tensor, "N D"]) -> Float[Tensor, "B N"]:
    """Return the cosines of all with all, in float32: divided by a temperature, the errors of 16 bits are too large."""
    with torch.autocast(first.device.type, enabled=False):
        return F.normalize(first.float(), dim=-1) @ F.normalize(second.float(), dim=-1).T


def cosent(
    first: Float[Tensor, "B D"], second: Float[Tensor, "B D"], scores: Float[Tensor, " B"], temperature: float = 0.05
) -> Float[Tensor, ""]:
    """Return log(1 + sum of exp((s_j - s_i) / temperature)) over all i, j of which i has the higher score; s: cosines.

    A loss of the order of pairs: cosines may be what they like, as long as they rise with the scores, which is what
    Spearman's correlation measures, so scores of any scale will do (Su 2022, "CoSENT", equation 6).
    """
    cosines = F.cosine_similarity(first.float(), second.float()) / temperature
    wrong = cosines[None, :] - cosines[:, None]  # [i, j]: above zero where j comes closer than i
    exponents = wrong[scores[:, None] > scores[None, :]]
    return torch.cat([exponents.new_zeros(1), exponents]).logsumexp(0)


def cosine_mse(
    first: Float[Tensor, "B D"], second: Float[Tensor, "B D"], scores: Float[Tensor, " B"]
) -> Float[Tensor, ""]:
    """Return the sum over the pairs of (cosine - score)^2 (Reimers and Gurevych 2019, section 3). scores: 0 to 1."""
    return F.mse_loss(F.cosine_similarity(first.float(), second.float()), scores, reduction="sum")


def matryoshka(loss: Callable[..., Tensor], widths: Sequence[int], *vectors: Float[Tensor, "_ D"]) -> Float[Tensor, ""]:
    """Return the mean over widths of a loss of the first numbers of each vector (Kusupati et al. 2022).

    So that vectors may be cut to any of the widths and still compare well. loss: of as many groups of vectors as are
    given. Raises UserError for a width that the vectors do not have.
    """
    width = vectors[0].shape[1]
    if not widths or not all(1 <= each <= width for each in widths):
        raise UserError(f"the widths are {list(widths)}, expected numbers from 1 to {width}")
    return torch.stack([loss(*(v[:, :each] for v in vectors)) for each in widths]).mean()
