"""Loads a model saved in any format as an object that predicts, by the first opener that knows the format."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lingon.checkpoints import bundle
from lingon.checkpoints.gguf.opener import is_gguf_source, open_gguf
from lingon.checkpoints.huggingface.opener import is_hub_source, open_hub
from lingon.checkpoints.style_networks import is_style_network, open_style_network

Sniff = Callable[[str | Path], bool]
Open = Callable[[str | Path, str], Any]
# Tried in this order. The last one accepts everything, and raises an error for a path that is not a bundle.
OPENERS: list[tuple[Sniff, Open]] = [
    (is_gguf_source, open_gguf),
    (is_hub_source, open_hub),
    (is_style_network, open_style_network),
    (lambda source: True, bundle.open_bundle),
]


def load(source: str | Path, device: str = "cpu") -> Any:
    """Load the object that predicts: from a bundle, a run folder with one, a published checkpoint or a GGUF file.

    A model on the hub is named "hf:owner/name"; nothing else uses the network.

    Raises UserError or DataError, naming file and key, when something is missing, broken or of another kind.
    No code is imported or run by a name from the files.

    >>> import lingon
    >>> model = lingon.load("runs/sentiment")  # doctest: +SKIP
    """
    return next(open for sniff, open in OPENERS if sniff(source))(source, device)
