"""Tokenizers of published checkpoints: `tokenizer.json`, or the older `vocab.json` with `merges.txt`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors

from lingon.core.errors import DataError
from lingon.core.files import read_bytes, read_json, write_json
from lingon.data.tokenizers.added_tokens import add_tokens_of
from lingon.data.tokenizers.panic_guard import call_guarded
from lingon.data.tokenizers.tokenizer import Tokenizer
from lingon.data.tokenizers.wordpiece_vocab import wordpiece_of

MERGES = 64 << 20  # bytes
# What transformers calls a special token, and how encoders spell it.
SPECIAL_TOKENS = {
    "cls_token": ("[CLS]",),
    "sep_token": ("[SEP]",),
    "pad_token": ("[PAD]", "<pad>"),
    "mask_token": ("[MASK]", "<mask>"),
    "unk_token": ("[UNK]", "<unk>"),
}
# SentencePiece models of Llama, of ALBERT, of DeBERTa-v3 and of XLM-R.
SENTENCEPIECE = ("tokenizer.model", "spiece.model", "spm.model", "sentencepiece.bpe.model")
ROBERTA_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def read_tokenizer(folder: Path) -> Tokenizer | None:
    """Read the tokenizer of a checkpoint; None if there is no tokenizer file.

    Its post-processor is kept, so that a text begins with the token that the model expects.
    """
    if (folder / "tokenizer.json").is_file():
        return Tokenizer.load(folder / "tokenizer.json")
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return Tokenizer(_byte_level(folder))
    if found := [name for name in SENTENCEPIECE if (folder / name).is_file()]:
        raise DataError(f"{folder}: {found[0]} alone is not read; make a tokenizer.json with transformers")
    return None


def read_encoder_tokenizer(folder: Path) -> Tokenizer | None:
    """Read the tokenizer of an encoder: `read_tokenizer`, or BERT's `vocab.txt` alone; None without any of them.

    If an older folder has no tokenizer.json, the special tokens of its kind are put around texts: those of BERT, or for
    `vocab.json` with `merges.txt` those of RoBERTa.
    """
    if not (folder / "tokenizer.json").is_file():
        if (folder / "vocab.txt").is_file():
            return wordpiece_of(folder)
        if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            return Tokenizer(_roberta(_byte_level(folder)))
    return read_tokenizer(folder)


def _roberta(library: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    """Put `<s>` and `</s>` around texts, two of the latter between those of a pair."""
    begin, end = library.token_to_id("<s>"), library.token_to_id("</s>")
    if begin is None or end is None:
        return library
    library.add_special_tokens([name for name in ROBERTA_TOKENS if library.token_to_id(name) is not None])
    library.post_processor = processors.RobertaProcessing(
        ("</s>", end), ("<s>", begin), trim_offsets=True, add_prefix_space=False
    )
    return library


def write_tokenizer(folder: Path, tokenizer: Tokenizer, config: Mapping[str, Any]) -> None:
    """Write tokenizer.json, and the few settings that transformers needs in addition."""
    tokenizer.save(folder / "tokenizer.json")
    names = {key: found for key, usual in SPECIAL_TOKENS.items() if (found := _present(tokenizer, usual))}
    if "pad_token" not in names and tokenizer.padding_idx is not None:  # [pad] of ours is a token like others
        names["pad_token"] = tokenizer.library.id_to_token(tokenizer.padding_idx) or ""
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names})


def _present(tokenizer: Tokenizer, names: tuple[str, ...]) -> str | None:
    """Return the first of some names that is a special token of the tokenizer."""
    known = {token.content for token in tokenizer.library.get_added_tokens_decoder().values() if token.special}
    return next((name for name in names if name in known), None)


def _byte_level(folder: Path) -> tokenizers.Tokenizer:
    """Read a byte-level BPE tokenizer, as of GPT-2."""
    vocab = read_json(folder / "vocab.json")
    try:
        lines = read_bytes(folder / "merges.txt", MERGES).decode().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{folder / 'merges.txt'}: not UTF-8 text (byte {error.start})") from None
    merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    if not isinstance(vocab, dict) or not all(len(pair) == 2 for pair in merges):
        raise DataError(f"{folder}: vocab.json and merges.txt are not those of a byte-level tokenizer")
    try:
        library = call_guarded(folder, "vocab.json and merges.txt do not fit together", _pairs, vocab, merges)
    except TypeError as error:
        raise DataError(f"{folder}: vocab.json and merges.txt do not fit together ({str(error)[:80]})") from None
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    add_tokens_of(folder, library)
    return library


def _pairs(vocab: dict[str, int], merges: list[tuple[str, str]]) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer(models.BPE(vocab, merges))
