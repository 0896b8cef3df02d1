"""Cross entropy over large vocabularies: exact in chunks, so that the logits never exist at once, or sampled."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.linear import onednn_product

IGNORED = -100  # a target that counts for nothing, such as padding; the number PyTorch uses too
RARE = 1e-30  # a share below it may have lost digits, so that its log is taken from the logits
Reduction = Literal["mean", "sum"]
CHUNK = 7 << 20  # numbers of logits that exist at a time: 28 MB, which the C library keeps for the next chunk


def chunked_cross_entropy(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"] | None,
    targets: Int[Tensor, " N"],
    chunk: int = CHUNK,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Compute the mean of -log softmax(hidden @ weight.T + bias)[target] over targets that are not IGNORED, or 0.

    reduction: "mean", or "sum" over those targets, as in PyTorch. label_smoothing: the part of each target that is
    shared by all tokens alike, as in PyTorch (Szegedy et al. 2016, section 7).
    The same value and gradients as from whole logits, in the memory of `chunk` of them: each chunk's gradients are
    computed while its logits are there. The gradient cannot itself be differentiated.
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
        # That of the weights lies the other way round, so that the product that makes it copies only the narrow factor.
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
    """Return the product with contiguous rows, which autograd keeps as a gradient without a copy."""
    return torch.mul(x, factor, out=torch.empty(x.shape, dtype=x.dtype, device=x.device))


def _shares(logits: Float[Tensor, "n V"]) -> Float[Tensor, "n V"]:
    """Return softmax(logits); on a CPU row by row, in place of the logits, so that the cache holds both."""
    return torch.softmax(logits, 1, out=logits) if logits.device.type == "cpu" else logits.softmax(1)


def _above_mean(
    hidden: Float[Tensor, "n D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"] | None,
    own: Int[Tensor, "n 1"],
) -> Float[Tensor, " n"]:
    """Return how much the logit of each target is above the mean of all logits: what smoothing adds to its loss."""
    difference = weight[own[:, 0]].float() - weight.float().mean(0)
    found = (hidden.float() * difference).sum(1)
    return found if bias is None else found + bias[own[:, 0]].float() - bias.float().mean()


def _in_precision(hidden: Tensor, *others: Tensor | None) -> list[Tensor | None]:
    """Return the factors of the products in the precision that autocast asks for, or as they are."""
    kind = hidden.device.type
    wanted = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
    return [x if x is None or wanted is None else x.to(wanted) for x in (hidden, *others)]


def _add(gradients: list, upstream: Float[Tensor, "n V"], hidden: Tensor, weight: Tensor, part: slice) -> None:
    """Add what the gradient of a chunk's logits gives to hidden, weight and bias."""
    of_hidden, of_weight, of_bias = gradients
    if of_bias is not None:
        of_bias += upstream.sum(0)
    if of_hidden is not None:
        of_hidden[part] = onednn_product(upstream, weight.T)
    if of_weight is not None:
        of_weight += onednn_product(hidden.T, upstream.T)


class SampledNegatives(NamedTuple):
    """Tokens sampled as negatives for the targets.

    expected: how often each negative, and each target, was to be expected among `tries` draws.
    """

    negatives: Int[Tensor, " S"]
    expected_negatives: Float[Tensor, " S"]
    expected_targets: Float[Tensor, " N"]


Proposal = Callable[[Int[Tensor, " N"]], SampledNegatives]


class LogUniform:
    """Draws different tokens with P(c) = (log(c + 2) - log(c + 1)) / log(V + 1), Zipf's law for ids by frequency.

    samples: how many different tokens each draw gives.
    """

    def __init__(self, vocab_size: int, samples: int):
        if not 0 < samples < vocab_size:
            raise UserError(f"{samples} samples of a vocabulary of {vocab_size}; expected 1 to {vocab_size - 1}")
        ids = torch.arange(vocab_size, dtype=torch.float64)
        self.probabilities = ((ids + 2).log() - (ids + 1).log()) / torch.tensor(vocab_size + 1.0).double().log()
        self.samples = samples

    def __call__(self, targets: Int[Tensor, " N"]) -> SampledNegatives:
        """Draw negatives for these targets, the same for all of them; random numbers are PyTorch's."""
        negatives, tries = draw_unique(self.probabilities, self.samples)
        expected = -torch.expm1(tries * torch.log1p(-self.probabilities))
        found = expected.float().to(targets.device)
        negatives = negatives.to(targets.device)
        return SampledNegatives(negatives, found[negatives], found[targets])


class Unigram(LogUniform):
    """Draws different tokens by how often they occur in the training text. counts: of each token, by id."""

    def __init__(self, counts: Float[Tensor, " V"], samples: int, power: float = 1.0):
        super().__init__(len(counts), samples)
        smooth = (counts.double() + 1).pow(power)  # a token that never occurred can be drawn too
        self.probabilities = smooth / smooth.sum()


def draw_unique(probabilities: Float[Tensor, " V"], samples: int) -> tuple[Int[Tensor, " S"], int]:
    """Draw with replacement until `samples` different tokens are there; returns them, and how many draws it took."""
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
    """Return the tokens that were not seen before, in the order in which they first came, and where they came."""
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
    """Compute the cross entropy of each target against a few sampled negatives, corrected for how often they are drawn.

    Every logit is lowered by the log of the expected count of its token, so that the gradient approaches that of the
    full softmax as more negatives are drawn. A negative that is the target itself does not count. For training only.
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
