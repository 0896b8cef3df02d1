"""Loads conversations or preferences from the user's files, divided so that no question is in two parts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import DataError, no_file, unknown
from lingon.core.files import sha256_of
from lingon.data.conversations import ConversationSplits, Dialogue, Preference, dialogues_checksum
from lingon.data.files.chat_rows import read_chat_rows
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.load_data import PARTS, shared_keys, tell_lines
from lingon.data.split import cut_rows

SHARE = {"test": 0.1, "valid": 0.1}  # of a file, when nothing else is given


def load_conversation_splits(
    name_or_path: str | Path,
    test: str | Path | None = None,
    valid: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> ConversationSplits:
    """Return training, validation and test conversations, or preferences, of a file.

    test, valid: files to test and validate on. By default a tenth is held out, always the same rows; those with one
    question stay together. Raises UserError for a path that is not a file, DataError with file and line for rows that
    cannot be read, and for files of different kinds.
    """
    path = Path(name_or_path)
    files = {"train": path} | {part: Path(f) for part, f in (("test", test), ("valid", valid)) if f is not None}
    found = {part: _read(file, on_bad_row, options) for part, file in files.items()}
    preferred = isinstance(found["train"][0], Preference)
    for part, some in found.items():
        if isinstance(some[0], Preference) != preferred:
            raise DataError(f"{files[part]}: preferences and conversations are different data; give files of one kind")
    for part in ("test", "valid"):
        if part not in found:
            found["train"], found[part] = _cut(path, found["train"], SHARE[part], part)
    _tell_shared(found, [part for part in files if part != "train"])
    source: dict[str, Any] = {"name": path.name, "kind": "preferences" if preferred else "conversations"}
    source |= {"files": {part: {"name": f.name, "sha256": sha256_of(f)} for part, f in files.items()}}
    source |= {part: len(found[part]) for part in PARTS}
    source["sha256"] = dialogues_checksum([one for part in PARTS for one in found[part]])
    return ConversationSplits(found["train"], found["valid"], found["test"], path.name, source)


def load_conversations(
    name_or_path: str | Path,
    part: str | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> Sequence[Dialogue]:
    """Return the conversations or preferences of a file: all of it, or a part as `load_conversation_splits` cuts it."""
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    if part in (None, "all"):
        return _read(Path(name_or_path), on_bad_row, options)
    return getattr(load_conversation_splits(name_or_path, None, None, on_bad_row, options), part)


def _tell_shared(found: dict[str, Sequence[Dialogue]], parts: Sequence[str]) -> None:
    """Report how many questions of these parts are also in training."""
    keys = {part: [_key(one) for one in some] for part, some in found.items()}
    for part in parts:
        tell_lines(shared_keys(keys["train"], keys[part], f"{part} questions"))


def _read(path: Path, on_bad_row: OnBadRow, options: FileOptions) -> Sequence[Dialogue]:
    if not path.is_file():
        raise no_file(path, "; give a jsonl file of conversations")
    found, skipped = read_chat_rows(path, on_bad_row, options)
    if skipped:
        tell_lines([f"{path}: {counted(skipped, 'row is', 'rows are')} left out, as they cannot be read"])
    return found


def _cut(
    path: Path, dialogues: Sequence[Dialogue], share: float, purpose: str
) -> tuple[Sequence[Dialogue], Sequence[Dialogue]]:
    """Hold out a share of the questions, chosen by the question alone; at least one remains and one is held out."""
    keys = [_key(one) for one in dialogues]
    cut = cut_rows(keys, [""] * len(keys), share, 0, purpose)
    if not cut:
        raise DataError(f"{path}: no different questions are left for the {purpose} part; at least three are needed")
    stay = [one for i, one in enumerate(dialogues) if i not in cut]
    return stay, [dialogues[i] for i in sorted(cut)]


def _key(one: Dialogue) -> str:
    return json.dumps([(message.role, message.content) for message in one.question])
