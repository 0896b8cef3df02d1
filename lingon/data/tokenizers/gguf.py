"""Reads the tokenizer in a GGUF file: pairs merged by score, as in SentencePiece, or byte-level BPE, as in GPT-2.

The token that begins a text follows from the metadata; an end token that some files request is left to the caller.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, processors

from lingon.core.errors import DataError, unknown
from lingon.data.files.gguf import GGUF
from lingon.data.tokenizers.gguf_pre import PRE_TOKENIZERS, PreTokenizer
from lingon.data.tokenizers.piece_merges import merges_by_score
from lingon.data.tokenizers.text_check import abbreviate
from lingon.data.tokenizers.tokenizer import Tokenizer

CONTROL, OWN, BYTE = 3, 4, 6  # kinds of tokens: never in a text; always one piece of a text; a byte of a rare character
SENTENCEPIECE = "llama"  # values of tokenizer.ggml.model, which names no family of models
BYTE_LEVEL = "gpt2"
KINDS = (SENTENCEPIECE, BYTE_LEVEL)
SPACE = "▁"
ENDS = ("eos", "eot", "eom")  # what files call the tokens that end a text


@dataclass(frozen=True)
class PieceRules:
    """Rules for the SentencePiece pieces of an architecture that the metadata of its files do not contain.

    merge_by_id: the order of merges is given by the ids of the pieces, not by their scores. plain_spaces: runs of
    spaces are written with plain spaces. merge_user_pieces: user-defined pieces are made by merging, like normal ones.
    space_prefix: a space is put before a text.
    """

    merge_by_id: bool = False
    plain_spaces: bool = False
    merge_user_pieces: bool = False
    space_prefix: bool = True


def gguf_tokenizer(file: GGUF, rules: PieceRules | None = None, default_pre: str | None = None) -> Tokenizer:
    """Read the tokenizer of a file. Raises DataError naming the metadata key that is missing or not supported.

    rules: for a SentencePiece tokenizer; None: the usual ones. default_pre: value of tokenizer.ggml.pre when missing.
    """
    rules = rules or PieceRules()
    kind = file.metadata.get("tokenizer.ggml.model")
    if not isinstance(kind, str) or kind not in KINDS:
        raise DataError(f"{file.path}: tokenizer.ggml.model: {unknown('kind', str(kind), KINDS)}")
    tokens = _texts(file, "tokens")
    if rules.plain_spaces:
        tokens = [SPACE * len(t) if len(t) > 1 and not t.strip(" ") else t for t in tokens]
    if len(set(tokens)) < len(tokens):
        raise DataError(f"{file.path}: tokenizer.ggml.tokens contains a token twice")
    kinds = _numbers(file, "token_type", len(tokens), np.ones(len(tokens), int)).tolist()
    try:
        if kind == SENTENCEPIECE:
            library, begins = _by_score(file, tokens, kinds, rules), True
        else:
            cut = _pre_tokenizer(file, default_pre)
            # The oldest files do not name the token that begins texts.
            library, begins = (
                _by_bytes(file, tokens, cut),
                cut.begins and "tokenizer.ggml.bos_token_id" in file.metadata,
            )
        _add(library, tokens, kinds)
        _begin(file, library, tokens, begins)
        library.encode("a b")
    except DataError:
        raise
    except BaseException as error:  # a panic inside the library is not an Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise DataError(f"{file.path}: its tokenizer is not valid ({abbreviate(str(error))})") from None
    if library.get_vocab_size() != len(tokens):
        raise DataError(f"{file.path}: the tokens of its tokenizer do not fit together")
    return Tokenizer(library)


def _by_score(file: GGUF, tokens: list[str], kinds: list[int], rules: PieceRules) -> tokenizers.Tokenizer:
    """Make a SentencePiece tokenizer: the pair whose merged piece has the highest score is merged first."""
    if file.metadata.get("tokenizer.ggml.remove_extra_whitespaces", False):
        raise DataError(f"{file.path}: tokenizer.ggml.remove_extra_whitespaces is true, which Lingon does not support")
    scores = _numbers(file, "scores", len(tokens), None).astype(float)
    if not np.isfinite(scores).all():
        raise DataError(f"{file.path}: tokenizer.ggml.scores holds NaN or infinite numbers")
    if rules.merge_by_id:
        scores = -np.arange(len(tokens), dtype=float)
    ids = {token: i for i, token in enumerate(tokens)}
    rare = tokens[_id(file, "unknown_token_id", len(tokens), 0)]
    # Tokens that are not text are never made by merging.
    apart = (CONTROL, BYTE) if rules.merge_user_pieces else (CONTROL, OWN, BYTE)
    whole = {t for t, kind in zip(tokens, kinds, strict=True) if kind in apart}
    merges = merges_by_score(file.path, dict(zip(tokens, scores.tolist(), strict=True)), whole)
    model = models.BPE(ids, merges, unk_token=rare, fuse_unk=True, byte_fallback=BYTE in kinds)
    library = tokenizers.Tokenizer(model)
    written = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    read: list[normalizers.Normalizer] = [normalizers.Replace(" ", SPACE)]
    if file.metadata.get("tokenizer.ggml.add_space_prefix", rules.space_prefix):
        read.insert(0, normalizers.Prepend(SPACE))
        written.append(decoders.Strip(" ", 1, 0))
    library.normalizer, library.decoder = normalizers.Sequence(read), decoders.Sequence(written)
    return library


def _pre_tokenizer(file: GGUF, default: str | None) -> PreTokenizer:
    name = file.metadata.get("tokenizer.ggml.pre", default)
    if name not in PRE_TOKENIZERS:
        raise DataError(f"{file.path}: tokenizer.ggml.pre: {unknown('kind', str(name), PRE_TOKENIZERS)}")
    return PRE_TOKENIZERS[name]


def _by_bytes(file: GGUF, tokens: list[str], cut: PreTokenizer) -> tokenizers.Tokenizer:
    """Make a byte-level BPE tokenizer: bytes as letters, merged in the order of a list, within words of a pattern."""
    pairs = [line.split(" ") for line in _texts(file, "merges")]
    if wrong := next((pair for pair in pairs if len(pair) != 2), None):
        raise DataError(f"{file.path}: tokenizer.ggml.merges has {abbreviate(' '.join(wrong))}, expected two parts")
    ids = {token: i for i, token in enumerate(tokens)}
    library = tokenizers.Tokenizer(models.BPE(ids, [(a, b) for a, b in pairs], ignore_merges=cut.ignore_merges))
    if cut.normal_form:
        library.normalizer = normalizers.NFC()
    library.pre_tokenizer = cut.steps()
    library.decoder = decoders.ByteLevel()
    return library


def _add(library: tokenizers.Tokenizer, tokens: list[str], kinds: list[int]) -> None:
    """Add the tokens that the file marks as special. Runs of spaces are made by merging, as in transformers."""
    marked = [(t, kind) for t, kind in zip(tokens, kinds, strict=True) if kind in (CONTROL, OWN) and t]
    library.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, kind in marked if kind == CONTROL])
    library.add_tokens([AddedToken(t, normalized=False) for t, kind in marked if kind == OWN and t.strip(SPACE)])


def _begin(file: GGUF, library: tokenizers.Tokenizer, tokens: list[str], by_itself: bool) -> None:
    """Begin each text with the token that the file names, if the file or its kind of tokenizer requires it."""
    if not file.metadata.get("tokenizer.ggml.add_bos_token", by_itself):
        return
    begin = _id(file, "bos_token_id", len(tokens), None)
    token = tokens[begin]
    if not token or ":" in token or token.startswith("$") or any(map(str.isspace, token)):
        raise DataError(f"{file.path}: the token {abbreviate(token)} cannot begin a text")
    library.post_processor = processors.TemplateProcessing(single=f"{token} $A", special_tokens=[(token, begin)])


def _texts(file: GGUF, name: str) -> list[str]:
    value = file.metadata.get(f"tokenizer.ggml.{name}")
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        raise DataError(f"{file.path}: tokenizer.ggml.{name} is not a list of texts")
    return list(value)


def _numbers(file: GGUF, name: str, count: int, default: np.ndarray | None) -> np.ndarray:
    value = file.metadata.get(f"tokenizer.ggml.{name}", default)
    if not isinstance(value, np.ndarray) or len(value) != count:
        raise DataError(f"{file.path}: tokenizer.ggml.{name} is not a list of {count:,} numbers, one for each token")
    return value


def _id(file: GGUF, name: str, size: int, default: int | None) -> int:
    value: Any = file.metadata.get(f"tokenizer.ggml.{name}", default)
    if type(value) is not int or not 0 <= value < size:
        raise DataError(f"{file.path}: tokenizer.ggml.{name} is {abbreviate(value)}, expected an id under {size:,}")
    return value
