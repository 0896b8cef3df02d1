"""Conversations as columns and batches: ids, and where the answers are; cut to what a model reads."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.data.batches import ByLength, Column, Loader, Padded, TokenIds
from lingon.data.conversations import Conversation
from lingon.tasks.chat.encoding import ChatEncoder, EncodedChat


@dataclass
class EncodedChats:
    """Conversations as ids, and what had to be cut. left_out: those of whose answers nothing fits."""

    rows: list[EncodedChat] = field(default_factory=list)
    cut: int = 0
    left_out: int = 0

    def facts(self) -> dict[str, int]:
        """Return what run.json says of them."""
        learned = sum(sum(row.answer) for row in self.rows)
        return {"examples": len(self.rows), "answer_tokens": learned, "cut": self.cut, "left_out": self.left_out}

    def tell(self, max_length: int) -> None:
        """Say on stderr what was cut."""
        if self.cut or self.left_out:
            print(
                f"{counted(self.cut + self.left_out, 'conversation is', 'conversations are')} longer than "
                f"{max_length:,} tokens: {self.cut:,} cut, {self.left_out:,} left out, as the answers begin later",
                file=sys.stderr,
            )


def encode_chats(encoder: ChatEncoder, conversations: Iterable[Conversation], max_length: int) -> EncodedChats:
    """Encode conversations, each cut after `max_length` tokens. Raises DataError where no answer is left to learn."""
    found = EncodedChats()
    for number, conversation in enumerate(conversations, 1):
        for row in _encoded(encoder, conversation, number):
            short = EncodedChat(row.ids[:max_length], row.answer[:max_length])
            if not any(short.answer[1:]):
                found.left_out += 1
                continue
            found.cut += len(row.ids) > max_length
            found.rows.append(short)
    if not found.rows:
        raise DataError(
            f"no answer begins within {max_length:,} tokens of its conversation; raise --max-length, or shorten them"
        )
    return found


def chat_columns(rows: Sequence[EncodedChat], pad: int, prefix: str = "") -> dict[str, Column]:
    """Return the columns of rows: `ids`, `mask` and `answer` [B, T], their names after a prefix."""
    ids = TokenIds([row.ids for row in rows], pad=pad, prefix=prefix)
    return {f"{prefix}texts": ids, f"{prefix}answers": Padded(f"{prefix}answer", [row.answer for row in rows])}


def chat_loader(columns: Mapping[str, Column], lengths: Any, how: Mapping[str, Any]) -> Loader:
    """Return the loader of columns, by length. how: `max_tokens`, `batch_size`, `seed`, `shuffle`, `rank`, `world`."""
    order = ByLength(lengths, how["max_tokens"], how.get("batch_size"), how.get("seed", 0), how.get("shuffle", True))
    return Loader(dict(columns), order, how.get("rank", 0), how.get("world", 1))


def _encoded(encoder: ChatEncoder, conversation: Conversation, number: int) -> list[EncodedChat]:
    try:
        return encoder.encode(conversation)
    except UserError as error:
        raise type(error)(f"conversation {number}: {error}") from None
