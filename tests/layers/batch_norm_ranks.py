"""A batch of images normalized by any number of processes: `torchrun ... -m tests.layers.batch_norm_ranks FILE`."""

import sys

import torch
from safetensors.torch import save_file

from lingon.engine.distributed import process_group
from lingon.layers.batch_norm import BatchNorm

IMAGES = torch.randn(11, 3, 5, 7, generator=torch.Generator().manual_seed(0)) * 2 + 1
SLOPES = torch.randn(11, 3, 5, 7, generator=torch.Generator().manual_seed(1))


def normalized(rank, size):
    """Of the images of a process: what the layer makes, the gradients, and the running statistics."""
    torch.manual_seed(0)
    layer, x = BatchNorm(3), IMAGES[rank::size].clone().requires_grad_()
    with torch.no_grad():
        layer.weight.uniform_(0.5, 1.5)
        layer.bias.uniform_(-1, 1)
    y = layer(x)
    (y * SLOPES[rank::size]).sum().backward()
    running = {"mean": layer.running_mean, "var": layer.running_var, "batches": layer.num_batches_tracked}
    return {"y": y.detach(), "dx": x.grad, "dw": layer.weight.grad, "db": layer.bias.grad, **running}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with process_group(torch.device("cpu")) as place:
        found = {name: one.contiguous() for name, one in normalized(place.rank, place.size).items()}
        save_file(found, f"{sys.argv[1]}-{place.rank}")
