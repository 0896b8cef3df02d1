"""All tokenizers that can be trained, by name. The table imports nothing heavy: `lingon --help` lists it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from lingon.core.errors import unknown

if TYPE_CHECKING:
    from lingon.data.tokenizers import Tokenizer

FEWEST_CHARACTERS = 1000  # a smaller vocabulary would leave out letters and save little memory


@dataclass(frozen=True)
class TokenizerRow:
    """Row of a tokenizer: the module with the function of its name, which takes texts and a vocabulary size.

    size: the name of the parameter for that size. least: the minimum; smaller sizes are raised to it.
    """

    module: str = "lingon.data.tokenizers.train"
    size: str = "size"
    least: int = 1


TOKENIZERS: dict[str, TokenizerRow] = {
    "words": TokenizerRow(size="max_size"),
    "characters": TokenizerRow(size="max_size", least=FEWEST_CHARACTERS),
    "bpe": TokenizerRow(),
    "wordpiece": TokenizerRow(),
    "unigram": TokenizerRow(),
    "spaces": TokenizerRow(size="max_size"),
}


def train_tokenizer(name: str, texts: Sequence[str], size: int) -> "Tokenizer":
    """Train the tokenizer of that name on texts. size: maximum vocabulary size. Raises UserError for other names."""
    if name not in TOKENIZERS:
        raise unknown("tokenizer", name, TOKENIZERS)
    row = TOKENIZERS[name]
    make: Callable[..., Tokenizer] = getattr(import_module(row.module), name)
    return make(texts, **{row.size: max(size, row.least)})
