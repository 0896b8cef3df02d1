"""Reads the tokenizer of BERT or MPNet from `vocab.txt` alone, one word piece per line (Devlin et al. 2019)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from lingon.core.errors import DataError
from lingon.core.files import read_bytes, read_json
from lingon.data.tokenizers.added_tokens import add_tokens_of
from lingon.data.tokenizers.tokenizer import Tokenizer

MOST_BYTES = 64 << 20
SPECIAL = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
# MPNet has BERT's words, and RoBERTa's special tokens around texts.
MPNET_SPECIAL = SPECIAL | {"sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>", "mask_token": "<mask>"}
LONGEST_WORD = 100  # characters; a longer word is unknown


def wordpiece_of(folder: Path) -> Tokenizer:
    """Read vocab.txt, and from tokenizer_config.json whether to lowercase and the names of special tokens.

    Tokens that were added later are read as well. Raises DataError naming the file for a vocabulary with duplicates or
    without the special tokens, and for added tokens whose ids are not the next ones.
    """
    path, config = folder / "vocab.txt", _config(folder)
    try:
        pieces = read_bytes(path, MOST_BYTES).decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start})") from None
    vocab = {piece.rstrip("\r"): i for i, piece in enumerate(pieces)}
    if len(vocab) < len(pieces):
        raise DataError(f"{path}: {len(pieces):,} lines with {len(vocab):,} different pieces; each must occur once")
    usual = MPNET_SPECIAL if "<s>" in vocab and "[CLS]" not in vocab else SPECIAL
    names = {key: _token(config.get(key, name)) for key, name in usual.items()}
    for key, name in names.items():
        if name not in vocab and key != "mask_token":
            raise DataError(f"{path}: the {key} {name!r} is not in it, so it is not the vocabulary of a BERT")
    library = tokenizers.Tokenizer(
        models.WordPiece(vocab, unk_token=names["unk_token"], max_input_chars_per_word=LONGEST_WORD)
    )
    library.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=_flag(config, "tokenize_chinese_chars", True),
        strip_accents=config.get("strip_accents") if isinstance(config.get("strip_accents"), bool) else None,
        lowercase=_flag(config, "do_lower_case", True),
    )
    library.pre_tokenizer, library.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    library.add_special_tokens([AddedToken(name, special=True) for name in names.values() if name in vocab])
    add_tokens_of(folder, library)
    library.post_processor = _around(names["cls_token"], names["sep_token"], vocab)
    return Tokenizer(library, path)


def _around(cls: str, sep: str, vocab: Mapping[str, int]) -> Any:
    """Return the post-processor that adds special tokens: as BERT, or as RoBERTa if its names are used."""
    if cls == MPNET_SPECIAL["cls_token"]:
        return processors.RobertaProcessing(
            (sep, vocab[sep]), (cls, vocab[cls]), trim_offsets=True, add_prefix_space=False
        )
    return processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(cls, vocab[cls]), (sep, vocab[sep])],
    )


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    found = read_json(path) if path.is_file() else {}
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected an object")
    return found


def _flag(config: dict[str, Any], key: str, usual: bool) -> bool:
    value = config.get(key, usual)
    return value if isinstance(value, bool) else usual


def _token(value: Any) -> str:
    return str(value.get("content", "")) if isinstance(value, dict) else str(value)
