"""The encoder that a command embeds texts with."""

from lingon.cli.load_task import load_for
from lingon.search.encoder import TextEncoder


def load_encoder(source: str, device: str = "cpu", precision: str = "float32") -> TextEncoder:
    """Load what gives texts vectors: by name, a folder, or hf:owner/name. Raises UserError for any other model."""
    return load_for("embed", source, device, None, precision)
