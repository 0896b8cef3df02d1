"""Reads SentencePiece models (`*.spm`, `spiece.model`, `*.bpe.model`): their pieces and text normalisation.

The numbers of the fields are those of `sentencepiece_model.proto` (Kudo and Richardson 2018, "SentencePiece").
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import DataError
from lingon.core.files import read_bytes
from lingon.data.files.protobuf import Value, protobuf_fields
from lingon.data.tokenizers.text_check import abbreviate

LARGEST = 64 << 20  # bytes of a file; those of mT5 and NLLB, with 256,000 pieces, have 5 million
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6  # kinds of pieces
UNIGRAM, BPE = 1, 2
MODELS = {UNIGRAM: "unigram", BPE: "BPE", 3: "word", 4: "char"}
SPACE = "▁"  # stands for a space in pieces
# Numbers of fields: of the model, of a piece, and of its two specifications.
PIECES, TRAINER, NORMALIZER = 1, 2, 3
PIECE, SCORE, KIND = 1, 2, 3
MODEL_TYPE, WHITESPACE_AS_SUFFIX, BYTE_FALLBACK = 3, 24, 35
CHARSMAP, DUMMY_PREFIX, EXTRA_WHITESPACES, ESCAPE = 2, 3, 4, 5


@dataclass(frozen=True)
class Piece:
    """A piece of a vocabulary. score: a log-probability (unigram), or the order of merges. kind: such as NORMAL."""

    text: str
    score: float
    kind: int = NORMAL


@dataclass(frozen=True)
class SentencePieceModel:
    """The content of a SentencePiece file.

    pieces: in the order of their ids. bpe: pairs are merged; else the likeliest pieces are found. byte_fallback:
    unknown characters are written as bytes. charsmap: the table for normalising characters, if any. dummy_prefix: a
    space is put before a text. squeeze: spaces at both ends are removed, and runs of spaces become one.
    """

    path: Path
    pieces: tuple[Piece, ...]
    bpe: bool = False
    byte_fallback: bool = False
    charsmap: bytes | None = None
    dummy_prefix: bool = True
    squeeze: bool = True

    @property
    def unknown(self) -> str:
        """Return the piece for unknown characters."""
        return next(piece.text for piece in self.pieces if piece.kind == UNKNOWN)


def read_sentencepiece(path: Path) -> SentencePieceModel:
    """Read a SentencePiece model. Raises DataError naming the file and what is broken in it or not supported."""
    fields = _by_number(read_bytes(path, LARGEST), path)
    pieces = tuple(_piece(value, path) for value in fields.get(PIECES, []))
    if not pieces:
        raise DataError(f"{path}: there are no pieces in it, so it is not a model of SentencePiece")
    trainer, normalizer = (_by_number(_bytes(fields, number), path) for number in (TRAINER, NORMALIZER))
    kind = _number(trainer, MODEL_TYPE, UNIGRAM)
    if kind not in (UNIGRAM, BPE):
        raise DataError(f"{path}: a model of the kind {MODELS.get(kind, kind)!r}; unigram and BPE are read")
    for spec, number, usual, what in (
        (trainer, WHITESPACE_AS_SUFFIX, 0, "spaces end words (treat_whitespace_as_suffix)"),
        (normalizer, ESCAPE, 1, "spaces stay spaces (escape_whitespaces is false)"),
    ):
        if _number(spec, number, usual) != usual:
            raise DataError(f"{path}: in this model {what}, which Lingon does not support")
    model = SentencePieceModel(
        path,
        pieces,
        kind == BPE,
        bool(_number(trainer, BYTE_FALLBACK, 0)),
        _bytes(normalizer, CHARSMAP) or None,
        bool(_number(normalizer, DUMMY_PREFIX, 1)),
        bool(_number(normalizer, EXTRA_WHITESPACES, 1)),
    )
    _check_pieces(model)
    return model


def _check_pieces(model: SentencePieceModel) -> None:
    path, texts = model.path, [piece.text for piece in model.pieces]
    if len(set(texts)) < len(texts):
        raise DataError(f"{path}: a piece occurs twice")
    if sum(piece.kind == UNKNOWN for piece in model.pieces) != 1:
        raise DataError(f"{path}: exactly one piece must be the unknown piece, which is not so here")
    if unused := [piece.text for piece in model.pieces if piece.kind == UNUSED]:
        raise DataError(f"{path}: the piece {abbreviate(unused[0])} is marked as unused, which Lingon does not support")
    own = [piece.text for piece in model.pieces if piece.kind == USER_DEFINED]
    if own and (model.dummy_prefix or model.squeeze):
        raise DataError(
            f"{path}: the piece {abbreviate(own[0])} is user-defined, together with spaces that are added or removed, "
            "which is not supported; make a tokenizer.json with transformers"
        )
    if model.byte_fallback and not {f"<0x{byte:02X}>" for byte in range(256)} <= set(texts):
        raise DataError(f"{path}: byte fallback is on, but not all bytes are among the pieces")


def _piece(value: Value, path: Path) -> Piece:
    if not isinstance(value, bytes):
        raise DataError(f"{path}: a piece is a number; the file is broken")
    fields = _by_number(value, path)
    text, score, kind = _bytes(fields, PIECE), _bytes(fields, SCORE) or bytes(4), _number(fields, KIND, NORMAL)
    try:
        (number,) = struct.unpack("<f", score)
        # Nine digits distinguish all float32 values, and give the same value again when read from JSON.
        piece = Piece(text.decode(), float(f"{number:.9g}"), kind)
    except (UnicodeDecodeError, struct.error):
        raise DataError(f"{path}: a piece is not UTF-8 text with a score; the file is broken") from None
    if not piece.text or not math.isfinite(piece.score) or kind not in range(NORMAL, BYTE + 1):
        said = f"{abbreviate(piece.text)} has score {piece.score} and kind {kind}"
        raise DataError(f"{path}: the piece {said}; the file is broken")
    return piece


def _by_number(message: bytes, path: Path) -> dict[int, list[Value]]:
    found: dict[int, list[Value]] = {}
    for number, value in protobuf_fields(message, path):
        found.setdefault(number, []).append(value)
    return found


def _number(fields: dict[int, list[Value]], number: int, default: int) -> int:
    """Return the last value of a field, which is the one that counts in this format."""
    value = fields.get(number, [default])[-1]
    return value if isinstance(value, int) else default


def _bytes(fields: dict[int, list[Value]], number: int) -> bytes:
    value = fields.get(number, [b""])[-1]
    return value if isinstance(value, bytes) else b""
