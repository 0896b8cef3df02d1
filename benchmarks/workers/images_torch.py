"""The plain way of training on images: torch.nn, a DataLoader over tensors, and a loop."""

import torch
import torch.nn.functional as F
from serve import serve
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lingon.data.load_images import load_images

SHIFT = 2
state = {}


class Block(nn.Module):
    """Two convolutions, added to what they read."""

    def __init__(self, read, made, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(read, made, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(made)
        self.conv2 = nn.Conv2d(made, made, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(made)
        self.shortcut = nn.Conv2d(read, made, 1, stride, bias=False)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


def network(width, classes):
    """The same network as `lingon.models.resnet` with two stages."""
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        Block(width, 2 * width, 1),
        Block(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * width, classes),
    )


def start(images, rows, lr, width, threads, seed):
    """Makes the network and the loader; returns the number of weights."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    train = load_images("fashion-mnist").train[:images]
    labels = sorted(train.label_counts())
    pixels = torch.from_numpy(train.pixels).permute(0, 3, 1, 2).float() / 255
    numbers = torch.tensor([labels.index(label) for label in train.labels])
    net = network(width, len(labels)).train()
    loader = DataLoader(TensorDataset(pixels, numbers), batch_size=rows, shuffle=True)
    state.update(net=net, loader=loader, optimizer=torch.optim.AdamW(net.parameters(), lr, weight_decay=0.05))
    return {"weights": sum(p.numel() for p in net.parameters())}


def varied(images):
    """Each image mirrored or not, and moved by up to two pixels."""
    images = torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(3), images)
    padded, side = F.pad(images, [SHIFT] * 4), images.shape[-1]
    moves = torch.randint(2 * SHIFT + 1, (len(images), 2)).tolist()
    return torch.stack([one[:, y : y + side, x : x + side] for one, (y, x) in zip(padded, moves, strict=True)])


def run():
    """Trains once over all images; returns the loss of the last batch."""
    for images, labels in state["loader"]:
        loss = F.cross_entropy(state["net"](varied(images)), labels)
        state["optimizer"].zero_grad()
        loss.backward()
        state["optimizer"].step()
    return {"loss": loss.item()}


serve(start=start, run=run)
