"""The scores of a segmenter, from the confusion of classes over all pixels of all images."""

import numpy as np

from lingon.core.counted import counted
from lingon.core.terminal_columns import columns_of, padded
from lingon.metrics.metric_table import format_metric
from lingon.metrics.scores import Scores
from lingon.metrics.segmentation import class_dice, class_iou, mean_dice, mean_iou, pixel_accuracy

MOST_CLASSES = 30  # lines of the table
LONGEST = 24  # columns of a class


def scores_of(confusion: np.ndarray, classes: list[str]) -> Scores:
    """Return mIoU, Dice and pixel accuracy, with a table of the classes. confusion: [C, C], true classes in rows.

    A class that no pixel is and none is found to be has no IoU and is left out of the means.
    """
    values = {"miou": mean_iou(confusion), "dice": mean_dice(confusion), "pixel_accuracy": pixel_accuracy(confusion)}
    rows = zip(classes, class_iou(confusion), class_dice(confusion), confusion.sum(1), strict=True)
    table = {name: {"iou": float(iou), "dice": float(dice), "support": int(n)} for name, iou, dice, n in rows}
    return Scores(values, main="miou", tables={"per_class": table}, details=_lines(table))


def _lines(table: dict[str, dict[str, float]]) -> list[str]:
    width = max(5, *(columns_of(name, LONGEST) for name in table))
    lines = [f"  {'class':{width}}     IoU    Dice  pixels"]
    for name, of in list(table.items())[:MOST_CLASSES]:
        iou, dice = (f"{format_metric(of[key]):>6}" for key in ("iou", "dice"))
        lines.append(f"  {padded(name, width, LONGEST)}  {iou}  {dice}  {of['support']:,}")
    if len(table) > MOST_CLASSES:
        lines.append(f"  ... and {counted(len(table) - MOST_CLASSES, 'class')} more")
    return lines
