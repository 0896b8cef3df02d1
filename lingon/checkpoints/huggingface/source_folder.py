"""The folder of a checkpoint: given as a path, or fetched by its name on the hub."""

import re
from pathlib import Path

from lingon.core.errors import UserError

HUB = "hf:"  # prefix of names on the hub, so that a misspelt folder never causes network access
NEEDED = ["*.json", "*.safetensors", "merges.txt", "vocab.txt", "*.spm", "*.model", "chat_template.jinja"]


def folder_of(source: str | Path) -> Path:
    """Return the folder. Raises UserError if there is none of that name, or if it cannot be fetched from the hub."""
    if Path(source).is_dir():
        return Path(source)
    name = str(source).removeprefix(HUB)
    if not str(source).startswith(HUB) or not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UserError(f"there is no folder {str(source)!r}, and a name on the hub looks like hf:owner/name")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise UserError(f"to fetch {str(source)!r} by name, install huggingface_hub; or give a folder") from None
    try:
        return Path(snapshot_download(name, allow_patterns=NEEDED))
    # Errors of the hub are of many types; one for a misspelt name looks like one for no network.
    except Exception as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)[:120]
        way = "without a network, copy the model folder to this machine and give its path"
        raise UserError(f"{source} could not be fetched from the hub ({why}); {way}") from None
