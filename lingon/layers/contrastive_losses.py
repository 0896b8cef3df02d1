"""Contrastive losses of sentence vectors: matching texts are pulled together, others pushed apart."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor


def supervised_contrastive(
    vectors: Float[Tensor, "B D"], labels: Int[Tensor, " B"], temperature: float = 0.1
) -> Float[Tensor, ""]:
    """Return the supervised contrastive loss, summed over the rows (Khosla et al. 2020, equation 2).

    For row i, with P(i) the other rows of its label: -1/|P(i)| sum_p log(exp(s_ip) / sum_{a != i} exp(s_ia)), where s
    is the cosine divided by the temperature. A row whose label occurs only once contributes 0.
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
    """Return the InfoNCE loss with in-batch negatives, summed over the pairs.

    The loss of a pair is -log softmax(cosine / temperature) of its second text among all second texts and negatives
    (Henderson et al. 2017, section 4.4; van den Oord et al. 2018). negatives: texts that match none of the first ones,
    such as hard negatives. excluded: True for texts to leave out, second ones then negatives, M = B + N, because they
    may match a first text after all.
    """
    others = second if negatives is None else torch.cat([second, negatives])
    similar = _cosines(first, others) / temperature
    if excluded is not None:
        similar = similar.masked_fill(excluded, -torch.inf)
    return F.cross_entropy(similar, torch.arange(len(first), device=first.device), reduction="sum")


def _cosines(first: Float[Tensor, "B D"], second: Float[Tensor, "N D"]) -> Float[Tensor, "B N"]:
    """Return the cosines of all pairs, in float32: 16-bit errors would be too large after division by a temperature."""
    with torch.autocast(first.device.type, enabled=False):
        return F.normalize(first.float(), dim=-1) @ F.normalize(second.float(), dim=-1).T


def cosent(
    first: Float[Tensor, "B D"], second: Float[Tensor, "B D"], scores: Float[Tensor, " B"], temperature: float = 0.05
) -> Float[Tensor, ""]:
    """Return log(1 + sum exp((s_j - s_i) / temperature)) over all i, j where i has the higher score; s: cosines.

    A ranking loss: only the order of the cosines matters, as in Spearman's correlation, so that scores may have any
    scale (Su 2022, "CoSENT", equation 6).
    """
    cosines = F.cosine_similarity(first.float(), second.float()) / temperature
    wrong = cosines[None, :] - cosines[:, None]  # [i, j]: positive if the cosine of j is larger than that of i
    exponents = wrong[scores[:, None] > scores[None, :]]
    return torch.cat([exponents.new_zeros(1), exponents]).logsumexp(0)


def cosine_mse(
    first: Float[Tensor, "B D"], second: Float[Tensor, "B D"], scores: Float[Tensor, " B"]
) -> Float[Tensor, ""]:
    """Return the sum over the pairs of (cosine - score)^2 (Reimers and Gurevych 2019, section 3). scores: 0 to 1."""
    return F.mse_loss(F.cosine_similarity(first.float(), second.float()), scores, reduction="sum")


def matryoshka(loss: Callable[..., Tensor], widths: Sequence[int], *vectors: Float[Tensor, "_ D"]) -> Float[Tensor, ""]:
    """Return the mean over widths of a loss on the first `width` dimensions of vectors (Kusupati et al. 2022).

    Vectors can then be truncated to any of the widths. loss: a function of the given `vectors` arguments. Raises
    UserError for a width that the vectors do not have.
    """
    width = vectors[0].shape[1]
    if not widths or not all(1 <= each <= width for each in widths):
        raise UserError(f"the widths are {list(widths)}, expected numbers from 1 to {width}")
    return torch.stack([loss(*(v[:, :each] for v in vectors)) for each in widths]).mean()
