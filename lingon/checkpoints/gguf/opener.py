"""Opens GGUF files, or published weights in this format by name, for `lingon.load`."""

from pathlib import Path
from typing import Any

from lingon.data.corpora.weights import WEIGHTS, weights_path
from lingon.data.files.gguf import is_gguf


def is_gguf_source(source: str | Path) -> bool:
    """Return whether this is a GGUF file, or the name of weights in this format."""
    return _is_name(source) or is_gguf(Path(source))


def open_gguf(source: str | Path, device: str = "cpu") -> Any:
    """Load the language model of a GGUF file, or of the weights of that name."""
    from lingon.checkpoints.gguf.load import load_gguf  # imported here so that opening a bundle stays fast

    return load_gguf(weights_path(str(source)) if _is_name(source) else source).language_model(device)


def _is_name(source: str | Path) -> bool:
    return str(source) in WEIGHTS and not Path(source).exists()
