"""The README of an exported language model: what is in the folder, and a program that generates text with it."""

from typing import Any

PROGRAM = """\
import json

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

config = json.load(open("config.json", encoding="utf-8"))
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.encode_special_tokens = True  # what a user types is text, even if it is spelt like [pad]
session = onnxruntime.InferenceSession(config["file"], providers=["CPUExecutionProvider"])


def generate(prompt, max_new_tokens=20):
    ids = tokenizer.encode(prompt).ids or config["eos_ids"][:1]
    most = config["context_length"] or len(ids) + max_new_tokens
    sizes = {"batch": 1, "past": 0}
    state = {s["input"]: np.zeros([sizes.get(n, n) for n in s["shape"]], np.float32) for s in config["state"]}
    new, waiting = [], ids
    while len(new) < max_new_tokens and len(ids) + len(new) < most:
        # What is remembered goes from one call to the next; some models read a token at a time.
        for part in [[i] for i in waiting] if config["inputs"]["ids"]["shape"][1] == 1 else [waiting]:
            logits, *present = session.run(None, {"ids": np.array([part]), **state})
            state = {s["input"]: tensor for s, tensor in zip(config["state"], present)}
        last = logits[0, -1]
        last[config["suppressed_ids"]] = -np.inf  # what is no text
        if (token := int(last.argmax())) in config["eos_ids"]:
            break
        new, waiting = [*new, token], [token]
    return tokenizer.decode(new)


print(generate("It was"))
"""


def text_model_card(config: dict[str, Any]) -> str:
    """Return the page of a folder with this config.json. Its program is run by a test."""
    state = config["state"]
    lines = [
        f"# {config['model']}, for onnxruntime",
        "",
        f"A language model, written by Lingon {config['lingon']}. It needs neither Lingon nor Python.",
        "",
        f"- `{config['file']}`: (ids, state) -> (logits, state); rows of a batch have read as many tokens",
        f"- its state: {len(state)} tensors, `{state[0]['input']}` and so on, given back as `{state[0]['output']}`; "
        "before the first token they are zeros, of keys and values no column",
        "- `tokenizer.json`: text to ids and back, in the format of the `tokenizers` library",
        "- `config.json`: eos_ids, which end a text, suppressed_ids, which are no text, names and shapes",
        f"- checked: logits differ from the model's by {config['checked']['largest_difference']:.1e} at most",
        "",
        "```python",
        PROGRAM.rstrip(),
        "```",
        "",
    ]
    return "\n".join(lines)
