"""The README of an exported folder: what is in it, and a program of a few lines that uses it."""

from typing import Any

from lingon.tasks.exportable import Exportable
from lingon.tasks.task import Card

ROWS = """
def rows_of(ids, rule):  # the rows of the n-grams of a text, and how often each stands there, by config.json
    chain, mix_1, mix_2, bits = int(rule["chain"]), int(rule["mix_1"]), int(rule["mix_2"]), 2**64 - 1

    def mix(x):
        x = (x ^ x >> 27) * mix_1 & bits
        x = (x ^ x >> 33) * mix_2 & bits
        return x ^ x >> 27

    rows = Counter(ids)
    for i in range(len(ids)):
        h = 0
        for k in range(min(rule["order"], i + 1)):
            h = (h * chain + mix(ids[i - k] + 1)) & bits
            if k:
                rows[rule["vocab_size"] + (mix(h) & rule["buckets"] - 1)] += 1
    return rows


rows = rows_of(ids, config["rows"])"""
PIECES = """
def rows_of_pieces(tokens, rule):  # of the characters inside each word
    rows, like = Counter(), rule["characters"]
    for token in tokens:
        if len(token) > like["longest_word"] or (len(token) > 2 and token[0] + token[-1] == "[]"):
            continue
        word, hashes = f"<{token}>", set()
        for n in range(like["shortest"], like["longest"] + 1):
            for i in range(len(word) - n + 1):
                h = 2166136261
                for byte in word[i : i + n].encode():
                    h = (h ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619 & 0xFFFFFFFF
                hashes.add(h)
        rows.update(rule["vocab_size"] + (h & rule["buckets"] - 1) for h in hashes)
    return rows


rows += rows_of_pieces([tokenizer.id_to_token(i) for i in ids], config["rows"])"""
MASK = """
mask = np.array([[True] * len(ids) or [False]])
ids = np.array([ids or [0]])"""
COUNTS = """
mask = np.array([list(rows.values()) or [0]], np.float32)
ids = np.array([list(rows) or [0]])"""
RUN = {
    "onnx": (
        "onnxruntime",
        """\
session = onnxruntime.InferenceSession(config["file"], providers=["CPUExecutionProvider"])
({output},) = session.run(["{output}"], {{"ids": ids, "mask": mask}})""",
    ),
    "program": (
        "lingon.program",
        """\
program = lingon.program.load(config["file"])
{output} = program(ids=ids, mask=mask)""",
    ),
    "torch": (
        "torch",
        """\
model = torch.export.load(config["file"]).module()
with torch.inference_mode():
    {output} = model(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()""",
    ),
}
# Keys of config.json that every export has; the others are the task's own.
ALIKE = ("format", "lingon", "task", "to", "file", "model", "inputs", "outputs", "rows", "checked", "int8")
NEEDS = {
    "onnx": "It needs neither Lingon nor Python.",
    "program": "It needs `lingon.program`, which runs on NumPy; its constants are in `model.safetensors`.",
    "torch": "It needs no Lingon.",
}


def folder_card(config: dict[str, Any], about: Card, task: Exportable) -> str:
    """Return the page of a folder with this config.json. Its program is run by a test. about: of the task."""
    package, _ = RUN[config["to"]]
    int8, own = config["int8"], [name for name in config if name not in ALIKE]
    lines = [
        f"{about.title}, for {package}",
        "",
        f"{about.what.rstrip(',')}, written by Lingon {config['lingon']}. {NEEDS[config['to']]}",
        "",
        f"- `{config['file']}`: (ids, mask) -> {task.output_name}, with any number of texts and tokens",
        "- `tokenizer.json`: text to ids, in the format of the `tokenizers` library",
        f"- `config.json`: {', '.join(own)}, "
        + (
            "and the rule that makes rows of n-grams and their counts from ids"
            if config["rows"]
            else "names and shapes"
        ),
        f"- checked: {task.output_name} differ from the model's by "
        f"{config['checked']['largest_difference']:.1e} at most",
    ]
    if int8:
        lines.append(f"- weights of 8 bits; {task.agreement_name} is {int8['agreement']:.4f}")
    return "\n".join([*lines, "", "```python", example_program(config, task.answer_code), "```", ""])


def example_program(config: dict[str, Any], answer_code: str) -> str:
    """Return a program that prints the answer of the task for a sentence."""
    package, run = RUN[config["to"]]
    inputs, collections = MASK, ""
    if config["rows"]:
        pieces = f"\n\n{PIECES}" if config["rows"]["characters"] else ""
        inputs, collections = f"\n\n{ROWS}{pieces}{COUNTS}", "\nfrom collections import Counter"
    most = config.get("max_length")
    texts = '"A warm and clever film."' + (', "It warms the heart."' if config.get("text_pair") else "")
    cut = f"tokenizer.enable_truncation({most})\n" if most else ""
    return f"""\
import json{collections}

import numpy as np
import {package}
from tokenizers import Tokenizer

config = json.load(open("config.json", encoding="utf-8"))
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.encode_special_tokens = True  # what a user types is text, even if it is spelt like [pad]
{cut}ids = tokenizer.encode({texts}).ids{inputs}
{run.format(output=next(iter(config["outputs"])))}
{answer_code}"""
