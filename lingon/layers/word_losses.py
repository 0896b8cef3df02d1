"""Losses of word vectors: skip-gram with negative sampling, and GloVe; in plain PyTorch, for autograd."""

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Tensor


def negative_sampling(
    centre: Float[Tensor, "N D"], context: Float[Tensor, "N D"], noise: Float[Tensor, "N K D"]
) -> Float[Tensor, ""]:
    """Return the mean over N pairs of -log s(v . u) - sum_k log s(-v . u_k), s the logistic function.

    centre: input vectors v of words. context: output vectors u of their neighbours. noise: output vectors u_k of K
    words drawn for each pair. Source: Mikolov et al., "Distributed Representations of Words and Phrases and their
    Compositionality", 2013, equation 4.
    """
    observed = F.logsigmoid((centre * context).sum(-1))
    drawn = F.logsigmoid(-(noise @ centre[:, :, None]).squeeze(-1)).sum(-1)
    return -(observed + drawn).mean()


def glove(
    words: Float[Tensor, "N D"],
    contexts: Float[Tensor, "N D"],
    word_bias: Float[Tensor, " N"],
    context_bias: Float[Tensor, " N"],
    counts: Float[Tensor, " N"],
    most: float = 100.0,
    power: float = 0.75,
) -> Float[Tensor, ""]:
    """Return the mean over N pairs of f(X) (w . u + b + c - log X)^2 with f(X) = min(1, X / most)^power.

    counts: co-occurrence counts X of the pairs, X > 0. Source: Pennington, Socher, Manning, "GloVe: Global Vectors for
    Word Representation", 2014, equations 8 and 9. Raises UserError for a count that is not positive.
    """
    if not bool((counts > 0).all()):
        raise UserError(f"a count of {counts.min().item():g}; GloVe is about pairs that were seen together, X > 0")
    weight = (counts / most).clamp(max=1) ** power
    error = (words * contexts).sum(-1) + word_bias + context_bias - torch.log(counts)
    return (weight * error.square()).mean()
