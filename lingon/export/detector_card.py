"""The README of an exported detector: what is in the folder, and programs in Python and for Node.js that use it."""

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

def overlap(a, b):  # intersection over union
    area = lambda box: np.maximum(box[2:] - box[:2], 0).prod()
    shared = area(np.append(np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])))
    return shared / max(area(a) + area(b) - shared, 1e-9)


def detect(path):
    image = on_white(path)
    scale = min(height / image.height, width / image.width)  # all of it, in the upper left corner
    size = [min(most, max(1, round(side * scale))) for side, most in zip(image.size, (width, height))]
    frame = Image.new("RGB", (width, height), tuple(config["image"]["background"]))
    frame.paste(resized(image, *size), (0, 0))
    pixels = np.asarray(frame, np.float32).transpose(2, 0, 1)[None] / 255
    boxes, scores, classes = (found[0] for found in session.run(["boxes", "scores", "classes"], {{"images": pixels}}))
    kept = []
    for i in np.flatnonzero(scores >= config["threshold"]):  # the surest first; of doubles it alone stays
        if all(classes[i] != classes[k] or overlap(boxes[i], boxes[k]) <= config["overlap"] for k in kept):
            kept.append(i)
    objects = []
    for i in kept[: config["most"]]:
        box = np.clip(boxes[i] / np.float32(scale), 0, np.float32([*image.size] * 2))
        if min(box[2:] - box[:2]) >= 1:
            label, score = config["labels"][int(classes[i])], round(float(scores[i]), 4)
            objects.append({{"label": label, "score": score, "box": [round(float(side), 1) for side in box]}})
    return objects


for path in sys.argv[1:]:
    print(json.dumps({{"image": path, "objects": detect(path)}}, ensure_ascii=False))"""


def detector_card(config: dict[str, Any], about: Card) -> str:
    """Return the page of an exported detector. Its programs are run by tests."""
    image = config["image"]
    count = config["outputs"]["scores"]["shape"][1]
    lines = [
        f"{about.title}, for onnxruntime",
        "",
        f"{about.what.rstrip(',')}, written by Lingon {config['lingon']}. It needs neither Lingon nor Python.",
        "",
        f"- `{config['file']}`: images float32 [batch, 3, {image['height']}, {image['width']}] from 0 to 1 -> boxes, "
        "scores, classes, with any number of images",
        f"- boxes [batch, {count}, 4] are left, top, right and bottom in pixels of these images, scores are 0 to 1, "
        "classes are numbers of labels; the highest scores come first",
        "- `config.json`: labels, the size of images, the least score, and the overlap from which on two boxes of a "
        "label are one",
        f"- checked: boxes, as a share of the longer side, and scores differ from the model's by "
        f"{config['checked']['largest_difference']:.1e} at most",
        *about.facts,
        "",
        "In Python, with `python use.py photo.png`:",
        "",
        "```python",
        PROGRAM,
        "```",
        "",
        *in_node("detector", "detect.mjs photo.png"),
    ]
    return "\n".join(lines)
