"""Exports a language model for other runtimes: ONNX with a cache, or a GGUF file for llama.cpp; outputs are checked."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from lingon.checkpoints.gguf.load import load_gguf
from lingon.checkpoints.gguf.save import save_gguf
from lingon.core.errors import UserError, unknown
from lingon.core.files import TEMPORARY
from lingon.core.shapes import Int, Tensor
from lingon.data.tokenizers import Tokenizer
from lingon.export.exported import Exported, beside, check_file
from lingon.export.language_model_onnx import to_onnx
from lingon.tasks.exportable import TextModel

# By --quantize: the type of the matrices, and the tolerated relative difference of logits.
WEIGHT_TYPES = {"f32": ("F32", 1e-4), "f16": ("F16", 2e-2), "q8_0": ("Q8_0", 0.2)}
LENGTH = 61  # tokens of the texts that are compared
ODD = (
    "It is  a\ttruth,\n\n universally acknowledged!",
    "12345 6.7 don't WE'LL",
    "\u00e9\u4e2d\u6587 \U0001f642\u0301",
    " ",
    "x" * 70,
)


def export(
    language: TextModel, source: str | Path, to: str, out: str | Path | None, int8: bool, quantize: str | None
) -> Exported:
    """Write a language model for another runtime; see `lingon.export.portable.export`."""
    if int8:
        raise UserError("--int8 is for classifiers and encoders; of a language model: --to gguf --quantize q8_0")
    return TARGETS[to](language, source, out, quantize)


def to_gguf(language: TextModel, source: str | Path, out: str | Path | None, quantize: str | None = None) -> Exported:
    """Write a GGUF file. It appears only once it has been read again with the same tokens and nearly equal logits."""
    quantize = quantize or "f16"
    if quantize not in WEIGHT_TYPES:
        raise unknown("--quantize", quantize, WEIGHT_TYPES)
    path = beside(source, ".gguf") if out is None else Path(out)
    check_file(path, ".gguf")
    path.parent.mkdir(parents=True, exist_ok=True)
    weight_type, most = WEIGHT_TYPES[quantize]
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=path.parent) as folder:
        fresh = Path(folder) / path.name
        name, template = beside(source, "").name, language.chat_template
        jinja = None if template is None else template.source
        save_gguf(language.model, language.tokenizer, fresh, language.eos_ids, weight_type, name, jinja)
        again = load_gguf(fresh)
        assert again.tokenizer is not None, "a GGUF file has one"
        _check_tokens(language.tokenizer, again.tokenizer)
        difference = _largest_difference(language.model, again.model, most)
        os.replace(fresh, path)
    return Exported(path, difference, path.stat().st_size)


TARGETS: dict[str, Callable[..., Exported]] = {"onnx": to_onnx, "gguf": to_gguf}


def _check_tokens(ours: Tokenizer, theirs: Tokenizer) -> None:
    """Raise UserError for a text that the tokenizer read from the file encodes differently."""
    tokens = list(ours.vocab)
    words = [" ".join(tokens[at : at + 7]) for at in range(0, len(tokens), max(7, len(tokens) // 200))]
    for text in (*ODD, *words):
        if ours.encode(text) != theirs.encode(text):
            raise UserError(f"not exported: a GGUF file would make other tokens of {text[:40]!r} than the tokenizer")


@torch.inference_mode()
def _largest_difference(model: Any, again: Any, most: float) -> float:
    """Return the largest |difference| of logits. Raises UserError if it is more than `most` times their size."""
    ids = _random_ids(model)
    expected, found = model.eval()(ids.to(model.embedding.weight.device)).float().cpu(), again(ids)
    apart = ((found - expected).norm() / expected.norm()).item()
    if not apart <= most:  # NaN is refused too
        raise UserError(
            f"not exported: the logits of the file differ from the model's by {apart:.1%}, allowed is {most:.1%}"
        )
    return (found - expected).abs().max().item()


def _random_ids(model: Any) -> Int[Tensor, "B T"]:
    made = torch.Generator().manual_seed(0)
    length = min(LENGTH, model.context_length)
    return torch.randint(model.embedding.num_embeddings, (2, length), generator=made)
