"""Writes a tokenizer as the metadata of a GGUF file: its tokens with their kinds, and how texts are split and merged.

Tokenizers that the format cannot represent are refused; the writer of the file reads the result again and compares.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.data.tokenizers.gguf import BYTE, BYTE_LEVEL, CONTROL, ENDS, OWN, SENTENCEPIECE, SPACE
from lingon.data.tokenizers.gguf_pre import pre_tokenizer_name
from lingon.data.tokenizers.special_tokens import unknown_id
from lingon.data.tokenizers.text_check import abbreviate
from lingon.data.tokenizers.token_bytes import BYTE as BYTE_NAME
from lingon.data.tokenizers.tokenizer import Tokenizer
from lingon.data.tokenizers.vocab import PAD, UNK

NORMAL, UNKNOWN, UNUSED = 1, 2, 5
PREFIX = "tokenizer.ggml."


def gguf_metadata(tokenizer: Tokenizer, rows: int, eos_ids: Sequence[int]) -> dict[str, Any]:
    """Return the metadata of a tokenizer, for a model of `rows` embeddings; those beyond its tokens get names too.

    Raises UserError for a tokenizer that no GGUF file describes.
    """
    content = json.loads(tokenizer.library.to_str())
    kind, more = _kind(tokenizer, content)
    tokens, kinds = _tokens(tokenizer, content, rows)
    found = {"model": kind, "tokens": tokens, "token_type": np.array(kinds, np.int32)}
    if kind == SENTENCEPIECE:
        found["scores"] = _scores(content["model"], tokens)
    found |= more | _special(tokenizer, eos_ids)
    return {PREFIX + name: value for name, value in found.items()}


def _kind(tokenizer: Tokenizer, content: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the kind of tokenizer, and further entries needed to make it."""
    model = content["model"]
    plain = not any(model.get(key) for key in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"))
    if model["type"] == "BPE" and plain:
        if (pre := pre_tokenizer_name(tokenizer.library)) is not None:
            return BYTE_LEVEL, {"pre": pre, "merges": [" ".join(_pair(merge)) for merge in model["merges"]]}
        if model.get("byte_fallback") and model["merges"] and (spaced := _space_prefix(content)) is not None:
            return SENTENCEPIECE, {"add_space_prefix": spaced, "pre": "default"}
    raise UserError(
        f"a GGUF file has no tokenizer like this one ({model['type']}); those of bpe, of GPT-2, Llama, Mistral, Qwen, "
        "SmolLM and Gemma it has"
    )


def _pair(merge: Any) -> list[str]:
    return merge.split(" ") if isinstance(merge, str) else list(merge)


def _space_prefix(content: Mapping[str, Any]) -> bool | None:
    """Return whether a space is put before a text; None if spaces are not marked as in SentencePiece."""
    form = content.get("normalizer") or {}
    steps = form.get("normalizers", [form])
    if any(s.get("pattern") == {"String": " "} and s.get("content") == SPACE for s in steps):
        return any(step.get("prepend") == SPACE for step in steps)
    words = content.get("pre_tokenizer") or {}
    if words.get("type") == "Metaspace" and words.get("replacement") == SPACE and not words.get("split", True):
        return words.get("prepend_scheme") != "never"
    return None


def _tokens(tokenizer: Tokenizer, content: Mapping[str, Any], rows: int) -> tuple[list[str], list[int]]:
    """Return the tokens in the order of their ids, and the kind of each."""
    added = {token["content"]: CONTROL if token["special"] else OWN for token in content["added_tokens"]}
    unknown = content["model"].get("unk_token") or UNK
    kinds = {PAD: CONTROL, **added, unknown: UNKNOWN}
    tokens = list(tokenizer.vocab)
    bytes_too = content["model"].get("byte_fallback")
    usual = lambda token: BYTE if bytes_too and BYTE_NAME.fullmatch(token) else NORMAL
    found = [kinds.get(token, usual(token)) for token in tokens]
    spare = range(len(tokens), rows)
    return [*tokens, *(f"[PAD{i}]" for i in spare)], [*found, *(UNUSED for _ in spare)]


def _scores(model: Mapping[str, Any], tokens: Sequence[str]) -> np.ndarray:
    """Return a score for each token, higher the earlier its pair is merged; tokens that no merge makes come last."""
    rank: dict[str, int] = {}
    for pair in map(_pair, model["merges"]):
        rank.setdefault("".join(pair), len(rank))
    return np.array([-float(rank.get(token, len(rank))) for token in tokens], np.float32)


def _special(tokenizer: Tokenizer, eos_ids: Sequence[int]) -> dict[str, Any]:
    """Return the ids that begin and end a text, of padding and of the unknown token."""
    if not 0 < len(eos_ids) <= len(ENDS):
        names = f"{len(eos_ids)} tokens that end a text" if eos_ids else "no token that ends a text"
        raise UserError(f"the model has {names}; a GGUF file names 1 to {len(ENDS)}")
    begin, text = tokenizer.encode(""), tokenizer.encode("a")
    if len(begin) > 1 or text[: len(begin)] != begin or (begin and text[-1] == begin[0]):
        raise UserError(
            f"the tokenizer puts {abbreviate(tokenizer.tokens(''))} around a text; a GGUF file has one before it"
        )
    ids: dict[str, int | None] = {f"{name}_token_id": end for name, end in zip(ENDS, eos_ids, strict=False)}
    # llama.cpp has its own default if no id is given; the end of a text also begins the next one, as in GPT-2.
    ids |= {"bos_token_id": (begin or eos_ids)[0], "padding_token_id": tokenizer.padding_idx}
    ids["unknown_token_id"] = unknown_id(tokenizer.library)
    found = {name: np.uint32(i) for name, i in ids.items() if i is not None}
    return found | {"add_bos_token": bool(begin), "add_eos_token": False}
