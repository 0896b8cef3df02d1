"""Writes bert_characters.mjs: what BERT's tokenizer must know of characters, asked of the very library that made ids.

Its tables are of an older Unicode than those of a browser, so that properties such as \\p{Mn} would not be the same.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from tokenizers import normalizers, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
CLEAN = normalizers.BertNormalizer(handle_chinese_chars=False, strip_accents=False, lowercase=False)
ACCENTS = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
CJK = normalizers.BertNormalizer(clean_text=False, strip_accents=False, lowercase=False)
CUT = pre_tokenizers.BertPreTokenizer()
NFD = normalizers.NFD()
CLASSES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "CONTROL": ("removed", lambda c: CLEAN.normalize_str(c) == ""),
    "SPACE": ("written as a space", lambda c: CLEAN.normalize_str(c) == " "),
    "IDEOGRAPH": ("a word by itself", lambda c: CJK.normalize_str(c) != c),
    "ACCENT": ("removed, where accents are", lambda c: ACCENTS.normalize_str(c) == ""),
    "COMPOSED": ("taken apart, where accents are removed", lambda c: NFD.normalize_str(c) != c),
    "PUNCTUATION": ("a word by itself", lambda c: len(CUT.pre_tokenize_str(f"a{c}a")) == 3),
}


def ranges(points: list[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbours."""
    runs: list[list[int]] = []
    for c in points:
        if runs and c == runs[-1][1] + 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    return [(a, b) for a, b in runs]


def text() -> str:
    """The file."""
    lines = ["// Made by make_bert_characters.py."]
    for name, (what, belongs) in CLASSES.items():
        found = ranges([c for c in POINTS if belongs(chr(c))])
        inside = "".join(f"\\u{{{a:x}}}" + (f"-\\u{{{b:x}}}" if b > a else "") for a, b in found)
        lines.append(f"export const {name} = /[{inside}]/u; // {what}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
