"""Files of conversations: rows with `messages`, with `prompt` and `completion`, or with `chosen` and `rejected`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, UserError, one_of
from lingon.data.conversations import (
    ASSISTANT,
    USER,
    Conversation,
    Dialogue,
    Message,
    Preference,
    messages_of,
    refuse_unread,
)
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.table_rows import read_rows

LAYOUTS = "expected 'messages', or 'prompt' with 'completion', or 'prompt' with 'chosen' and 'rejected'"


def read_chat_rows(
    path: Path | str, on_bad_row: OnBadRow = "stop", options: FileOptions = FileOptions()
) -> tuple[list[Dialogue], int]:
    """Return the conversations or preferences of a jsonl, json, parquet or csv file, and the number of skipped rows.

    prompt, completion, chosen and rejected are texts, or lists of messages as in TRL. If a preference has no prompt, it
    is the common start of `chosen` and `rejected`.
    Raises DataError with file and line for a row that cannot be read, and for a file with both kinds.
    """
    path, found, skipped = Path(path), list[Dialogue](), 0
    for row in read_rows(path, None, options):
        try:
            if row.problem:
                raise DataError(row.problem)
            found.append(dialogue_of(row.values))
            if isinstance(found[-1], Preference) != isinstance(found[0], Preference):
                raise DataError("some rows are preferences (chosen, rejected), others conversations; keep one kind")
        except UserError as error:
            if on_bad_row == "stop":
                raise DataError(f"{path}{row.where}: {error}") from None
            skipped += 1
    if not found:
        raise DataError(f"{path}: no row that can be read as a conversation; {LAYOUTS}")
    return found, skipped


def dialogue_of(values: Mapping[str, Any]) -> Dialogue:
    """Return the conversation or preference of a row. Raises UserError if it is neither."""
    if values.get("tools") not in (None, "", "[]", [], {}):
        raise UserError("it has 'tools', which are not supported; describe them in the system message")
    if values.get("messages") is not None:
        return Conversation(messages_of(values["messages"]))
    if "chosen" in values or "rejected" in values:
        return _preference(values)
    if "prompt" in values and "completion" in values:
        prompt, completion = _said(values, "prompt", USER), _said(values, "completion", ASSISTANT)
        return Conversation(messages_of([*prompt, *completion]))
    raise UserError(f"it has {one_of(map(str, values)) or 'nothing'}; {LAYOUTS}")


def _preference(values: Mapping[str, Any]) -> Preference:
    chosen, rejected = (_said(values, name, ASSISTANT) for name in ("chosen", "rejected"))
    prompt = _said(values, "prompt", USER) if values.get("prompt") is not None else _shared(chosen, rejected)
    start = 0 if values.get("prompt") is not None else len(prompt)
    answers = [_answer(name, said[start:]) for name, said in (("chosen", chosen), ("rejected", rejected))]
    return Preference(messages_of(prompt, answer_next=True), *answers)


def _shared(chosen: list[Any], rejected: list[Any]) -> list[Any]:
    """Return the common initial messages of both, excluding the last message of each, the answer."""
    most = min(len(chosen), len(rejected)) - 1
    same = next((i for i in range(most) if chosen[i] != rejected[i]), most)
    if same < 1:
        raise UserError("there is no 'prompt', and chosen and rejected do not begin alike; give the prompt")
    return chosen[:same]


def _answer(name: str, said: list[Any]) -> str:
    message = said[0] if len(said) == 1 else None
    role = message.get("role") if isinstance(message, Mapping) else getattr(message, "role", None)
    if role != ASSISTANT:
        raise UserError(f"{name} is not a single answer of the assistant after the prompt")
    if isinstance(message, Mapping):
        refuse_unread(message, f"the {name} answer")
    content = message.get("content") if isinstance(message, Mapping) else getattr(message, "content", None)
    if not isinstance(content, str):
        raise UserError(f"{name}: its content is a {type(content).__name__}, expected text")
    return content


def _said(values: Mapping[str, Any], name: str, role: str) -> list[Any]:
    """Return the messages of a column: a text is one message of that role."""
    given = values.get(name)
    if isinstance(given, str):
        return [Message(role, given)]
    if isinstance(given, list):
        return given
    what = "missing" if given is None else f"a {type(given).__name__}"
    raise UserError(f"{name!r} is {what}, expected text or a list of messages")
