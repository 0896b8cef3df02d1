"""onnxruntime: vectors of texts by a BERT in ONNX, in batches of similar length, pooled and normalized by NumPy."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from serve import serve
from tokenizers import Tokenizer

ROWS = 32
state = {}


def make(folder, path):
    """Writes the ONNX file of the encoder of a folder, with the fused operators of onnxruntime's own optimizer."""
    import torch
    from onnxruntime.transformers import optimizer
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    model.requires_grad_(False)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "batch", 1: "tokens"} for name in (*names, "hidden")}
    example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in names)

    class Hidden(torch.nn.Module):
        def forward(self, ids, mask, types):
            return model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    plain = str(Path(path).with_suffix(".plain.onnx"))
    torch.onnx.export(
        Hidden(), example, plain, input_names=names, output_names=["hidden"], dynamic_axes=axes, dynamo=False
    )
    sizes = model.config
    made = optimizer.optimize_model(plain, "bert", sizes.num_attention_heads, sizes.hidden_size)
    made.save_model_to_file(path)
    return {"fused": made.get_fused_operator_statistics()}


def start(graph, tokenizer, texts, threads, most):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with open(texts, encoding="utf-8") as file:
        state["texts"] = json.load(file)
    state["tokenizer"] = Tokenizer.from_file(tokenizer)
    state["tokenizer"].no_padding()
    state["tokenizer"].enable_truncation(most)
    state["session"] = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return {"versions": {"onnxruntime": onnxruntime.__version__}}


def run():
    """The texts sorted by their tokens, 32 at a time."""
    rows = [e.ids for e in state["tokenizer"].encode_batch(state["texts"])]
    state["found"] = np.empty((len(rows), 384), np.float32)
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    for begin in range(0, len(order), ROWS):
        some = order[begin : begin + ROWS]
        state["found"][some] = _vectors([rows[i] for i in some])


def _vectors(rows):
    longest = max(map(len, rows))
    mask = np.arange(longest) < np.array([[len(row)] for row in rows])
    ids = np.zeros(mask.shape, np.int64)
    ids[mask] = np.concatenate(rows)
    given = {"input_ids": ids, "attention_mask": mask.astype(np.int64), "token_type_ids": np.zeros_like(ids)}
    wanted = [each.name for each in state["session"].get_inputs()]
    found = state["session"].run(None, {name: given[name] for name in wanted})
    hidden = next(each for each in found if each.ndim == 3)
    pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)


def save(path):
    np.save(path, state["found"], allow_pickle=False)


serve(make=make, start=start, run=run, save=save)
