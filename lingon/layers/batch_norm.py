"""Batch normalization of images with the mean and variance of the whole batch, over all processes."""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.distributed.nn.functional import all_reduce

from lingon.core.shapes import Float, Tensor


class BatchNorm(nn.BatchNorm2d):
    """(x - mean) / sqrt(variance + eps) * weight + bias for each channel (Ioffe and Szegedy 2015).

    In training, mean and variance are over all images and positions of the batch, in all processes; in evaluation they
    are the running ones, which are also used for a batch with a single value per channel. PyTorch's SyncBatchNorm does
    the same, but only on CUDA.
    """

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        if not (self.training and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
            return self._running(x) if self.training and x[:, 0].numel() == 1 else super().forward(x)
        wide = x.float()
        count = wide.new_full((1,), float(wide[:, 0].numel()))
        sums = all_reduce(torch.cat([wide.sum((0, 2, 3)), wide.square().sum((0, 2, 3)), count]))
        if sums[-1] == 1:
            return self._running(x)
        mean, square = (sums[:-1] / sums[-1]).chunk(2)
        variance = (square - mean.square()).clamp(min=0)
        self._note(mean.detach(), (variance * (sums[-1] / (sums[-1] - 1))).detach())
        scale = torch.rsqrt(variance + self.eps) * self.weight
        made = wide * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]
        return made.to(x.dtype)

    def _running(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Return images normalized by the running mean and variance."""
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)

    @torch.no_grad()
    def _note(self, mean: Float[Tensor, " C"], variance: Float[Tensor, " C"]) -> None:
        """Update the running mean and variance (with divisor n - 1) by those of a batch."""
        counted: Tensor = self.num_batches_tracked  # type: ignore[assignment]
        counted += 1
        share = 1 / int(counted) if self.momentum is None else self.momentum  # None: cumulative average
        running: tuple = ((self.running_mean, mean), (self.running_var, variance))
        for kept, new in running:
            kept.lerp_(new, share)
