"""A table of vectors in the layout of sentence-transformers' StaticEmbedding: one tensor, and a tokenizer."""

from pathlib import Path

import torch

from lingon.checkpoints.huggingface.encoder import PublishedEncoder
from lingon.checkpoints.huggingface.weight_files import weight_files, weight_shapes
from lingon.core.errors import DataError
from lingon.core.tensors import load_tensors
from lingon.data.tokenizers.huggingface import read_tokenizer
from lingon.models.registry import build

NAMES = ("embedding.weight", "embeddings")  # of sentence-transformers, and of model2vec


def load_static(folder: Path) -> PublishedEncoder:
    """Load a table of vectors with its tokenizer, which puts no special tokens around texts.

    Raises DataError naming the tensor when there is none, or one that is not a table of numbers.
    """
    files = weight_files(folder)
    shapes = weight_shapes(folder, files)
    name = next((name for name in NAMES if name in shapes), None)
    if name is None or len(shapes[name]) != 2:
        raise DataError(f"{folder}: no table {' or '.join(map(repr, NAMES))} among its tensors {[*shapes][:5]}")
    table = load_tensors(folder / files[0])[name].float()
    if not table.isfinite().all():
        raise DataError(f"{folder}: tensor {name!r} holds NaN or infinite numbers")
    rows, width = shapes[name]
    model = build("static", {"vocab_size": rows, "width": width})
    with torch.no_grad():
        model.get_parameter("embedding.weight").copy_(table)
    tokenizer = read_tokenizer(folder)
    if tokenizer is not None:
        tokenizer = tokenizer.without_special_tokens().for_vocab_size(rows, folder)
    return PublishedEncoder(model.eval(), tokenizer, folder)
