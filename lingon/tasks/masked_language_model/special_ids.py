"""The special tokens of an encoder's tokenizer: what hides a token, what stands around a text, what is never hidden."""

from dataclasses import dataclass

import tokenizers
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Tensor
from lingon.data.tokenizers import Tokenizer

MASKS = ("[MASK]", "<mask>")  # how tokenizers call what stands in place of a hidden token
WORDS = "##"  # what goes on a word in WordPiece


@dataclass(frozen=True, eq=False)
class SpecialIds:
    """Special tokens. mask: id of [MASK], mask_token as written; before, after: those around a text, None for none."""

    mask: int
    mask_token: str
    before: int | None
    after: int | None
    special: Bool[Tensor, " V"]


def special_ids(tokenizer: Tokenizer, rows: int) -> SpecialIds:
    """Return the special tokens. rows: of the model's table. Raises UserError for a tokenizer without [MASK]."""
    library = tokenizer.library
    name = next((name for name in MASKS if library.token_to_id(name) is not None), None)
    if name is None:
        raise UserError(f"the tokenizer has no {MASKS[0]}, so that nothing can be hidden; use that of an encoder")
    added = [i for i, token in library.get_added_tokens_decoder().items() if token.special]
    names = [library.token_to_id(token) for token in ("[pad]", "[unk]", "[PAD]", "[UNK]", "<pad>", "<unk>")]
    special = torch.zeros(rows, dtype=torch.bool)
    special[[i for i in [*added, *names] if i is not None and i < rows]] = True
    special[len(tokenizer.vocab) :] = True  # rows to spare
    around = tokenizer.encode("")
    before, after = (around[0], around[-1]) if len(around) == 2 else (None, None)
    mask = library.token_to_id(name)
    assert mask is not None, name
    return SpecialIds(mask, name, before, after, special)


def with_mask(tokenizer: Tokenizer) -> Tokenizer:
    """Return a tokenizer whose texts stand between [CLS] and [SEP], and which has [MASK]."""
    found = tokenizer.with_template()
    copy = tokenizers.Tokenizer.from_str(found.library.to_str())
    copy.add_special_tokens([MASKS[0]])
    return Tokenizer(copy)


def without_template(tokenizer: Tokenizer) -> Tokenizer:
    """Return the same tokenizer without special tokens around a text, for running text."""
    copy = tokenizers.Tokenizer.from_str(tokenizer.library.to_str())
    copy.post_processor = tokenizers.processors.Sequence([])
    return Tokenizer(copy)
