"""The judge of made images: a small classifier of real ones, by whose features the two are compared."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.core.seed import seed_everything
from lingon.core.shapes import Float, Int
from lingon.core.tensors import load_tensors, save_tensors
from lingon.data.batches import Batch, Images, Loader, Shuffled
from lingon.data.batches.images import as_floats
from lingon.data.labelled_images import LabelledImages
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import adamw
from lingon.engine.schedule import linear
from lingon.engine.world import wait_for_all
from lingon.models.registry import build
from lingon.tasks.training import TrainContext

MODEL, FILE = "feature_network", "judge.safetensors"
EPOCHS, STEPS, BATCH, LR, SEED = 3, 300, 128, 2e-3, 0  # the seed is always the same: all runs have the same judge
AT_ONCE = 512


def judge_for(train: LabelledImages, labels: Sequence[str], given: str | None, context: TrainContext) -> nn.Module:
    """Return the judge of a training: of the bundle that is given, or trained on these images.

    One that was trained is kept in the run's folder, for when the run is resumed.
    """
    if given is not None:
        return _of_bundle(given, train, labels, context)
    options = {"channels": train.pixels.shape[-1], "classes": len(labels)}
    seed_everything(SEED)
    judge, kept = build(MODEL, options), context.folder / FILE
    if context.world.rank == 0 and not kept.exists():
        _train(judge, train, labels)
        save_tensors(kept, judge.state_dict())
    wait_for_all()
    judge.load_state_dict(load_tensors(Path(kept), expect=judge.state_dict()))
    return judge.to(context.device).eval()


def _of_bundle(given: str, train: LabelledImages, labels: Sequence[str], context: TrainContext) -> nn.Module:
    assert context.load_task is not None, "a training that takes a bundle's name can open it"
    task = context.load_task(given)
    judge: Any = getattr(task, "judge", getattr(task, "model", None))
    if not hasattr(judge, "features"):
        raise UserError(f"--judge {given!r} has no classifier of images; give the bundle of an image generator")
    if getattr(task, "labels", None) != list(labels):
        known = ", ".join(getattr(task, "labels", [])[:5])
        raise UserError(f"--judge {given!r} knows other labels ({known}, ...) than {', '.join(labels[:5])}, ...")
    channels = judge.config().get("channels")
    if channels != train.pixels.shape[-1]:
        raise UserError(f"--judge {given!r} reads images of {channels} channels, not {train.pixels.shape[-1]}")
    return judge.to(context.device).eval()


def _train(judge: nn.Module, train: LabelledImages, labels: Sequence[str]) -> None:
    number = {label: i for i, label in enumerate(labels)}
    targets = np.array([number[label] for label in train.labels], np.int64)
    batches = Loader({"images": Images(train.pixels), "labels": targets}, Shuffled(len(train), BATCH, SEED))
    epochs = max(EPOCHS, -(-STEPS // len(batches)))
    config = TrainConfig(epochs=epochs, schedule=linear(epochs * len(batches)))
    print("first the judge is trained, a classifier of the real images", file=sys.stderr)
    judge.train()
    fit(judge, batches, _cross_entropy, adamw(judge, LR), config=config)


def _cross_entropy(judge: nn.Module, batch: Batch) -> Loss:
    return Loss(F.cross_entropy(judge(batch.images), batch.labels, reduction="sum"), len(batch.labels))


@torch.inference_mode()
def judged(judge: Any, pixels: np.ndarray) -> tuple[Float[np.ndarray, "N D"], Int[np.ndarray, " N"]]:
    """Return the features of images, uint8 [N, H, W, C], and the number of the label that the judge gives each."""
    view, device = eval_view(judge), next(judge.parameters()).device
    features, labels = [], []
    for start in range(0, len(pixels), AT_ONCE):
        images = as_floats(torch.from_numpy(pixels[start : start + AT_ONCE])).to(device)
        found = view.features(images).float()
        found = found.mean((2, 3)) if found.ndim == 4 else found  # of a classifier that has features of each place
        features.append(found.cpu().numpy())
        labels.append(view(images).argmax(1).cpu().numpy())
    return np.concatenate(features), np.concatenate(labels)
