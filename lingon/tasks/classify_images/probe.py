"""The training of a linear layer on what frozen convolutions say of images, which is computed once."""

from typing import Any

import torch
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.progress import track
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import Loader, SequentialOrder
from lingon.data.batches.images import as_floats
from lingon.data.labelled_images import ImageSplits, LabelledImages
from lingon.engine.convex_optimum import ConvexOptimum
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify_images.image_classifier import ImageClassifier, images_at_once
from lingon.tasks.tuning_options import HEAD_PATH


@torch.no_grad()
def vectors_of(classifier: ImageClassifier, images: LabelledImages) -> Float[Tensor, "n D"]:
    """Return what the linear layer of a probe reads of images, in their order."""
    view, found = eval_view(classifier.model), []
    rows = images_at_once(images.pixels)
    with track(len(images), "reading images", "image") as bar:
        for at in range(0, len(images), rows):
            some = as_floats(torch.from_numpy(images.pixels[at : at + rows])).to(classifier.device)
            found.append(view.vectors(some).float().cpu())
            bar.advance(len(some))
    return torch.cat(found)


def probe_parts(classifier: ImageClassifier, data: ImageSplits, settings: Settings) -> dict[str, Any]:
    """Return what the `Training` of a probe has in place of batches of images: vectors, and an optimizer.

    Its module is the linear layer alone, so that a checkpoint holds no more. The validation images choose C of a path,
    where the settings name none.
    """
    model: Any = classifier.model
    train, valid = (vectors_of(classifier, part) for part in (data.train, data.valid))
    columns: dict[str, Any] = {"vectors": train, "labels": classifier.numbers(data.train.labels)}
    numbers = classifier.numbers(data.valid.labels)
    path = (settings.C,) if settings.C is not None else HEAD_PATH

    def loss(logits: Tensor, batch: Any) -> Any:
        return classifier.targets.loss(logits, batch.labels)

    def evaluate(module: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            return classifier.targets.metrics_of(module(valid), numbers)

    head = model.out.cpu()
    return {
        "module": head,
        "batches": Loader(columns, SequentialOrder(len(train), len(train))),
        "loss": lambda module, batch: loss(module(batch.vectors), batch),
        "evaluator": evaluate,
        "optimizer": ConvexOptimum(head, loss, path),
        "calibrate": lambda: _whole_again(classifier, head),
    }


def _whole_again(classifier: ImageClassifier, head: nn.Module) -> None:
    """Bring the linear layer, which was trained on the CPU, to where its convolutions are."""
    head.to(classifier.device)
