"""Loads a language model from a GGUF file: metadata as configuration, blocks as weights."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon.checkpoints.gguf.architectures import Architecture, architecture_of, read_config, tokenizer_of
from lingon.checkpoints.gguf.config import FREQUENCIES
from lingon.checkpoints.huggingface.save_config import hub_weights
from lingon.checkpoints.published_model import Checkpoint
from lingon.core.errors import DataError, UserError, unknown
from lingon.core.progress import track
from lingon.core.shapes import Tensor
from lingon.data.files.gguf import GGUF
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.chat_template import ChatTemplate
from lingon.data.tokenizers.gguf import ENDS
from lingon.models.from_config import from_config

# Names of tensors outside of the layers, by the names in the Hugging Face layout.
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
WHOLE |= {"transformer.wte": "token_embd", "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm"}

# Names of special tokens in the metadata, by the names in chat templates.
TEMPLATE_TOKENS = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}


def load_gguf(path: Path | str, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """Return the model and tokenizer of a GGUF file, for Gemma 2 and 3, Llama, Mistral, Qwen 2 and 3, GPT-2.

    dtype: of the weights in memory, whatever the type in the file; each takes 4 bytes, or 2 with bfloat16.
    Raises DataError naming the file and the metadata key or tensor that is wrong; nothing is trusted unchecked.
    """
    file = GGUF(path)
    config, architecture = read_config(file), architecture_of(file)
    numbers = sum(stored.size for stored in file.tensors.values())
    try:
        model: Any = from_config(config, numbers, device="meta", role="causal")
    except UserError as error:
        raise DataError(f"{file.path}: {error}") from None
    tokenizer = tokenizer_of(file).for_vocab_size(config["vocab_size"], file.path)
    plan = {
        entry.ours: [tensor_name(name, architecture.layer_names) for name in entry.theirs]
        for entry in hub_weights(model)
    }
    _check(file, model, plan)
    model.load_state_dict(_weights(file, architecture, model, plan, dtype), assign=True)
    if config["tie_word_embeddings"]:
        model.output.weight = model.embedding.weight
    ends = [file.metadata.get(f"tokenizer.ggml.{name}_token_id") for name in ENDS]
    eos_ids = tuple(dict.fromkeys(end for end in ends if type(end) is int and 0 <= end < config["vocab_size"]))
    return Checkpoint(model.eval(), tokenizer, eos_ids, file.path, _chat_template(file, tokenizer))


def _chat_template(file: GGUF, tokenizer: Tokenizer) -> ChatTemplate | None:
    """Return the chat template in the file, with the special tokens named in its metadata."""
    source = file.metadata.get("tokenizer.chat_template")
    if not isinstance(source, str):
        return None
    ids = {name: file.metadata.get(f"tokenizer.ggml.{key}_token_id") for name, key in TEMPLATE_TOKENS.items()}
    size = len(tokenizer.vocab)
    named = {name: tokenizer.vocab.token(i) for name, i in ids.items() if type(i) is int and 0 <= i < size}
    return ChatTemplate(source, named)


def tensor_name(name: str, layer_names: Mapping[str, str]) -> str:
    """Return blk.7.attn_q.weight for model.layers.7.self_attn.q_proj.weight."""
    module, _, kind = name.rpartition(".")
    if module in WHOLE:
        return f"{WHOLE[module]}.{kind}"
    inside = re.fullmatch(r"(?:model\.layers|transformer\.h)\.(\d+)\.(.+)", module)
    assert inside is not None, f"{name} is neither of the whole model nor of a layer"
    layer, part = inside.groups()
    return f"blk.{layer}.{layer_names[part]}.{kind}"


def _check(file: GGUF, model: nn.Module, plan: dict[str, list[str]]) -> None:
    """Raise DataError unless the file has exactly the tensors of the model, with their shapes."""
    ours = dict(model.named_parameters())
    known = {FREQUENCIES}
    for entry in hub_weights(model):
        for name, rows in zip(plan[entry.ours], entry.sizes, strict=True):
            known.add(name)
            wanted, found = (rows, *ours[entry.ours].shape[1:]), file.info(name).shape
            if found != wanted:
                raise DataError(f"{file.path}: tensor {name!r} is {list(found)}, the metadata says {list(wanted)}")
    for name in file.tensors:
        if name not in known:
            raise DataError(f"{file.path}: {unknown('tensor', name, known)}")


def _weights(
    file: GGUF, architecture: Architecture, model: Any, plan: dict[str, list[str]], dtype: torch.dtype
) -> dict[str, Tensor]:
    """Return our tensors. No more than one chunk of one tensor is in memory in addition."""
    ours = dict(model.named_parameters())
    found: dict[str, Tensor] = {}
    head_width = model.blocks[0].attention.head_width
    with track(sum(p.numel() for p in ours.values()), "reading weights", "numbers") as bar:
        for name, theirs in plan.items():
            found[name] = torch.empty(ours[name].shape, dtype=dtype)
            parts = found[name].split([file.info(part).shape[0] for part in theirs])
            for part, out in zip(theirs, parts, strict=True):
                _fill(out, file, part, architecture.norm_offset if part.endswith("norm.weight") else 0)
                if architecture.rotary_pairs and re.search(r"\.attn_[qk]\.", part):
                    _to_halves(out, head_width)
                bar.advance(out.numel())
    if "output.weight" not in file.tensors:
        found["output.weight"] = found["embedding.weight"]
    return found


def _fill(out: Tensor, file: GGUF, name: str, offset: int) -> None:
    """Write the values of a tensor of the file, minus the offset, into `out`."""
    flat, start = out.view(-1), 0
    for chunk in map(torch.from_numpy, file.chunks(name)):
        if not chunk.isfinite().all():
            raise DataError(f"{file.path}: tensor {name!r} holds NaN or infinite numbers")
        flat[start : start + len(chunk)] = chunk - offset
        start += len(chunk)


def _to_halves(rows: Tensor, head_width: int) -> None:
    """Reorder the rows of each head: Llama files rotate neighbours 2i and 2i + 1, our layers i and i + K/2."""
    pairs = rows.view(-1, head_width // 2, 2, *rows.shape[1:])
    rows.copy_(pairs.transpose(1, 2).reshape(rows.shape))
