"""Scripts without spaces between words, which a word tokenizer cannot split; its user is warned."""

import re
import warnings
from collections.abc import Sequence

# Unicode blocks. Word tokenizers split Chinese and Japanese into characters, but these scripts not at all.
SOUTH_EAST = {"Thai": "\u0e00-\u0e7f", "Lao": "\u0e80-\u0eff", "Burmese": "\u1000-\u109f", "Khmer": "\u1780-\u17ff"}
EAST = {"Chinese or Japanese": "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"}
LOOKED_AT, MUCH = 1000, 0.2  # texts; share of all characters except white space


def warn_unsegmented(texts: Sequence[str], scripts: dict[str, str]) -> None:
    """Warn, with numbers and a remedy, if much of the texts is in a script that is not split into words."""
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
