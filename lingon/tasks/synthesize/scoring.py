"""How unlike made images are to real ones: their Frechet distance, beside that of two halves of the real ones."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lingon.core.errors import UserError
from lingon.core.seed import derive
from lingon.core.shapes import Float
from lingon.core.terminal_columns import columns_of, padded
from lingon.data.labelled_images import LabelledImages
from lingon.metrics.frechet import frechet_distance, gaussian_of
from lingon.metrics.scores import Scores, Table
from lingon.tasks.synthesize.judge import judged

MOST = 5_000  # images that are made for an evaluation
FEWEST = 8  # real images in all: two of them make no distribution
Make = Callable[[Sequence[str]], np.ndarray]  # labels -> images, uint8 [N, H, W, C]


class Halves(NamedTuple):
    """The rows of two halves of the real images, by chance, which are the same in every evaluation."""

    first: np.ndarray
    second: np.ndarray


def halves_of(count: int) -> Halves:
    """Return two halves of so many rows, of at most 5,000 each. Raises UserError for fewer than 8."""
    if count < FEWEST:
        raise UserError(f"{count} images are too few to compare with; the Frechet distance takes {FEWEST} or more")
    order = np.random.Generator(np.random.PCG64(derive(0, "halves"))).permutation(count)
    size = min(MOST, count // 2)
    return Halves(np.sort(order[:size]), np.sort(order[size : 2 * size]))


def scores_of(judge: Any, examples: LabelledImages, make: Make, labels: Sequence[str]) -> Scores:
    """Return the Frechet distance of made images to one half of the real ones, and of the other half to it.

    As many images are made as are in a half, with the labels of the other half: so both distances are of samples of
    one size, and what a small sample adds is in both. label_accuracy: the share of made images that the judge gives the
    label they were made of.
    """
    halves = halves_of(len(examples))
    asked = [examples.labels[i] for i in halves.second]
    features, found = judged(judge, make(asked))
    first, second = (judged(judge, examples.pixels[rows])[0] for rows in halves)
    gaussian = gaussian_of(first)
    right = found == np.array([labels.index(label) for label in asked])
    values = {
        "frechet_distance": frechet_distance(gaussian_of(features), gaussian),
        "real_frechet_distance": frechet_distance(gaussian_of(second), gaussian),
        "label_accuracy": float(right.mean()),
    }
    by_label = _by_label(features, first, asked, [examples.labels[i] for i in halves.first], right)
    return Scores(values, "frechet_distance", {"per_label": by_label}, _lines(by_label))


def _by_label(
    made: Float[np.ndarray, "N D"],
    others: Float[np.ndarray, "N D"],
    of_made: Sequence[str],
    of_others: Sequence[str],
    right: np.ndarray,
) -> Table:
    """The distance and the accuracy of each label that has two images or more on both sides."""
    table = {}
    for label in sorted(set(of_made) & set(of_others)):
        rows, theirs = (np.array([one == label for one in each]) for each in (of_made, of_others))
        if min(rows.sum(), theirs.sum()) > 1:
            distance = frechet_distance(gaussian_of(made[rows]), gaussian_of(others[theirs]))
            table[label] = {"frechet_distance": distance, "label_accuracy": float(right[rows].mean())}
    return table


def _lines(table: Table) -> list[str]:
    width = max(5, *(columns_of(name) for name in table)) if table else 5
    return [f"  {'label':{width}}  Frechet distance  label accuracy"] + [
        f"  {padded(name, width)}  {of['frechet_distance']:16.3f}  {of['label_accuracy']:14.4f}"
        for name, of in table.items()
    ]
