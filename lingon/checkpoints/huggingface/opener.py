"""What `lingon.load` does with a checkpoint of the Hugging Face layout, or with its name on the hub."""

from pathlib import Path
from typing import Any

from lingon.core.files import read_json

HUB = "hf:"  # what a name of the hub begins with, so that a folder that is misspelt never asks the network
CONFIG_LIMIT = 64 << 20  # bytes of a config.json that is only looked at: a bundle's may have many labels


def is_hub_source(source: str | Path) -> bool:
    """Return whether this names a model of the hub, or is a folder whose config.json has a `model_type`."""
    return str(source).startswith(HUB) or is_hub_folder(Path(source))


def is_hub_folder(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint of this layout: its config.json has a `model_type`."""
    path = folder / "config.json"
    if not path.is_file():
        return False
    config = read_json(path, limit=CONFIG_LIMIT)
    return isinstance(config, dict) and "model_type" in config


def open_hub(source: str | Path, device: str = "cpu") -> Any:
    """Load the language model of a checkpoint. Raises DataError when there is no tokenizer beside the weights."""
    from lingon.checkpoints.huggingface.load import load_hub  # what opens a bundle does not wait for it

    return load_hub(source).language_model(device)
