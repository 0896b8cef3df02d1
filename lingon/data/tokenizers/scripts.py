"""Scripts that put no spaces between words: a tokenizer of words cannot divide them, and its user should know."""

import re
import warnings
from collections.abc import Sequence

# The blocks of Unicode. Tokenizers of words cut Chinese and Japanese into characters, the others not at all.
SOUTH_EAST = {"Thai": "\u0e00-\u0e7f", "Lao": "\u0e80-\u0eff", "Burmese": "\u1000-\u109f", "Khmer": "\u1780-\u17ff"}
EAST = {"Chinese or Japanese": "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"}
LOOKED_AT, MUCH = 1000, 0.2  # texts; share of anything that is not white space


def warn_unsegmented(texts: Sequence[str], scripts: dict[str, str]) -> None:
    """Warn, with numbers and the way out, when much of the texts is in a script that is not divided into words."""
    some = "".join("".join(text.split()) for text in texts[:LOOKED_AT])
    if some.isascii():
        return
    for name, block in scripts.items():
        share = len(re.findall(f"[{block}]", some)) / len(some)
        if share > MUCH:
            warnings.warn(
                f"{share:.0%} of the characters are {name}, which has no spaces between words, so this tokenizer takes "
                "whole phrases for words; try --tokenizer bpe",
                stacklevel=3,
            )
