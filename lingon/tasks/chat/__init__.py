"""Chat: a language model that answers in conversations, and is fine-tuned on them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.chat.answer import ChatAnswer
    from lingon.tasks.chat.chat_model import TASK, ChatModel

__all__ = ["TASK", "ChatAnswer", "ChatModel"]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that settings and templates are read without it."""
    if name in __all__:
        return getattr(import_module("lingon.tasks.chat.chat_model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
