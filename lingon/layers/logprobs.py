"""Log-probabilities of tokens over large vocabularies, with only part of the logits in memory at a time."""

from collections.abc import Iterator
from typing import Any

import torch

from lingon.core.shapes import Float, Int, Tensor
from lingon.kernels.linear import onednn_product
from lingon.layers.losses import CHUNK


def chunked_logprobs(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"] | None,
    targets: Int[Tensor, " N"],
    chunk: int = CHUNK,
) -> Float[Tensor, " N"]:
    """Return log softmax(hidden @ weight.T + bias)[target] of each target, in float32.

    The same values and gradients as with all logits, in the memory of `chunk` logits, which are computed again in the
    backward pass. Unlike in `chunked_cross_entropy`, a sum, each target has its own gradient.
    """
    return _LogProbs.apply(hidden, weight, bias, targets, max(1, chunk // len(weight)))


class _LogProbs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, rows: int) -> Tensor:
        ctx.save_for_backward(hidden, weight, bias, targets)
        ctx.rows = rows
        out = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        for part, logits in _parts(hidden, weight, bias, rows):
            own = logits.gather(1, targets[part, None])[:, 0]
            out[part] = own - logits.logsumexp(1)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, targets = ctx.saved_tensors
        of_hidden, of_weight, of_bias = (
            torch.zeros_like(x) if wanted else None
            for x, wanted in zip((hidden, weight, bias), ctx.needs_input_grad[:3], strict=True)
        )
        for part, logits in _parts(hidden, weight, bias, ctx.rows):
            # d log p / d logits = [target] - p
            upstream = logits.softmax(1).neg_().mul_(gradient[part, None])
            upstream.scatter_add_(1, targets[part, None], gradient[part, None])
            upstream = upstream.to(hidden.dtype)
            if of_hidden is not None:
                of_hidden[part] = onednn_product(upstream, weight.T)
            if of_weight is not None:
                of_weight += onednn_product(upstream.T.contiguous(), hidden[part].T)
            if of_bias is not None:
                of_bias += upstream.sum(0)
        return of_hidden, of_weight, of_bias, None, None


def _parts(hidden: Tensor, weight: Tensor, bias: Tensor | None, rows: int) -> Iterator[tuple[slice, Tensor]]:
    """Yield slices of `rows` rows and their logits, in float32."""
    for start in range(0, len(hidden), rows):
        part = slice(start, start + rows)
        yield part, onednn_product(hidden[part], weight, bias).float()
