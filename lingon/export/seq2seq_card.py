"""The README of an exported translator: what is in the folder, and a program of a few lines that translates."""

from typing import Any

PROGRAMS = {
    "onnx": """\
import json

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

config = json.load(open("config.json", encoding="utf-8"))
source, target = (Tokenizer.from_file(config[side]) for side in ("source_tokenizer", "target_tokenizer"))
source.encode_special_tokens = True  # what a user types is text, even if it is spelt like [eos]
source.enable_truncation(config["source_length"])
cpu = ["CPUExecutionProvider"]
encoder, decoder = (onnxruntime.InferenceSession(config[name], providers=cpu) for name in ("encoder", "decoder"))


def translate(text):  # greedily: the likeliest token at each step
    if not text.strip():
        return ""
    ids = np.array([source.encode(text).ids or config["eos_ids"]])
    mask = np.ones(ids.shape, bool)
    found = encoder.run(None, {"ids": ids, "mask": mask})  # of the source, and of a target without a token
    tensors = dict(zip(config["memory"] + config["target"], found))
    to_read, said = list(config["start_ids"]), []
    times, more = config["max_new_tokens"]
    most = min(config["context_length"] - len(to_read), times * ids.size + more)
    while to_read:
        read = {"ids": np.array([[to_read.pop(0)]]), "mask": mask, **tensors}
        logits, *after = decoder.run(None, read)
        tensors.update(zip(config["target"], after))
        if to_read:
            continue
        logits[0, config["forbidden_ids"]] = -np.inf
        said.append(int(logits.argmax()))
        if said[-1] not in config["eos_ids"] and len(said) < most:
            to_read.append(said[-1])
    return target.decode([i for i in said if i not in config["no_text"]]).strip()


print(translate(TEXT))""",
    "ctranslate2": """\
import json

import ctranslate2
from tokenizers import Tokenizer

config = json.load(open("translator.json", encoding="utf-8"))
source, target = (Tokenizer.from_file(config[side]) for side in ("source_tokenizer", "target_tokenizer"))
source.encode_special_tokens = True  # what a user types is text, even if it is spelt like [eos]
source.enable_truncation(config["source_length"])
translator = ctranslate2.Translator(".")  # compute_type="int8" is smaller and faster


def translate(text):
    if not text.strip():
        return ""
    ids = source.encode(text).ids or config["eos_ids"]
    times, more = config["max_new_tokens"]
    (found,) = translator.translate_batch(
        [[config["source_tokens"][i] for i in ids]],
        target_prefix=[config["prefix"]],
        beam_size=1,
        min_decoding_length=0,
        max_decoding_length=min(config["context_length"] - 1, times * len(ids) + more),
    )
    numbers = {token: i for i, token in enumerate(config["target_tokens"])}
    said = [numbers[token] for token in found.hypotheses[0]]
    return target.decode([i for i in said if i not in config["no_text"]]).strip()


print(translate(TEXT))""",
}
FILES = {
    "onnx": (
        "- `encoder.onnx`: (ids, mask) -> the tensors of a source, and those of a target without a token (keys and "
        "values, or the states of a recurrent model)",
        "- `decoder.onnx`: (the last token, mask, these tensors) -> logits of the next token, and the target's tensors",
        "- `config.json`: names of tensors, ids that begin and end a translation, and how long it may be",
    ),
    "ctranslate2": (
        "- `model.bin`, `config.json` and the vocabularies: what CTranslate2 reads",
        "- `translator.json`: tokens by id, those that a translation begins with, and how long it may be",
    ),
}
NEEDS = {"onnx": "It needs neither Lingon nor Python.", "ctranslate2": "It needs no Lingon."}


def seq2seq_card(config: dict[str, Any], title: str, what: str, text: str = "Good morning.") -> str:
    """Return the page of an exported translator. Its program is run by a test. text: that it translates."""
    lines = [
        f"{title}, for {config['to'] if config['to'] != 'onnx' else 'onnxruntime'}",
        "",
        f"{what.rstrip(',')}, written by Lingon {config['lingon']}. {NEEDS[config['to']]}",
        "",
        *FILES[config["to"]],
        f"- `{config['source_tokenizer']}`, `{config['target_tokenizer']}`: texts to ids and back, in the format of "
        "the `tokenizers` library",
        f"- checked: it differs from the model by {config['checked']['largest_difference']:.1e} at most",
        "",
        "```python",
        PROGRAMS[config["to"]].replace("TEXT", repr(text)),
        "```",
        "",
    ]
    return "\n".join(lines)
