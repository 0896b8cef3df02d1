"""Lingon: greedy text from a checkpoint."""

import torch
from serve import serve

from lingon.checkpoints.huggingface.load import load_hub
from lingon.decoding.decoder_protocol import start_sequences
from lingon.decoding.prefill import read
from lingon.decoding.sample import sample
from lingon.kernels.int8_linear import Int8Linear
from lingon.kernels.packed_linear import swap_linear
from lingon.tasks.language_model.decoder import CausalDecoder

MODELS = {}


def start(folder, threads):
    torch.set_num_threads(threads)
    model = load_hub(folder).model
    MODELS.update(float32=swap_linear(model), int8=swap_linear(model, Int8Linear))


def run(ids, new, weights="float32"):
    """So many new tokens for each prompt, by the loop that `lingon generate` uses."""
    with torch.inference_mode():
        model, rows = CausalDecoder(MODELS[weights]), start_sequences(ids)
        logits, state = read(model, ids)
        for _ in sample(model.step, logits, state, rows, finished=lambda row: len(row.new_ids) == new):
            pass
    return {"ids": [row.new_ids for row in rows]}


serve(start=start, run=run)
