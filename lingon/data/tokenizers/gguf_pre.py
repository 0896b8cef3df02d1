"""Pre-tokenizers of byte-level BPE, which split a text into words, by their names in GGUF files."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import tokenizers
from tokenizers import Regex, models, normalizers, pre_tokenizers
from tokenizers.pre_tokenizers import ByteLevel, Digits, Split

Steps = Callable[[], pre_tokenizers.PreTokenizer]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# The four steps of llama.cpp for files that name no other: punctuation, GPT-2's words, numbers, groups of three digits.
DEFAULT = (r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]")


@dataclass(frozen=True)
class PreTokenizer:
    """Rules of a kind of byte-level tokenizer.

    steps: makes the pre-tokenizer. ignore_merges: a word that is in the vocabulary is one token, whatever the merges.
    normal_form: texts are normalised to NFC first. begins: a begin token is put before a text unless the file says
    otherwise.
    """

    steps: Steps
    ignore_merges: bool = False
    normal_form: bool = False
    begins: bool = False


def _patterns(*patterns: str) -> Steps:
    """Split by each pattern in turn, into matches and the text between; then map bytes to letters."""
    bytes_of = ByteLevel(add_prefix_space=False, use_regex=False)
    return lambda: pre_tokenizers.Sequence([*(Split(Regex(p), "isolated") for p in patterns), bytes_of])


def _gpt2() -> pre_tokenizers.PreTokenizer:
    return ByteLevel(add_prefix_space=False)


def _smollm() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence([Digits(individual_digits=True), _gpt2()])


# By tokenizer.ggml.pre. If two names mean the same, the first one is written to files.
PRE_TOKENIZERS: dict[str, PreTokenizer] = {
    "gpt-2": PreTokenizer(_gpt2),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3"), PreTokenizer(_patterns(LLAMA3), True, begins=True)),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen"), PreTokenizer(_patterns(QWEN2), normal_form=True)),
    "smollm": PreTokenizer(_smollm),
    "tekken": PreTokenizer(_patterns(TEKKEN), True, begins=True),
    "default": PreTokenizer(_patterns(*DEFAULT)),
}


def pre_tokenizer_name(library: tokenizers.Tokenizer) -> str | None:
    """Return the name of the pre-tokenizer of a byte-level tokenizer; None if it has none."""
    content = json.loads(library.to_str())
    ours = _comparable(content), bool(content["model"].get("ignore_merges"))
    for name, row in PRE_TOKENIZERS.items():
        like = tokenizers.Tokenizer(models.BPE())
        like.pre_tokenizer = row.steps()
        if row.normal_form:
            like.normalizer = normalizers.NFC()
        if ours == (_comparable(json.loads(like.to_str())), row.ignore_merges):
            return name
    return None


def _comparable(content: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the normaliser and the steps of a tokenizer.json, without settings that only affect offsets."""
    steps = content.get("pre_tokenizer") or {}
    steps = [dict(step) for step in steps.get("pretokenizers", [steps])]
    for step in steps:
        step.pop("trim_offsets", None)
    forms = content.get("normalizer") or {}
    return forms.get("normalizers", [forms]), steps
