"""Saves a language model with its tokenizer as one GGUF file for llama.cpp and programs built on it."""

import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lingon.checkpoints.gguf.architectures import Architecture, architecture_for
from lingon.checkpoints.gguf.config import FREQUENCIES
from lingon.checkpoints.gguf.load import tensor_name
from lingon.checkpoints.huggingface.save_config import hub_config, hub_weights
from lingon.core.errors import UserError, unknown
from lingon.core.shapes import Tensor
from lingon.data.files.gguf_blocks import QUANTIZATIONS
from lingon.data.files.gguf_writer import TensorSource, write_gguf
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.gguf_save import gguf_metadata
from lingon.layers.rotary import Llama3Scaling, Rotary

FILE_TYPES = {"F32": 0, "F16": 1, "Q8_0": 7}  # general.file_type: the type of most tensors
QUANTIZED = ("Q8_0",)
# The scale of a block of 8-bit numbers is a float16, like the numbers of F16.
LARGEST = {"F32": math.inf, "F16": 65504.0, "Q8_0": 127 * 65504.0}


def save_gguf(
    model: Any,
    tokenizer: Tokenizer,
    path: str | Path,
    eos_ids: Sequence[int],
    weight_type: str = "F16",
    name: str = "",
    chat_template: str | None = None,
) -> Path:
    """Write a language model and its tokenizer as one file. A `decoder` of ours becomes a Qwen3, a GPT a GPT-2.

    eos_ids: ids that end a text, three at most. weight_type: of matrices, F32, F16 or Q8_0 (8 bits, with a scale for 32
    numbers); F16 if the width of their rows is not divisible by 32. Norms, biases and positions are always F32. name:
    of the model, in the metadata. chat_template: format of conversations, in Jinja. Raises UserError naming any feature
    that llama.cpp does not have.
    """
    if weight_type not in FILE_TYPES:
        raise unknown("type of weights", weight_type, FILE_TYPES)
    config = hub_config(model)
    arch, row = architecture_for(config["model_type"])
    general: dict[str, Any] = {"architecture": arch, "type": "model", "name": name or "lingon"}
    general["file_type"] = np.uint32(FILE_TYPES[weight_type])
    if weight_type in QUANTIZED:
        general["quantization_version"] = np.uint32(2)
    metadata = {f"general.{key}": value for key, value in general.items()}
    metadata |= {f"{arch}.{key}": value for key, value in row.write_config(model, config).items()}
    metadata |= gguf_metadata(tokenizer, model.embedding.num_embeddings, eos_ids)
    if chat_template is not None:
        metadata["tokenizer.chat_template"] = chat_template
    write_gguf(Path(path), metadata, list(_tensors(model, row, weight_type)))
    return Path(path)


def _tensors(model: Any, row: Architecture, weight_type: str) -> Iterator[TensorSource]:
    ours, head_width = dict(model.named_parameters()), model.blocks[0].attention.head_width
    for entry in hub_weights(model):
        parts = ours[entry.ours].detach().split(entry.sizes)
        for theirs, part in zip(entry.theirs, parts, strict=True):
            name = tensor_name(theirs, row.layer_names)
            stored = _type_of(name, part, weight_type)
            # Computed when it is written, so that only one is in memory in addition to the model.
            read = partial(_numbers, name, part, row, head_width, stored)
            yield TensorSource(name, stored, tuple(part.shape), read)
    for rotary in getattr(model, "rotaries", {}).values():
        if isinstance(rotary.scaling, Llama3Scaling):
            divisors = Rotary(rotary.rotated, rotary.theta).frequencies() / rotary.frequencies()
            yield TensorSource(FREQUENCIES, "F32", tuple(divisors.shape), divisors.numpy)


def _type_of(name: str, part: Tensor, weight_type: str) -> str:
    if part.ndim == 1 or name.startswith("position_embd"):
        return "F32"
    return weight_type if part.shape[-1] % QUANTIZATIONS[weight_type].block_size == 0 else "F16"


def _numbers(name: str, part: Tensor, row: Architecture, head_width: int, stored: str) -> np.ndarray:
    """Return the values of one tensor as they are stored."""
    numbers = part.float().cpu()
    if row.rotary_pairs and re.search(r"\.attn_[qk]\.", name):
        numbers = to_pairs(numbers, head_width)
    if name.endswith("norm.weight"):
        numbers = numbers + row.norm_offset
    largest = float(numbers.abs().max())
    if not largest < LARGEST[stored]:
        raise UserError(f"tensor {name!r} holds {largest:g}, which {stored} cannot; store it as f32")
    return numbers.numpy()


def to_pairs(rows: Tensor, head_width: int) -> Tensor:
    """Return the rows of each head in the order of llama.cpp's Llama: i and i + K/2 become 2i and 2i + 1."""
    halves = rows.view(-1, 2, head_width // 2, *rows.shape[1:])
    return halves.transpose(1, 2).reshape(rows.shape)
