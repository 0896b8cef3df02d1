"""The metrics of a generator while it trains: the Frechet distance of some images to the validation images."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

from lingon.core.errors import UserError
from lingon.data.labelled_images import LabelledImages
from lingon.metrics.frechet import frechet_distance, gaussian_of
from lingon.tasks.synthesize.judge import judged

METRIC = "frechet_distance"


def evaluator(
    judge: Any, examples: LabelledImages, most: int, make: Callable[[nn.Module, Sequence[str]], np.ndarray]
) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of the model: at most so many images are made, with the labels of the first real ones.

    make: gives images of the labels, always of the same latents. Broken weights give NaN here: a model that is being
    trained may recover.
    """
    gaussian, labels = gaussian_of(judged(judge, examples.pixels)[0]), examples.labels[: max(2, most)]

    def evaluate(model: nn.Module) -> dict[str, float]:
        try:
            features, _ = judged(judge, make(model, labels))
        except UserError:
            return {METRIC: math.nan}
        return {METRIC: frechet_distance(gaussian_of(features), gaussian)}

    return evaluate
