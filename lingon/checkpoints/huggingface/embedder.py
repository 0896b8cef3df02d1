"""Opens a published encoder as the task `embed`, with the settings of sentence-transformers if its folder has them."""

from pathlib import Path
from typing import Any

from lingon.checkpoints.huggingface.encoder import load_encoder
from lingon.checkpoints.huggingface.sentence_transformers import read_modules
from lingon.checkpoints.huggingface.source_folder import folder_of
from lingon.checkpoints.huggingface.static import load_static
from lingon.core.device import pick_device
from lingon.tasks.registry import task_for


def open_encoder(source: str | Path, device: str = "cpu") -> Any:
    """Load the task `embed` of an encoder: from a folder, or a name such as "hf:owner/name".

    Raises UserError or DataError naming the file, key or tensor that is wrong.
    """
    folder = folder_of(source)
    how = read_modules(folder)
    folder = folder / how.place
    found = load_static(folder) if how.static else load_encoder(folder)
    parts = {"model": found.model.to(pick_device(device)), "tokenizer": found.require_tokenizer()}
    config = {"pooling": how.pooling, "normalize": how.normalize, "max_length": how.max_length}
    return task_for("encoder").from_config(config, parts)
