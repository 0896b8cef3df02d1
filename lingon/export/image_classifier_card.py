"""The README of an exported image classifier: what is in the folder, and programs in Python and for Node.js."""

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
height, width, channels, fit = (config["image"][name] for name in ("height", "width", "channels", "fit"))
session = onnxruntime.InferenceSession(config["file"], providers=["CPUExecutionProvider"])


{READ_IMAGE}

def fitted(image):  # its middle (crop), all of it on white (pad), or all of it out of shape (stretch)
    if fit == "stretch":
        return resized(image, width, height)
    scale = (max if fit == "crop" else min)(height / image.height, width / image.width)
    image = resized(image, *(max(1, round(side * scale)) for side in image.size))
    left, top = (width - image.width) // 2, (height - image.height) // 2
    if fit == "crop":
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))
    frame = Image.new(image.mode, (width, height), "white")
    frame.paste(image, (left, top))
    return frame


def classify(path):
    image = fitted(on_white(path).convert("L" if channels == 1 else "RGB"))
    pixels = np.asarray(image, np.float32).reshape(height, width, channels).transpose(2, 0, 1)[None] / 255
    (logits,) = session.run(["logits"], {{"images": pixels}})
    odds = np.exp((logits[0] - logits[0].max()) / config["targets"]["temperature"])
    best = int(odds.argmax())
    return {{"label": config["labels"][best], "probability": round(float(odds[best] / odds.sum()), 4)}}


for path in sys.argv[1:]:
    print(json.dumps({{"image": path, **classify(path)}}))"""


def image_classifier_card(config: dict[str, Any], about: Card) -> str:
    """Return the page of an exported image classifier. Its programs are run by tests."""
    image = config["image"]
    shape = f"[batch, {image['channels']}, {image['height']}, {image['width']}]"
    lines = [
        f"{about.title}, for onnxruntime",
        "",
        f"{about.what.rstrip(',')}, written by Lingon {config['lingon']}. It needs neither Lingon nor Python.",
        "",
        f"- `{config['file']}`: images float32 {shape} from 0 to 1 -> logits, with any number of images",
        "- `config.json`: labels, the layout of images, names and shapes",
        f"- checked: logits differ from the model's by {config['checked']['largest_difference']:.1e} at most",
        *about.facts,
        "",
        "In Python, with `python use.py photo.png`:",
        "",
        "```python",
        PROGRAM,
        "```",
        "",
        *in_node("image_classifier", "classify.mjs photo.png"),
    ]
    return "\n".join(lines)
