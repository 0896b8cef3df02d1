"""An image classifier's training that starts from a bundle of one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lingon.data.image_layout import ImageLayout, in_channels
from lingon.data.labelled_images import ImageSplits, LabelledImages
from lingon.models.registry import get_entry
from lingon.tasks.classify_images.image_classifier import ImageClassifier
from lingon.tasks.classify_images.settings import checked, is_probe
from lingon.tasks.own_weights import model_for_labels, refuse_other_size, started_from_own
from lingon.tasks.pretrained import Pretrained, model_name

if TYPE_CHECKING:
    from lingon.tasks.classify.settings import Settings


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    probe = is_probe(model_name(pretrained.task.model))
    given = replace(settings, C=None) if probe else settings
    found = started_from_own(given, pretrained, ImageClassifier, "an image classifier")
    return checked(replace(found, C=settings.C))


def started_classifier(
    pretrained: Pretrained, labels: Sequence[str], layout: ImageLayout, settings: "Settings"
) -> ImageClassifier:
    """Return a classifier with the weights of a loaded one, which keeps its head where it knows these labels.

    layout: of the images, in the channels of the model. Raises UserError for images of another size where its linear
    layers want one.
    """
    source = pretrained.take()
    if "image_height" in get_entry(settings.model).options:
        own = source.layout
        refuse_other_size(pretrained.name, (own.height, own.width), (layout.height, layout.width))
    model, labels = model_for_labels(source.model, source.labels, labels, pretrained.name, settings.dropout)
    return ImageClassifier(model, labels, layout)


def in_channels_of(data: ImageSplits, pretrained: Pretrained) -> ImageSplits:
    """Return the images in grey or RGB, whichever the loaded model reads."""
    channels: Any = pretrained.task.layout.channels
    train, valid, test = (_converted(part, channels) for part in (data.train, data.valid, data.test))
    return replace(data, train=train, valid=valid, test=test)


def _converted(images: LabelledImages, channels: int) -> LabelledImages:
    if images.pixels.shape[-1] == channels or not len(images):
        return images
    return replace(images, pixels=np.stack([in_channels(one, channels) for one in images.pixels]))
