"""A language model as it was published, loaded from the Hugging Face layout or a GGUF file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from lingon.core.device import pick_device
from lingon.core.errors import DataError
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.chat_template import ChatTemplate, template_config
from lingon.tasks.registry import task_for


@dataclass(frozen=True)
class Checkpoint:
    """A language model as it was published.

    tokenizer: None when the folder has none. eos_ids: ids that end a text. source: the folder or file.
    chat_template: the format of its conversations; None for a model of running text.
    """

    model: nn.Module
    tokenizer: Tokenizer | None
    eos_ids: tuple[int, ...]
    source: Path
    chat_template: ChatTemplate | None = None

    def language_model(self, device: str = "cpu") -> Any:
        """Return the model with its tokenizer, ready to generate. Raises DataError when there is no tokenizer."""
        if self.tokenizer is None:
            raise DataError(f"{self.source}: there is no tokenizer next to the weights (tokenizer.json)")
        parts: dict[str, nn.Module | Tokenizer] = {
            "model": self.model.to(pick_device(device)).eval(),
            "tokenizer": self.tokenizer,
        }
        config = {"eos_ids": self.eos_ids, "chat_template": template_config(self.chat_template)}
        return task_for("causal").from_config(config, parts)
