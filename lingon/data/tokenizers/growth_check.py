"""Bounds how much a text can grow inside a tokenizer, from its JSON, before anything is encoded.

Each replacing step can double a text; thirty of them abort the process. So each character gets a weight: the maximum
number of characters the following steps can turn it into, computed from the last step to the first (the potential
method of Tarjan, "Amortized Computational Complexity", 1985: a step never raises the sum of the weights).
"""

import base64
import binascii
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from lingon.core.errors import DataError

LARGEST = 128.0  # characters that one may become; a ligature of SentencePiece is 18, or 72 if marks are separated
ADDED = 1024.0  # characters or tokens that may be added to a text, whatever its length
AFFIX = 64  # characters before or after each piece of a word
FORMS: dict[str, Literal["NFC", "NFD", "NFKC", "NFKD"]] = {"NFC": "NFC", "NFD": "NFD", "NFKC": "NFKC", "NFKD": "NFKD"}
# Steps that may turn any character into this many. A character has up to four bytes, each written as a letter.
FACTORS = {"ByteLevel": 4.0, "BertNormalizer": 3.0, "Metaspace": 2.0, "CTC": 2.0, "BPEDecoder": 2.0}


class GrowthFactors:
    """Factors by which a text grows in the remaining steps, for some characters by name and for all others."""

    def __init__(self):
        self.others, self.named, self.added = 1.0, {}, 0.0

    def of(self, text: str) -> float:
        return sum(self.named.get(c, self.others) for c in text)

    @property
    def largest(self) -> float:
        return max([self.others, *self.named.values()])

    def before(self, step: Mapping[str, Any]) -> None:
        """Update the factors by the step that precedes those seen so far."""
        kind = step.get("type")
        if kind == "Replace":
            self._replace(step)
        elif kind in ("Prepend", "Strip", "WordPiece", "Metaspace", "ByteLevel"):
            self.added += self.of(str(step.get("prepend") or step.get("prefix") or "  "))
        elif kind == "Precompiled":
            self._times(_longest(step.get("precompiled_charsmap")))
        if kind in FORMS:  # what a text of people may hold is stable once it was put in form: only ours grows again
            self.named = {c: self.of(unicodedata.normalize(FORMS[kind], c)) for c in self.named}
        self._times(FACTORS.get(str(kind), 1.0))

    def _times(self, factor: float) -> None:
        self.others *= factor
        self.named = {c: w * factor for c, w in self.named.items()}
        self.added *= factor

    def _replace(self, step: Mapping[str, Any]) -> None:
        pattern, becomes = step.get("pattern"), self.of(str(step.get("content", "")))
        text = pattern.get("String") if isinstance(pattern, dict) else None
        if isinstance(text, str) and text:
            for c in set(text):
                self.named[c] = max(self.named.get(c, self.others), becomes / len(text))
        elif isinstance(pattern, dict) and _least(pattern.get("Regex")) > 0:
            self.others = max(self.others, becomes)
            self.named = {c: max(w, becomes) for c, w in self.named.items()}
        else:  # a pattern that matches the empty string is found between any two characters
            self.others += becomes
            self.added += becomes
            self.named = {c: w + becomes for c, w in self.named.items()}


def check_growth(path: object, content: Mapping[str, Any]) -> None:
    """Raise DataError naming the file and the part of a tokenizer that can make a text far too long."""
    for part in ("normalizer", "pre_tokenizer", "decoder"):
        weights = GrowthFactors()
        for step in reversed([*flatten_steps(content.get(part))]):
            weights.before(step)
            if weights.largest > LARGEST or weights.added > ADDED:
                raise DataError(f"{path}: its {part} may make {LARGEST:.0f} and more characters of one; not loaded")
    texts, tokens = 1, 0
    for step in flatten_steps(content.get("post_processor")):
        template = step.get("single")
        single = [s for s in template if isinstance(s, dict)] if isinstance(template, list) else [{"Sequence": {}}]
        copies = sum("Sequence" in s for s in single)
        texts, tokens = texts * copies, tokens * copies + _tokens(step, single)
        if texts > LARGEST or tokens > ADDED:
            raise DataError(f"{path}: its post_processor adds {tokens:,} tokens and {texts:,} copies; not loaded")
    model = content.get("model")
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        affix = model.get(name) if isinstance(model, dict) else None
        if isinstance(affix, str) and len(affix) > AFFIX:
            raise DataError(
                f"{path}: key {name!r} of its model has {len(affix):,} characters, expected {AFFIX} or less"
            )


def flatten_steps(part: object) -> Iterator[Mapping[str, Any]]:
    """Yield the steps of a part in order, including those of nested sequences."""
    waiting = [part]
    while waiting:
        step = waiting.pop()
        if not isinstance(step, dict):
            continue
        inner = [step[key] for key in ("normalizers", "pretokenizers", "decoders", "processors") if key in step]
        if inner and isinstance(inner[0], list):
            waiting += reversed(inner[0])
        else:
            yield step


def _tokens(step: Mapping[str, Any], single: list[dict]) -> int:
    """Return how many tokens a template adds."""
    known = step.get("special_tokens")
    known = known if isinstance(known, dict) else {}
    names = [s["SpecialToken"].get("id") for s in single if isinstance(s.get("SpecialToken"), dict)]
    entries = [known.get(name) if isinstance(name, str) else None for name in names]
    lengths = [len(e["ids"]) for e in entries if isinstance(e, dict) and isinstance(e.get("ids"), list)]
    return sum(lengths) + (2 if "single" not in step else 0)


def _least(regex: object) -> int:
    """Return the fewest characters that a regular expression matches; 0 when that is not known."""
    from re import _parser  # type: ignore[attr-defined]

    try:
        return _parser.parse(str(regex)).getwidth()[0] if isinstance(regex, str) else 0
    except (ValueError, ArithmeticError, RecursionError, _parser.error):
        return 0


def _longest(charsmap: object) -> float:
    """Return the maximum length of a replacement in SentencePiece's table; texts in it end with a zero byte."""
    try:
        table = base64.b64decode(charsmap) if isinstance(charsmap, str) else b""
    except (ValueError, binascii.Error):
        return 1.0  # the library refuses it
    size = int.from_bytes(table[:4], "little")
    texts = table[4 + size :].split(b"\0")
    return float(max(1, *(len(text.decode("utf-8", "replace")) for text in texts)))
