"""The README of an exported captioner: what is in the folder, and a program of a few lines that captions."""

from typing import Any

from lingon.export.image_program import READ_IMAGE, in_node

PROGRAM = f"""\
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps
from tokenizers import Tokenizer

config = json.load(open("config.json", encoding="utf-8"))
tokenizer, cpu = Tokenizer.from_file(config["tokenizer"]), ["CPUExecutionProvider"]
encoder, decoder = (onnxruntime.InferenceSession(config[name], providers=cpu) for name in ("encoder", "decoder"))


{READ_IMAGE}

def caption(path):  # greedily: the likeliest token at each step
    side, image = config["image"]["size"], on_white(path)
    scale = side / max(image.size)
    image = resized(image, *(max(1, round(length * scale)) for length in image.size))
    paper = Image.new("RGB", (side, side), tuple(config["image"]["background"]))
    paper.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    found = encoder.run(None, {{"images": np.asarray(paper, np.float32)[None]}})
    tensors = dict(zip(config["memory"] + config["target"], found))
    said = list(config["start_ids"])
    while len(said) < config["context_length"] and (len(said) == 1 or said[-1] not in config["eos_ids"]):
        logits, *after = decoder.run(None, {{"ids": np.array([said[-1:]]), **tensors}})
        tensors.update(zip(config["target"], after))
        logits[0, config["forbidden_ids"]] = -np.inf
        said.append(int(logits.argmax()))
    return tokenizer.decode([i for i in said if i not in config["no_text"]]).strip()


for path in sys.argv[1:]:
    print(json.dumps({{"image": path, "caption": caption(path)}}, ensure_ascii=False))"""


def captioner_card(config: dict[str, Any], title: str, what: str) -> str:
    """Return the page of an exported captioner. Its program is run by a test."""
    lines = [
        f"{title}, for onnxruntime",
        "",
        f"{what.rstrip(',')}, written by Lingon {config['lingon']}. It needs neither Lingon nor Python.",
        "",
        "- `encoder.onnx`: an image, float32 [1, H, W, 3] from 0 to 255 -> the tensors of the image, and those of a "
        "caption without a token",
        "- `decoder.onnx`: (the last token, these tensors) -> logits of the next token, and the caption's tensors",
        "- `config.json`: names of tensors, the size of images, ids that begin and end a caption",
        f"- `{config['tokenizer']}`: ids to texts, in the format of the `tokenizers` library",
        f"- checked: it differs from the model by {config['checked']['largest_difference']:.1e} at most",
        "",
        "In Python, with `python use.py photo.png`; a caption is made of the likeliest token at each step:",
        "",
        "```python",
        PROGRAM,
        "```",
        "",
        *in_node("captioner", "caption.mjs photo.png", "@huggingface/tokenizers"),
    ]
    return "\n".join(lines)
