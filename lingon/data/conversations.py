"""Conversations, in which a language model is trained on the answers; and preferences between answers."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lingon.core.errors import UserError, suggest
from lingon.data.files.labelled_texts import SURROGATE

SYSTEM, USER, ASSISTANT, TOOL = ROLES = ("system", "user", "assistant", "tool")
# The roles that may precede each role; None is the start.
BEFORE: dict[str, tuple[str | None, ...]] = {
    SYSTEM: (None,),
    USER: (None, SYSTEM, ASSISTANT),
    ASSISTANT: (USER, TOOL),
    TOOL: (ASSISTANT, TOOL),
}
# Unsupported fields of a message besides its text, with what to do instead.
UNREAD = {"tool_calls": "write a call as the text of the message"}
UNREAD |= {"function_call": UNREAD["tool_calls"]}
UNREAD |= dict.fromkeys(
    ("reasoning_content", "reasoning", "thinking"), "write it into the text, as the model's template does"
)


class Message(NamedTuple):
    """A message. role: system, user, assistant, or tool for the result of a program called by the assistant."""

    role: str
    content: str

    def row(self) -> dict[str, str]:
        """Return the message as a dictionary, for JSON and chat templates."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True)
class Conversation:
    """Messages, the last one an answer of the assistant; all answers are trained on."""

    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        if not self.messages or self.messages[-1].role != ASSISTANT:
            last = self.messages[-1].role if self.messages else "nothing"
            raise UserError(f"the conversation ends with {last}, expected an answer of the assistant to train on")

    @property
    def question(self) -> tuple[Message, ...]:
        """Return the messages before the first answer: conversations that share them are in the same split."""
        return self.messages[: [message.role for message in self.messages].index(ASSISTANT)]


@dataclass(frozen=True)
class Preference:
    """A prompt with two answers, of which people preferred the first. prompt: messages up to the answer."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str

    def __post_init__(self) -> None:
        for name in ("chosen", "rejected"):
            if not getattr(self, name).strip():
                raise UserError(f"the {name} answer is empty, expected text")
        if self.chosen == self.rejected:
            raise UserError(f"chosen and rejected are the same answer, {self.chosen[:40]!r}; one must be preferred")

    @property
    def question(self) -> tuple[Message, ...]:
        """Return the prompt: preferences that share it are in the same split."""
        return self.prompt

    def conversation(self, answer: str) -> Conversation:
        """Return the prompt with one of the answers."""
        return Conversation((*self.prompt, Message(ASSISTANT, answer)))


Dialogue = Conversation | Preference


@dataclass(frozen=True)
class ConversationSplits:
    """Training, validation and test data, all conversations or all preferences, their name and their source."""

    train: Sequence[Dialogue]
    valid: Sequence[Dialogue]
    test: Sequence[Dialogue]
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def preferences(self) -> bool:
        """Return whether these are preferences."""
        return isinstance(self.train[0], Preference)


def _place_of(role: str) -> str:
    """Return, in words, where messages of a role may occur.

    >>> _place_of("user")
    'comes first, or after system or assistant'
    """
    after = [other for other in BEFORE[role] if other is not None]
    places = (["first"] if None in BEFORE[role] else []) + ([f"after {' or '.join(after)}"] if after else [])
    return f"comes {', or '.join(places)}"


def messages_of(given: Any, answer_next: bool = False) -> tuple[Message, ...]:
    """Return validated messages: known roles in the order of a conversation, each with text.

    given: `Message`s, or mappings with `role` and `content`, as in jsonl. answer_next: the assistant is to answer, so
    that the last message must not be the assistant's. Raises UserError that says which message is wrong, and why.
    """
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise UserError(f"messages are {type(given).__name__}, expected a list of objects with role and content")
    found: list[Message] = []
    for number, one in enumerate(given, 1):
        found.append(_message(one, number))
        before = found[-2].role if len(found) > 1 else None
        if before not in BEFORE[found[-1].role]:
            role = found[-1].role
            where = "comes first" if before is None else f"follows {before}"
            raise UserError(f"message {number} ({role}) {where}; {role} {_place_of(role)}")
    if not found:
        raise UserError("the conversation has no messages; expected at least a question and an answer")
    if answer_next and found[-1].role not in (USER, TOOL):
        raise UserError(f"the last message is from {found[-1].role!r}; expected one from the user, to be answered")
    return tuple(found)


def _message(given: Any, number: int) -> Message:
    if isinstance(given, Message):
        given = given.row()
    if not isinstance(given, Mapping):
        raise UserError(f"message {number} is {str(given)[:40]!r}, expected an object with role and content")
    for key in ("role", "content"):
        if key not in given:
            raise UserError(f"message {number} has no {key!r}; it has {', '.join(map(str, given)) or 'nothing'}"[:200])
    role, content = given["role"], given["content"]
    if role not in ROLES:
        raise UserError(f"message {number} has an unknown role {str(role)[:40]!r}; {suggest(str(role)[:40], ROLES)}")
    refuse_unread(given, f"message {number}")
    if not isinstance(content, str):
        what = f"a {type(content).__name__}" if content is not None else "nothing"
        raise UserError(f"message {number} ({role}): its content is {what}, expected text")
    if not content.strip() and role != SYSTEM:
        raise UserError(f"message {number} ({role}) is empty, expected text")
    if not content.isascii() and SURROGATE.search(content):
        raise UserError(f"message {number} ({role}) contains a lone surrogate (half a character)")
    return Message(role, content)


def refuse_unread(given: Mapping[str, Any], name: str) -> None:
    """Raise UserError for a message with unsupported fields, which would be ignored. name: of the message."""
    for key, way in UNREAD.items():
        if given.get(key):
            raise UserError(f"{name} has {key}, which {'are' if key.endswith('s') else 'is'} not supported; {way}")
    if given.get("weight") not in (None, 1):
        raise UserError(f"{name} has weight {str(given['weight'])[:40]}, and every answer is learned; leave it out")


def dialogues_checksum(dialogues: Iterable[Dialogue]) -> str:
    """Return the sha256 of all messages, in hex."""
    digest = hashlib.sha256()
    for one in dialogues:
        said = [one.prompt, one.chosen, one.rejected] if isinstance(one, Preference) else one.messages
        digest.update(json.dumps(said).encode())
    return digest.hexdigest()
