"""Opens checkpoints in the Hugging Face layout, or by their name on the hub, for `lingon.load`."""

from pathlib import Path
from typing import Any

from lingon.checkpoints.huggingface.sentence_transformers import has_modules
from lingon.checkpoints.huggingface.source_folder import HUB, folder_of
from lingon.core.files import read_json
from lingon.data.corpora.encoders import ENCODERS, encoder_folder
from lingon.models.hub_families import is_encoder, is_seq2seq

CONFIG_LIMIT = 64 << 20  # bytes of a config.json that is only inspected: a bundle's may have many labels


def is_hub_source(source: str | Path) -> bool:
    """Return whether this is the name of a model on the hub or of a packaged encoder, or a folder in this layout."""
    return str(source).startswith(HUB) or is_encoder_name(source) or is_hub_folder(Path(source))


def is_encoder_name(source: str | Path) -> bool:
    """Return whether this is the name of a published encoder that is available in packages, such as minilm-l6."""
    return str(source) in ENCODERS and not Path(source).exists()


def is_hub_folder(folder: Path) -> bool:
    """Return whether a folder is a checkpoint in this layout.

    Its config.json has a `model_type`, or it has the modules.json of sentence-transformers.
    """
    return model_type_of(folder) is not None or has_modules(folder)


def model_type_of(folder: Path) -> object:
    """Return the model family in config.json; None if there is none."""
    path = folder / "config.json"
    config = read_json(path, limit=CONFIG_LIMIT) if path.is_file() else None
    return config.get("model_type") if isinstance(config, dict) else None


def open_hub(source: str | Path, device: str = "cpu") -> Any:
    """Load the task of a checkpoint: a language model, `embed` of an encoder, `translate` of an encoder-decoder.

    Raises DataError when there is no tokenizer next to the weights.
    """
    # Imported here so that opening a bundle stays fast.
    from lingon.checkpoints.huggingface.embedder import open_encoder
    from lingon.checkpoints.huggingface.load import load_hub
    from lingon.checkpoints.huggingface.translator import open_translator

    folder = encoder_folder(str(source)) if is_encoder_name(source) else folder_of(source)
    if has_modules(folder) or is_encoder(model_type_of(folder)):
        return open_encoder(folder, device)
    if is_seq2seq(model_type_of(folder)):
        return open_translator(folder, device)
    return load_hub(folder).language_model(device)
