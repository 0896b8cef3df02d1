"""What a chat model answers, with what it was asked."""

from dataclasses import dataclass
from typing import Any

from lingon.core.terminal import printable


@dataclass(frozen=True)
class ChatAnswer:
    """The answer to a conversation. prompt: its last message. finish_reason: why it ends, as of a `Generation`."""

    prompt: str
    answer: str
    finish_reason: str
    logprob: float

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the prompt first."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __str__(self) -> str:
        return f"{printable(self.prompt)}\t{printable(self.answer)}"
