"""Saves checkpoints in the Hugging Face layout for `transformers` and other libraries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon.checkpoints.huggingface.chat_template import write_chat_template
from lingon.checkpoints.huggingface.save_config import generates, hub_config, hub_weights
from lingon.checkpoints.huggingface.sentence_transformers import SentenceVectors, write_modules
from lingon.checkpoints.huggingface.weight_files import write_weights
from lingon.core.errors import UserError
from lingon.core.files import atomic_folder, write_json
from lingon.core.shapes import Tensor
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.chat_template import ChatTemplate
from lingon.data.tokenizers.huggingface import write_tokenizer

SHARD = 5_000_000_000  # bytes in one file
# Keys that older checkpoints have in config.json, but transformers now reads from generation_config.json.
GENERATION = [
    *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id"),
    *("forced_eos_token_id", "bad_words_ids", "num_beams", "length_penalty", "no_repeat_ngram_size"),
    *("early_stopping", "max_length", "min_length"),
]


def save_hub(
    model: nn.Module,
    folder: str | Path,
    tokenizer: Tokenizer | None = None,
    dtype: torch.dtype | None = None,
    shard: int = SHARD,
    eos_ids: Sequence[int] | None = None,
    vectors: SentenceVectors | None = None,
    chat_template: ChatTemplate | None = None,
    generation: Mapping[str, Any] | None = None,
    beside: Callable[[Path], None] | None = None,
) -> Path:
    """Write a model so that `transformers` and others can load it. A `decoder` of ours becomes a Qwen3, a GPT a GPT-2.

    dtype: of the stored weights; unchanged when not given. shard: maximum bytes of a file, unless one tensor is larger.
    eos_ids: ids that end a text, as in `Checkpoint` and `LanguageModel`; when not given, those of the configuration
    that the model was made from, which our own models do not have. vectors: for an encoder, its pooling to one vector
    of a text, for sentence-transformers. chat_template: the format of conversations, as in `LanguageModel` or
    `ChatModel`; it needs a tokenizer. generation: keys of generation_config.json that replace those of the model.
    beside: writes further files into the folder. The folder appears, or replaces an older one, only once it is
    complete.
    """
    config = hub_config(model)
    dtype = dtype or model.get_parameter("embedding.weight").dtype
    config |= {"dtype": str(dtype).removeprefix("torch."), "eos_token_id": _eos_token_id(config, eos_ids)}
    # transformers uses the ids in generation_config.json instead of those in config.json.
    said = {key: config[key] for key in GENERATION if config.get(key) is not None} | dict(generation or {})
    with atomic_folder(Path(folder)) as fresh:
        write_json(fresh / "config.json", config)
        if generates(config):
            write_json(fresh / "generation_config.json", said)
        write_weights(fresh, {name: t.to(dtype) for name, t in _theirs(model)}, shard)
        if tokenizer is not None:
            write_tokenizer(fresh, tokenizer, config)
        if tokenizer is not None and chat_template is not None:
            write_chat_template(fresh, chat_template)
        if vectors is not None:
            encoder: Any = model
            write_modules(fresh, vectors, encoder.width)
        if beside is not None:
            beside(fresh)
    return Path(folder)


def _eos_token_id(config: Mapping[str, Any], eos_ids: Sequence[int] | None) -> int | list[int] | None:
    """Return `eos_token_id` for config.json: null if there are none, or transformers would use its own default."""
    if eos_ids is None:
        return config.get("eos_token_id")
    last = config["vocab_size"] - 1
    if wrong := [i for i in eos_ids if not 0 <= i <= last]:
        raise UserError(f"the end token {wrong[0]} is not in the vocabulary; expected ids from 0 to {last:,}")
    return eos_ids[0] if len(eos_ids) == 1 else list(eos_ids) or None


def _theirs(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    ours = dict(model.named_parameters())
    for entry in hub_weights(model):
        for name, part in zip(entry.theirs, ours[entry.ours].detach().split(entry.sizes), strict=True):
            yield name, part.T if entry.transposed else part
