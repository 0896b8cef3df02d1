"""Saves a translator in the Hugging Face layout: weights, generation settings, and the tokenizers of its family."""

from pathlib import Path
from typing import Any

import torch

from lingon.checkpoints.huggingface.save import SHARD, save_hub
from lingon.checkpoints.huggingface.save_config import hub_config
from lingon.data.tokenizers.seq2seq_save import write_pair
from lingon.models.hub_families import FAMILIES


def save_translator(translator: Any, folder: str | Path, dtype: torch.dtype | None = None, shard: int = SHARD) -> Path:
    """Write a translator of a published family (Marian, mBART, M2M100, NLLB, T5, BART) so that transformers opens it.

    translator: a task `translate`, as returned by `lingon.load`, fine-tuned or not. SentencePiece models are written in
    the files of the family. dtype, shard: see `save_hub`. Raises UserError for a model that the layout does not
    support, and for tokenizers that cannot be written.
    """
    config = hub_config(translator.model)
    generation: dict[str, Any] = {**translator.generation, "decoder_start_token_id": translator.model.start_id}
    if translator.prefix_ids:
        generation["forced_bos_token_id"] = translator.prefix_ids[0]
    if translator.suppressed_ids:
        generation["bad_words_ids"] = [[i] for i in translator.suppressed_ids] + generation.get("bad_words_ids", [])

    def tokenizers(fresh: Path) -> None:
        reader, sides = FAMILIES[config["model_type"]].tokenizers, (translator.source, translator.target)
        write_pair(fresh, reader, *sides, config, translator.language_pair)

    return save_hub(translator.model, folder, dtype=dtype, shard=shard, generation=generation, beside=tokenizers)
