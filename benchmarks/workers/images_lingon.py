"""Our way of training on images: the network, the batches and the loop of Lingon, as the recipes use them."""

import torch
from serve import serve

from lingon.core.seed import seed_everything
from lingon.data.batches import Augments, RandomFlip, RandomShift
from lingon.data.image_layout import layout_of
from lingon.data.load_images import load_images
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.engine.training_parts import PRECISIONS
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import build
from lingon.tasks.classify_images import ImageClassifier

state = {}


def start(images, rows, lr, width, threads, seed):
    """Makes the network and keeps the images; returns the number of weights."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    seed_everything(seed)
    train = load_images("fashion-mnist").train[:images]
    labels = sorted(train.label_counts())
    net = build("resnet", {"classes": len(labels), "width": width})
    task = ImageClassifier(net, labels, layout_of(train.pixels))
    state.update(task=task, train=train, rows=rows, optimizer=adamw(net, lr, 0.05), turn=seed)
    return {"weights": sum(p.numel() for p in net.parameters())}


def run(precision="float32"):
    """Trains once over all images, in a new order; returns the mean loss."""
    state["turn"] += 1
    task, augment = state["task"], Augments([RandomFlip(), RandomShift(2)])
    batches = task.batches(state["train"], batch_size=state["rows"], seed=state["turn"], augment=augment)
    config = TrainConfig(epochs=1, precision=PRECISIONS[precision]())
    history = fit(task.model, batches, task.loss, state["optimizer"], config=config)
    return {"loss": history.rows[-1]["loss"] if history.rows else None}


serve(start=start, run=run)
