"""Writes unicode.inc: what the C++ tokenizer must know of characters, asked of the very library that made the ids."""

import sys
import unicodedata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from tokenizers import Regex, normalizers, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
AT_ONCE = 4096
SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}"
CLASSES = {
    "LETTERS": r"\p{L}",
    "MARKS": r"\p{M}",
    "NUMBERS": r"\p{N}",
    "SPACELESS": f"[{SPACELESS}]",
    "SPACES": r"\s",
}


def members(pattern: str) -> list[int]:
    """The characters that a regular expression of the library takes."""
    cut = pre_tokenizers.Split(Regex(pattern), "isolated")
    found = []
    for start in range(0, len(POINTS), AT_ONCE):
        # A letter that is in no class stands between, so that each character is judged alone.
        for c in POINTS[start : start + AT_ONCE]:
            pieces = cut.pre_tokenize_str(f"\U000e0001{chr(c)}\U000e0001")
            if len(pieces) == 3:
                found.append(c)
    return found


def ranges(points: list[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbours."""
    runs: list[list[int]] = []
    for c in points:
        if runs and c == runs[-1][1] + 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    return [(a, b) for a, b in runs]


def bert() -> ModuleType:
    """The file that asks the library for the classes of BERT's tokenizer, for JavaScript."""
    path = Path(__file__).resolve().parents[1] / "javascript" / "make_bert_characters.py"
    spec = spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lower() -> dict[int, str]:
    rule = normalizers.Lowercase()
    return {c: low for c in POINTS if (low := rule.normalize_str(chr(c))) != chr(c)}


def decompositions() -> dict[int, str]:
    """Characters that the canonical form takes apart, but for those of Hangul, which follow a formula."""
    apart = {c: unicodedata.normalize("NFD", chr(c)) for c in POINTS if not 0xAC00 <= c <= 0xD7A3}
    return {c: parts for c, parts in apart.items() if parts != chr(c)}


def compositions() -> dict[tuple[int, int], int]:
    """Pairs that the canonical form puts together."""
    found = {}
    for c in POINTS:
        parts = unicodedata.decomposition(chr(c)).split()
        if len(parts) == 2 and not parts[0].startswith("<") and unicodedata.normalize("NFC", chr(c)) == chr(c):
            found[int(parts[0], 16), int(parts[1], 16)] = c
    return found


def text() -> str:
    """The file."""
    lines = ["// Made by make_unicode.py."]
    found = {name: members(pattern) for name, pattern in CLASSES.items()}
    found |= {name: [c for c in POINTS if belongs(chr(c))] for name, (_, belongs) in bert().CLASSES.items()}
    for name, points in found.items():
        inside = ",".join(f"{{{a},{b}}}" for a, b in ranges(points))
        lines.append(f"[[maybe_unused]] static const Range {name}[] = {{{inside}}};")
    for name, table in (("LOWER", lower()), ("APART", decompositions())):
        inside = ",".join(f'{{{c},U"{written(parts)}"}}' for c, parts in table.items())
        lines.append(f"static const std::unordered_map<char32_t, std::u32string> {name} = {{{inside}}};")
    inside = ",".join(f"{{{a << 32 | b}ull,{c}}}" for (a, b), c in compositions().items())
    lines.append(f"static const std::unordered_map<uint64_t, char32_t> TOGETHER = {{{inside}}};")
    classes = ",".join(f"{{{c},{k}}}" for c in POINTS if (k := unicodedata.combining(chr(c))))
    lines.append(f"static const std::unordered_map<char32_t, int> ORDER = {{{classes}}};")
    return "\n".join(lines) + "\n"


def written(parts: str) -> str:
    # C++ takes no \\u for plain ASCII, and \\x would take the letters after it too.
    return "".join(c if c.isascii() else f"\\U{ord(c):08x}" for c in parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
