"""A small image generator with its judge, and images of three labels that are easy to tell, for tests."""

import numpy as np
import torch

from lingon.data.labelled_images import LabelledImages
from lingon.models.registry import build
from lingon.tasks.synthesize import Synthesizer

LABELS = ["bag", "coat", "dress"]
NAMES = {"model": "vae", "judge": "feature_network"}
SIZES = {"image_height": 5, "image_width": 7, "channels": 1, "classes": 3, "width": 4}


def images(count=17, seed=0):
    """Images of 5 x 7 pixels: dark with a light stripe, whose place tells the label."""
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 60, (count, 5, 7, 1), np.uint8)
    for i in range(count):
        pixels[i, :, 2 * (i % 3) : 2 * (i % 3) + 2] += 180
    return LabelledImages(pixels, [LABELS[i % 3] for i in range(count)])


def made_synthesizer(name="vae", **sizes):
    """A generator with random weights that do something."""
    torch.manual_seed(1)
    judge = build("feature_network", {"channels": 1, "classes": 3, "width": 3, "features": 11})
    model = build(name, {**SIZES, **sizes})
    for weights in model.parameters():  # some begin at zero
        if not weights.detach().any():
            torch.nn.init.normal_(weights, std=0.2)
    return Synthesizer(model.eval(), judge.eval(), LABELS)
