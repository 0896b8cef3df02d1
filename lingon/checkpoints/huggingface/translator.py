"""Opens a published encoder-decoder as the task `translate`, with its source and target tokenizers."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lingon.checkpoints.huggingface.generation_config import read_generation_config
from lingon.checkpoints.huggingface.seq2seq import load_seq2seq
from lingon.checkpoints.huggingface.source_folder import folder_of
from lingon.core.device import pick_device
from lingon.core.errors import DataError
from lingon.core.files import read_json
from lingon.data.tokenizers.seq2seq_files import Rows, read_pair
from lingon.decoding.generation_settings import passed_over, sampling_in, settings_in
from lingon.models.hub_families import FAMILIES
from lingon.tasks.registry import task_for

ELSE = "source.spm, target.spm and vocab.json, spiece.model, sentencepiece.bpe.model, merges.txt and vocab.json"
LIMIT = 64 << 20  # bytes of a JSON file


def open_translator(source: str | Path, device: str = "cpu") -> Any:
    """Load the task `translate` of a checkpoint: from a folder, or a name such as "hf:owner/name".

    A multilingual model uses the languages of its tokenizer_config.json, if any: `lingon.tasks.translate.languages`.
    It translates like `generate` of transformers, with the settings in its generation_config.json, if any; those that
    have no effect here are reported. Raises UserError or DataError naming the file, key or tensor that is wrong.
    """
    folder = folder_of(source)
    found = load_seq2seq(folder)
    model, config = found.model, found.config
    rows = Rows(*(len(part.weight) for part in (model.source_embedding, model.embedding)))
    sources, targets = read_pair(folder, FAMILIES[model.family].tokenizers, rows)
    if sources is None or targets is None:
        raise DataError(f"{folder}: there is no tokenizer next to the weights (tokenizer.json, or {ELSE})")
    settings = read_generation_config(folder, config, rows.target)
    if settings.start_id is not None:
        model.start_id = settings.start_id
    parts = {"model": model.to(pick_device(device)).eval(), "source": sources, "target": targets}
    if ignored := passed_over(settings.keys):
        warnings.warn(f"{folder}: generation settings that have no effect here: {', '.join(ignored)}", stacklevel=2)
    if drawn := sampling_in(settings.keys):
        said = ", ".join(f"{key} {json.dumps(value)}" for key, value in drawn.items())
        how = "beam search is used, which is deterministic; --temperature turns sampling on"
        warnings.warn(f"{folder}: its settings ask for sampling ({said}); {how}", stacklevel=2)
    ids = {"prefix_ids": list(settings.forced_bos), "suppressed_ids": list(settings.suppressed)}
    generation = settings_in(settings.keys)
    if generation.get("eos_token_id") == [model.eos_id]:
        del generation["eos_token_id"]  # the model has it itself
    try:
        translator = task_for("seq2seq").from_config({**ids, "generation": generation}, parts)
    except DataError as error:
        raise DataError(f"{folder}: {error}") from None
    return _with_own_languages(folder, translator)


def _with_own_languages(folder: Path, translator: Any) -> Any:
    """Return the translator for the languages in the tokenizer's settings, as of a multilingual model tuned for two."""
    path = folder / "tokenizer_config.json"
    settings: Any = read_json(path, limit=LIMIT) if path.is_file() else {}
    known = translator.languages
    named = [settings.get(key) if isinstance(settings, Mapping) else None for key in ("src_lang", "tgt_lang")]
    return translator.with_languages(*named) if known and all(name in known for name in named) else translator
