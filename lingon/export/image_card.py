"""The README of a folder whose graph reads images, with a program in Python and one for Node.js that use it."""

from typing import Any

from lingon.tasks.task import Card

RESIZE = {  # of Pillow's ImageOps, and of sharp
    "crop": ("ImageOps.fit(image, (width, height))", 'fit: "cover"'),
    "pad": ('ImageOps.pad(image, (width, height), color="white")', 'fit: "contain", background: "white"'),
    "stretch": ("image.resize((width, height))", 'fit: "fill"'),
}
PYTHON = """\
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

config = json.load(open("config.json", encoding="utf-8"))
height, width = config["image"]["height"], config["image"]["width"]
image = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("{mode}")
image = {fit}
pixels = np.asarray(image, np.float32).reshape(height, width, -1) / 255
session = onnxruntime.InferenceSession(config["file"], providers=["CPUExecutionProvider"])
({output},) = session.run(["{output}"], {{"images": pixels.transpose(2, 0, 1)[None]}})
{answer}"""
NODE = """\
// npm install onnxruntime-node sharp; node classify.mjs photo.png
import {{ readFileSync }} from "node:fs";
import ort from "onnxruntime-node";
import sharp from "sharp";

const config = JSON.parse(readFileSync("config.json", "utf8"));
const {{ height, width, channels }} = config.image;
const image = sharp(process.argv[2]).rotate().flatten({{ background: "white" }}).resize(width, height, {{ {fit} }});
const bytes = await image.toColourspace(channels === 1 ? "b-w" : "srgb").raw().toBuffer();
const pixels = new Float32Array(channels * height * width);  // channels first, from 0 to 1
for (let i = 0; i < height * width; i++)
  for (let c = 0; c < channels; c++) pixels[c * height * width + i] = bytes[i * channels + c] / 255;
const session = await ort.InferenceSession.create(config.file);
const images = new ort.Tensor("float32", pixels, [1, channels, height, width]);
const {{ {output} }} = await session.run({{ images }});
const best = {output}.data.indexOf(Math.max(...{output}.data));
console.log(config.labels[best]);"""


def image_card(config: dict[str, Any], about: Card, answer_code: str) -> str:
    """Return the page of a folder with this config.json; its program in Python is run by a test.

    about: of the task. answer_code: Python that prints an answer, of the output by its name and `config`.
    """
    output, image = next(iter(config["outputs"])), config["image"]
    python, sharp = RESIZE[image["fit"]]
    shape = f"[batch, {image['channels']}, {image['height']}, {image['width']}]"
    mode = "L" if image["channels"] == 1 else "RGB"
    lines = [
        f"{about.title}, for onnxruntime",
        "",
        f"{about.what.rstrip(',')}, written by Lingon {config['lingon']}. It needs neither Lingon nor Python.",
        "",
        f"- `{config['file']}`: images float32 {shape} from 0 to 1 -> {output}, with any number of images",
        "- `config.json`: labels, the layout of images, names and shapes",
        f"- checked: {output} differ from the model's by {config['checked']['largest_difference']:.1e} at most",
        *about.facts,
        "",
        "```python",
        PYTHON.format(mode=mode, fit=python, output=output, answer=answer_code),
        "```",
        "",
        "In Node.js; in a page `onnxruntime-web` has the same calls, and a canvas gives the bytes:",
        "",
        "```js",
        NODE.format(fit=sharp, output=output),
        "```",
        "",
    ]
    return "\n".join(lines)
