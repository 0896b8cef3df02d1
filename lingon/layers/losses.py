"""Cross entropy over large vocabularies: exact in chunks, without all logits in memory at once, or sampled."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.linear import onednn_product

IGNORED = -100  # a target that is ignored, such as padding; the same as in PyTorch
RARE = 1e-30  # a probability below it may be inexact, so its log is computed from the logits
Reduction = Literal["mean", "sum"]
CHUNK = 7 << 20  # logits in memory at a time: 28 MB, which the C library keeps for the next chunk


def chunked_cross_entropy(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"] | None,
    targets: Int[Tensor, " N"],
    chunk: int = CHUNK,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Return the mean of -log softmax(hidden @ weight.T + bias)[target] over targets that are not IGNORED, or 0.

    reduction: "mean", or "sum" over those targets, as in PyTorch. label_smoothing: the probability mass of each target
    that is spread evenly over all tokens, as in PyTorch (Szegedy et al. 2016, section 7).
    The same value and gradients as with all logits, in the memory of `chunk` logits: the gradients of a chunk are
    computed together with its logits. The gradient cannot be differentiated again.
    """
    if hidden.shape[1] != weight.shape[1] or len(hidden) != len(targets):
        raise UserError(f"hidden {[*hidden.shape]}, weight {[*weight.shape]} and {len(targets)} targets do not fit")
    rows = max(1, chunk // len(weight))
    return _Chunked.apply(hidden, weight, bias, targets, rows, reduction == "mean", label_smoothing)


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, bias, targets, rows, mean, smoothing):
        counted = targets != IGNORED
        count = int(counted.sum())
        loss = torch.zeros((), dtype=torch.float32, device=hidden.device)
        wanted = ctx.needs_input_grad[:3]
        # That of the weights is stored transposed, so that its matrix product copies only the narrow factor.
        gradients = [
            torch.zeros_like(x, memory_format=torch.contiguous_format) if w else None
            for x, w in zip((hidden, weight.T, bias), wanted, strict=True)
        ]
        hidden, weight, bias = _in_precision(hidden, weight, bias)
        for start in range(0, len(hidden), rows) if count else ():
            part = slice(start, start + rows)
            own = targets[part].where(counted[part], 0)[:, None]
            shares = _shares(onednn_product(hidden[part], weight, bias).float())
            share = shares.gather(1, own)[:, 0]
            nats = -share.log()
            if bool((rare := share < RARE).any()):
                logits = onednn_product(hidden[part][rare], weight, bias).float()
                nats[rare] = logits.logsumexp(1) - logits.gather(1, own[rare])[:, 0]
            if smoothing:
                nats += smoothing * _above_mean(hidden[part], weight, bias, own)
            loss += nats.where(counted[part], 0).sum()
            if any(wanted):
                shares.scatter_add_(1, own, shares.new_full(own.shape, smoothing - 1.0))
                shares = shares.sub_(smoothing / len(weight)) if smoothing else shares
                upstream = shares if bool(counted[part].all()) else shares.mul_(counted[part][:, None])
                _add(gradients, upstream.to(hidden.dtype), hidden[part], weight, part)
        ctx.save_for_backward(*gradients)
        ctx.count = max(1, count) if mean else 1
        return loss / ctx.count

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        of_hidden, of_weight, of_bias = ctx.saved_tensors
        own = (of_hidden, None if of_weight is None else of_weight.T, of_bias)
        return *(None if g is None else _times(g, gradient / ctx.count) for g in own), None, None, None, None


def _times(x: Tensor, factor: Tensor) -> Tensor:
    """Return the product as a contiguous tensor, which autograd takes as a gradient without a copy."""
    return torch.mul(x, factor, out=torch.empty(x.shape, dtype=x.dtype, device=x.device))


def _shares(logits: Float[Tensor, "n V"]) -> Float[Tensor, "n V"]:
    """Return softmax(logits); on a CPU in place, so that less memory is touched."""
    return torch.softmax(logits, 1, out=logits) if logits.device.type == "cpu" else logits.softmax(1)


def _above_mean(
    hidden: Float[Tensor, "n D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"] | None,
    own: Int[Tensor, "n 1"],
) -> Float[Tensor, " n"]:
    """Return the logit of each target minus the mean of all logits, the term that label smoothing adds to its loss."""
    difference = weight[own[:, 0]].float() - weight.float().mean(0)
    found = (hidden.float() * difference).sum(1)
    return found if bias is None else found + bias[own[:, 0]].float() - bias.float().mean()


def _in_precision(hidden: Tensor, *others: Tensor | None) -> list[Tensor | None]:
    """Return the factors of the products in the dtype of autocast, or unchanged without it."""
    kind = hidden.device.type
    wanted = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
    return [x if x is None or wanted is None else x.to(wanted) for x in (hidden, *others)]


