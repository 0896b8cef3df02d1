"""Writes SentencePiece models: from pieces, or from a tokenizer that was made from a model."""

import base64
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import UserError
from lingon.core.files import atomic_write
from lingon.data.tokenizers.sentencepiece import NEVER
from lingon.data.tokenizers.sentencepiece_merges import merged_pieces, merges_follow
from lingon.data.tokenizers.sentencepiece_model import (
    BPE,
    BYTE,
    BYTE_FALLBACK,
    CHARSMAP,
    CONTROL,
    DUMMY_PREFIX,
    EXTRA_WHITESPACES,
    KIND,
    MODEL_TYPE,
    NORMAL,
    NORMALIZER,
    PIECE,
    PIECES,
    SCORE,
    SPACE,
    TRAINER,
    UNIGRAM,
    UNKNOWN,
    Piece,
    SentencePieceModel,
)
from lingon.data.tokenizers.tokenizer import Tokenizer

VOCAB_SIZE, UNK_ID, BOS_ID, EOS_ID, PAD_ID, UNK_PIECE = 4, 40, 41, 42, 43, 45  # fields of the trainer specification
NONE = -1  # the id of a token that a model does not have
NAMED = ((BOS_ID, "<s>"), (EOS_ID, "</s>"), (PAD_ID, "<pad>"))
BYTES = {f"<0x{byte:02X}>" for byte in range(256)}
SPACES = " {2,}"  # the pattern by which runs of spaces become one


def write_sentencepiece(model: SentencePieceModel, path: Path) -> Path:
    """Write a model for the library `sentencepiece`; the file appears only once it is complete."""
    with atomic_write(path, "wb") as file:
        file.write(sentencepiece_bytes(model))
    return path


def sentencepiece_bytes(model: SentencePieceModel) -> bytes:
    """Return the message of a model, in the fields of `sentencepiece_model.proto`."""
    texts = [piece.text for piece in model.pieces]
    ids = {text: i for i, text in enumerate(texts)}
    trainer = [_field(MODEL_TYPE, BPE if model.bpe else UNIGRAM), _field(VOCAB_SIZE, len(texts))]
    trainer += [_field(BYTE_FALLBACK, int(model.byte_fallback)), _field(UNK_ID, ids[model.unknown])]
    trainer += [_field(UNK_PIECE, model.unknown.encode())]
    trainer += [_field(number, ids.get(name, NONE)) for number, name in NAMED]
    normalizer = [_field(CHARSMAP, model.charsmap or b""), _field(DUMMY_PREFIX, int(model.dummy_prefix))]
    normalizer += [_field(EXTRA_WHITESPACES, int(model.squeeze))]
    pieces = [_field(PIECES, _piece(piece)) for piece in model.pieces]
    return b"".join([*pieces, _field(TRAINER, b"".join(trainer)), _field(NORMALIZER, b"".join(normalizer))])


def sentencepiece_of(tokenizer: Tokenizer, first: Sequence[str]) -> SentencePieceModel:
    """Return the SentencePiece model, unigram or BPE, that a tokenizer was made from.

    first: tokens to begin the pieces with, in this order: the unknown token, and control tokens. The other pieces
    follow in the order of their ids; other tokens that are never matched in a text, such as language codes, are not
    pieces. Scores of BPE are ranks of the merges, not the original scores. Raises UserError for another kind of
    tokenizer.
    """
    if not is_sentencepiece(tokenizer):
        raise UserError("the tokenizer is not a SentencePiece model; save it as tokenizer.json")
    content = json.loads(tokenizer.library.to_str())
    bpe = content["model"]["type"] == "BPE"
    scores, kinds = merged_pieces(content) if bpe else _unigram_pieces(content)
    if own := [token["content"] for token in content["added_tokens"] if not token["special"]]:
        raise UserError(f"the piece {own[0]!r} is user-defined, which cannot be written; save tokenizer.json")
    pieces = [Piece(token, 0.0, kinds.get(token, CONTROL)) for token in first]
    rest = [(token, score, kinds[token]) for token, score in scores.items() if token not in first]
    pieces += [Piece(token, score if kind == NORMAL else 0.0, kind) for token, score, kind in rest if kind != CONTROL]
    steps = _steps(content["normalizer"])
    tables = [step["precompiled_charsmap"] for step in steps if step["type"] == "Precompiled"]
    return SentencePieceModel(
        Path("the tokenizer"),
        tuple(pieces),
        bpe,
        byte_fallback=bool(content["model"].get("byte_fallback")),
        charsmap=base64.b64decode(tables[0]) if tables else None,
        dummy_prefix=any(step["type"] == "Prepend" for step in steps),
        squeeze=any(step.get("pattern") == {"Regex": SPACES} for step in steps),
    )


def is_sentencepiece(tokenizer: Tokenizer) -> bool:
    """Return whether a tokenizer was made from a SentencePiece model: unigram, or BPE with the merges of its pieces."""
    content = json.loads(tokenizer.library.to_str())
    ends = [(step.get("pattern"), step.get("content")) for step in _steps(content["normalizer"])]
    if ({"String": " "}, SPACE) not in ends:
        return False
    return content["model"]["type"] == "Unigram" or (content["model"]["type"] == "BPE" and merges_follow(content))


def _unigram_pieces(content: dict[str, Any]) -> tuple[dict[str, float], dict[str, int]]:
    """Return the score and the kind of each token, in the order of their ids."""
    scores, unknown = content["model"]["vocab"], content["model"]["unk_id"]
    return dict(scores), {token: _kind(token, score, i == unknown) for i, (token, score) in enumerate(scores)}


def _steps(normalizer: dict[str, Any] | None) -> list[dict[str, Any]]:
    if normalizer is None:
        return []
    return normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]


def _kind(token: str, score: float, is_unknown: bool) -> int:
    """Return the kind of a token: one that is never matched in a text is a byte or a control token."""
    if is_unknown:
        return UNKNOWN
    if score > NEVER:
        return NORMAL
    return BYTE if token in BYTES else CONTROL


def _piece(piece: Piece) -> bytes:
    return _field(PIECE, piece.text.encode()) + _field(SCORE, piece.score) + _field(KIND, piece.kind)


def _field(number: int, value: int | float | bytes) -> bytes:
    """Return an encoded field: an integer, a float of 4 bytes, or bytes with their length."""
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value % (1 << 64))  # a negative number takes ten bytes
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
