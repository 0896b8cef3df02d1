"""The README of an exported segmenter: what is in the folder, and programs in Python and for Node.js that use it."""

from typing import Any

from lingon.export.image_program import READ_IMAGE, in_node
from lingon.tasks.task import Card

PROGRAM = f"""\
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

config = json.load(open("config.json", encoding="utf-8"))
height, width = config["image"]["height"], config["image"]["width"]
session = onnxruntime.InferenceSession(config["file"], providers=["CPUExecutionProvider"])


{READ_IMAGE}

def enlarged(rows, length):  # to so many rows, bilinear; a row lies in the middle of what it covers
    at = np.maximum((np.arange(length) + 0.5) * np.float32(len(rows) / length) - 0.5, 0).astype(np.float32)
    above = at.astype(int)
    share = (at - above)[:, None]
    return rows[above] * (1 - share) + rows[np.minimum(above + 1, len(rows) - 1)] * share


def segment(path):  # the number of the class of each pixel
    image = on_white(path)
    pixels = np.asarray(resized(image, width, height), np.float32).transpose(2, 0, 1)[None] / 255
    (logits,) = session.run(["logits"], {{"images": pixels}})
    scale = min(1, config["largest_side"] / max(image.size))  # of more pixels, each stands for several
    wide, tall = (max(1, round(side * scale)) for side in image.size)
    best, mask = np.full((tall, wide), -np.inf, np.float32), np.zeros((tall, wide), np.uint8)
    for number, plane in enumerate(logits[0]):
        values = enlarged(enlarged(plane.T, wide).T, tall)
        mask[values > best] = number
        best = np.maximum(best, values)
    rows, columns = (np.arange(n) * m // n for n, m in ((image.height, tall), (image.width, wide)))
    return mask[rows[:, None], columns]


photo, out = sys.argv[1:]
mask = segment(photo)
Image.fromarray(mask).save(out)  # a grey png, whose values are numbers of classes
shares = np.bincount(mask.ravel(), minlength=len(config["classes"])) / mask.size
print(json.dumps({{"image": photo, "shares": dict(zip(config["classes"], shares.round(4).tolist()))}}))"""


def segmenter_card(config: dict[str, Any], about: Card) -> str:
    """Return the page of an exported segmenter. Its programs are run by tests."""
    image, count = config["image"], len(config["classes"])
    size = f"{image['height']}, {image['width']}"
    lines = [
        f"{about.title}, for onnxruntime",
        "",
        f"{about.what.rstrip(',')}, written by Lingon {config['lingon']}. It needs neither Lingon nor Python.",
        "",
        f"- `{config['file']}`: images float32 [batch, 3, {size}] from 0 to 1 -> logits [batch, {count}, {size}], with "
        "any number of images; the class of a pixel is the one with the highest logit",
        "- `config.json`: classes, the size of images",
        f"- checked: logits differ from the model's by {config['checked']['largest_difference']:.1e} at most",
        *about.facts,
        "",
        "In Python, with `python use.py photo.png mask.png`; the mask has the size of the photo:",
        "",
        "```python",
        PROGRAM,
        "```",
        "",
        *in_node("segmenter", "segment.mjs photo.png mask.png"),
    ]
    return "\n".join(lines)