def _add(gradients: list, upstream: Float[Tensor, "n V"], hidden: Tensor, weight: Tensor, part: slice) -> None:
    """Add the gradients of hidden, weight and bias that result from the gradient of a chunk's logits."""
    of_hidden, of_weight, of_bias = gradients
    if of_bias is not None:
        of_bias += upstream.sum(0)
    if of_hidden is not None:
        of_hidden[part] = onednn_product(upstream, weight.T)
    if of_weight is not None:
        of_weight += onednn_product(hidden.T, upstream.T)


class SampledNegatives(NamedTuple):
    """Tokens sampled as negatives for the targets.

    expected_negatives, expected_targets: expected number of occurrences of each in the draws.
    """

    negatives: Int[Tensor, " S"]
    expected_negatives: Float[Tensor, " S"]
    expected_targets: Float[Tensor, " N"]


Proposal = Callable[[Int[Tensor, " N"]], SampledNegatives]


class LogUniform:
    """Draws distinct tokens with P(c) = (log(c + 2) - log(c + 1)) / log(V + 1), Zipf's law for ids by frequency.

    samples: number of distinct tokens in each draw.
    """

    def __init__(self, vocab_size: int, samples: int):
        if not 0 < samples < vocab_size:
            raise UserError(f"{samples} samples of a vocabulary of {vocab_size}; expected 1 to {vocab_size - 1}")
        ids = torch.arange(vocab_size, dtype=torch.float64)
        self.probabilities = ((ids + 2).log() - (ids + 1).log()) / torch.tensor(vocab_size + 1.0).double().log()
        self.samples = samples

    def __call__(self, targets: Int[Tensor, " N"]) -> SampledNegatives:
        """Return negatives for these targets, the same for all of them, drawn with PyTorch's generator."""
        negatives, tries = draw_unique(self.probabilities, self.samples)
        expected = -torch.expm1(tries * torch.log1p(-self.probabilities))
        found = expected.float().to(targets.device)
        negatives = negatives.to(targets.device)
        return SampledNegatives(negatives, found[negatives], found[targets])


class Unigram(LogUniform):
    """Draws distinct tokens by their frequency in the training text. counts: of each token, by id."""

    def __init__(self, counts: Float[Tensor, " V"], samples: int, power: float = 1.0):
        super().__init__(len(counts), samples)
        smooth = (counts.double() + 1).pow(power)  # tokens that never occurred can be drawn too
        self.probabilities = smooth / smooth.sum()


def draw_unique(probabilities: Float[Tensor, " V"], samples: int) -> tuple[Int[Tensor, " S"], int]:
    """Draw with replacement until there are `samples` distinct tokens; return them, and the number of draws."""
    ladder, drawn_already, tries = probabilities.cumsum(0), torch.zeros(len(probabilities), dtype=torch.bool), 0
    ladder = ladder / ladder[-1]
    found: list[int] = []
    while True:
        drawn = torch.searchsorted(ladder, torch.rand(2 * samples, dtype=torch.float64)).clamp(max=len(ladder) - 1)
        fresh, place = _first_times(drawn, drawn_already)
        missing = samples - len(found)
        if len(fresh) >= missing:
            return torch.tensor(found + fresh[:missing].tolist()), tries + int(place[missing - 1]) + 1
        found += fresh.tolist()
        drawn_already[fresh] = True
        tries += len(drawn)


def _first_times(drawn: Int[Tensor, " M"], drawn_already: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tokens that were not drawn before, in the order of their first draw, and its index."""
    kinds, which = drawn.unique(return_inverse=True)
    first = torch.full((len(kinds),), len(drawn)).scatter_reduce(0, which, torch.arange(len(drawn)), "amin")
    place = first[~drawn_already[kinds]].sort().values
    return drawn[place], place


def sampled_cross_entropy(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"] | None,
    targets: Int[Tensor, " N"],
    propose: Proposal,
    reduction: Reduction = "mean",
) -> Float[Tensor, ""]:
    """Return the cross entropy of each target against sampled negatives, corrected for their sampling probabilities.

    The log of the expected count of its token is subtracted from each logit, so that the gradient approaches that of
    the full softmax as more negatives are drawn. A negative equal to the target is ignored. For training only.
    reduction: "mean" over the targets that are not IGNORED, or their "sum".
    Source: Bengio and Senecal 2008, "Adaptive importance sampling"; Jean et al. 2015, section 3.
    """
    kept = targets != IGNORED
    hidden, targets = (hidden, targets) if bool(kept.all()) else (hidden[kept], targets[kept])
    if not len(targets):
        return hidden.sum() * 0
    drawn = propose(targets)
    rows = F.embedding(torch.cat([targets, drawn.negatives]), weight)
    own = (hidden * rows[: len(targets)]).sum(1)
    others = hidden @ rows[len(targets) :].T
    if bias is not None:
        own, others = own + bias[targets], others + bias[drawn.negatives]
    others = others - drawn.expected_negatives.log()
    others = others.masked_fill(targets[:, None] == drawn.negatives, -torch.inf)
    logits = torch.cat([(own - drawn.expected_targets.log())[:, None], others], 1)
    return F.cross_entropy(logits.float(), torch.zeros_like(targets), reduction=reduction)
