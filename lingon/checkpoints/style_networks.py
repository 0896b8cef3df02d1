"""Opens published style networks by name."""

from pathlib import Path
from typing import Any

from lingon.data.corpora.image_weights import STYLES
from lingon.tasks.registry import task_of

STYLE = {name.replace("_", "-"): style for name, style in STYLES.items()}  # the style of each network


def is_style_network(source: str | Path) -> bool:
    """Return whether this is the name of a published network: wave, la-muse or udnie, or style-wave and so on."""
    return _short(source) in STYLE and not Path(source).exists()


def open_style_network(source: str | Path, device: str = "cpu") -> Any:
    """Return the task of a published network. Raises FetchError if its weights cannot be fetched."""
    from lingon.models.style_network import load_style_network

    name = _short(source)
    make: Any = task_of("style")
    return make(load_style_network(name).to(device), STYLE[name])


def _short(source: str | Path) -> str:
    return str(source).removeprefix("style-").replace("_", "-")
