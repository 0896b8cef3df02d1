"""Starting a training from a bundle of the same task: its model is trained further, other labels get a new head."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from lingon.core.errors import UserError
from lingon.core.terminal import printable
from lingon.engine.world import world
from lingon.models.registry import get_entry
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained, model_name, rebuilt
from lingon.tasks.tuning_options import refuse_dropout, refuse_fresh, require_tuning

SLOWER = 0.25  # of the usual learning rate: what has learned already needs smaller steps
OF_ENCODERS = ("head_lr", "layer_lr_decay")  # settings of a head on an encoder of texts


def started_from_own(settings: Any, pretrained: Pretrained, kind: type, expected: str) -> Any:
    """Return the settings for a training that starts from a trained task: their model is that of the weights.

    kind: the class of the task. expected: what it is called, for messages. The learning rate is a quarter of the
    model's own where none is given. Raises UserError for a bundle of another task, and for settings that the weights
    have decided, such as --width.
    """
    known, model = isinstance(pretrained.task, kind), pretrained.task.parts.get("model")
    if not known:
        raise pretrained.error(f"{expected}, the folder of a bundle or a run")
    refuse_fresh(settings, pretrained)
    require_tuning(settings, ("full",), f"but {pretrained.name} is trained whole")
    for name in OF_ENCODERS:
        if getattr(settings, name) is not None:
            flag = f"--{name.replace('_', '-')} is {getattr(settings, name)}"
            raise UserError(f"{flag}, which is for encoders of texts; leave it out")
    refuse_dropout(settings, pretrained, model)
    found = replace(settings, model=model_name(model))
    refuse_unused(found)
    usual = get_entry(found.model).defaults.get("lr")
    return replace(found, lr=SLOWER * float(usual)) if found.lr is None and usual is not None else found


def started_model(model: Any, dropout: float | None = None, **changes: Any) -> tuple[nn.Module, list[str]]:
    """Return a loaded model with another dropout and other options, and the names of its fresh weights.

    dropout: None keeps its own. changes: such as the number of classes; without any it is the same model.
    """
    if dropout is not None:
        changes["dropout"] = dropout
    return rebuilt(model, **changes) if changes else (model, [])


def model_for_labels(
    model: Any, own: Sequence[str], labels: Sequence[str], name: str, dropout: float | None = None, noun: str = "labels"
) -> tuple[nn.Module, list[str]]:
    """Return a loaded model for these labels, and the labels of its outputs.

    Where it knows all of them, its head and its labels, own, are kept; else its head is fresh and all other weights
    are kept, which is reported. name: of the weights, noun: of the labels, for the message.
    """
    if set(labels) <= set(own):
        return started_model(model, dropout)[0], list(own)
    return with_new_head(model, own, len(labels), name, dropout, noun), list(labels)


def with_new_head(
    model: Any, own: Sequence[str], classes: int, name: str, dropout: float | None = None, noun: str = "labels"
) -> nn.Module:
    """Return a loaded model with a fresh head of so many classes; all other weights are kept. Reports this."""
    made, fresh = started_model(model, dropout, classes=classes)
    if world().rank == 0:
        some = printable(", ".join(own[:3])) + (", ..." if len(own) > 3 else "")
        print(
            f"the {noun} differ from those of {name} ({some}): {', '.join(fresh)} are initialized anew", file=sys.stderr
        )
    return made


def refuse_other_size(name: str, own: Sequence[int], given: Sequence[int]) -> None:
    """Raise UserError for images of another height and width than loaded weights were made for."""
    if tuple(own) != tuple(given):
        wanted = f"--image-size {own[0]}" if own[0] == own[1] else "images of that shape"
        raise UserError(
            f"--from {name} reads images of {own[0]} x {own[1]} pixels, and these are {given[0]} x {given[1]}; "
            f"give {wanted}"
        )
