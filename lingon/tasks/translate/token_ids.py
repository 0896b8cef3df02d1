"""The ids that a translator reads and writes: of sources, of what a translation begins with, and what none may have."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.core.shapes import Int, Tensor

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator


def source_ids(translator: "Translator", texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Return the ids of source texts. One that is longer than the model reads is cut, which is reported."""
    rows, most = translator.source.encode_batch(texts), translator.model.source_length
    if most is not None and (cut := sum(len(row) > most for row in rows)):
        said = f"{cut:,} of {counted(len(rows), 'text')} are longer than {most:,} tokens; they are truncated"
        warnings.warn(said, stacklevel=5)
        rows = translator.source.truncate(texts, rows, most)
    return [tuple(row) or translator.eos_ids for row in rows]


def prompt_ids(translator: "Translator", prefix: str) -> tuple[int, ...]:
    """Return the ids that a translation begins with: the start, `prefix_ids` and those of a text.

    Raises UserError for a prefix that the vocabulary cannot write, or that leaves no room.
    """
    ids = translator.target.without_special_tokens().encode(prefix) if prefix else []
    if translator.unknown is not None and translator.unknown in ids:
        raise UserError(f"--prefix {prefix!r} has a word that the model's vocabulary cannot write; change it")
    found = (translator.model.start_id, *translator.prefix_ids, *ids)
    if translator.room(found) < 1:
        most = translator.model.context_length
        raise UserError(f"--prefix has {len(ids):,} tokens, the model writes {most:,} at most")
    return found


def no_text_ids(translator: "Translator") -> frozenset[int]:
    """Return the ids of the target that add nothing to a text: its special tokens."""
    added = translator.target.library.get_added_tokens_decoder()
    special = {i for i, token in added.items() if token.special}
    if translator.unknown is not None:
        special.add(translator.unknown)
    return frozenset(special | {*translator.eos_ids, translator.model.pad_id, translator.model.start_id})


def forbidden_ids(translator: "Translator", copy_unknown: bool = False) -> Int[Tensor, " N"]:
    """Return the ids that are never written. copy_unknown: the unknown token may be, as a word is put there.

    A model that comes with settings of its own may write whatever these do not forbid.
    """
    unknown = set() if copy_unknown or translator.generation else {translator.unknown, translator.target.padding_idx}
    found = {i for i in unknown if i is not None} | set(translator.suppressed_ids)
    embedding = getattr(translator.model, "embedding", None)
    if embedding is not None:  # rows that no token has, as those of T5
        found |= set(range(len(translator.target.vocab), len(embedding.weight)))
    return torch.tensor(sorted(found - set(translator.eos_ids)), dtype=torch.long)
