"""Writes the tokenizers of published encoder-decoders as the files of their family; see `seq2seq_files`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import UserError
from lingon.core.files import write_json
from lingon.data.tokenizers.huggingface import write_tokenizer
from lingon.data.tokenizers.sentencepiece_model import NORMAL, SentencePieceModel
from lingon.data.tokenizers.sentencepiece_save import is_sentencepiece, sentencepiece_of, write_sentencepiece
from lingon.data.tokenizers.seq2seq_files import FAIRSEQ
from lingon.data.tokenizers.tokenizer import Tokenizer

Languages = tuple[str | None, str | None]
FIRST = ("<unk>", "<s>", "</s>")  # first pieces of a model whose ids are given elsewhere
MASK, SPAN = "<mask>", "<extra_id_"
# The class of transformers by the reader of a family.
CLASSES = {"marian_tokenizers": "MarianTokenizer", "t5_tokenizers": "T5Tokenizer", "mt5_tokenizers": "T5Tokenizer"}
CLASSES |= {"mbart_tokenizers": "MBartTokenizer", "m2m_100_tokenizers": "M2M100Tokenizer"}


def write_pair(
    folder: Path,
    reader: str,
    source: Tokenizer,
    target: Tokenizer,
    config: Mapping[str, Any],
    languages: Languages = (None, None),
) -> None:
    """Write the source and target tokenizers for `read_pair` and transformers.

    reader: name of the function of `seq2seq_files` for the family. SentencePiece models are written as such; other
    tokenizers as tokenizer.json, which must be the same for both sides. config: of the model. languages: the model's
    codes of source and target language. Raises UserError if this is not possible.
    """
    if not (is_sentencepiece(source) and is_sentencepiece(target)) or reader not in CLASSES:
        if source.vocab != target.vocab:
            raise UserError("sources and targets have two tokenizers, which are not SentencePiece models")
        write_tokenizer(folder, source, config)
    elif reader == "marian_tokenizers":
        _marian(folder, source, target)
    elif reader in ("t5_tokenizers", "mt5_tokenizers"):
        _t5(folder, source)
    else:
        named = zip(("src_lang", "tgt_lang"), languages, strict=True)
        _fairseq(folder, reader, source, {key: code for key, code in named if code is not None})


def _marian(folder: Path, source: Tokenizer, target: Tokenizer) -> None:
    vocabs = []
    for side, tokenizer in (("source", source), ("target", target)):
        write_sentencepiece(sentencepiece_of(tokenizer, FIRST), folder / f"{side}.spm")
        vocabs.append(_ids(tokenizer))
    write_json(folder / "vocab.json", vocabs[0])
    if separate := vocabs[0] != vocabs[1]:
        write_json(folder / "target_vocab.json", vocabs[1])
    _settings(folder, "MarianTokenizer", {"separate_vocabs": separate, "eos_token": "</s>", "unk_token": "<unk>"})


def _t5(folder: Path, tokenizer: Tokenizer) -> None:
    tokens = list(tokenizer.vocab)
    model = sentencepiece_of(tokenizer, tokens[: tokens.index("<unk>") + 1])
    spans = [token for token in tokens if token.startswith(SPAN)]
    _check_order(model, tokens[: len(tokens) - len(spans)], "T5")
    write_sentencepiece(model, folder / "spiece.model")
    _settings(folder, "T5Tokenizer", {"extra_ids": len(spans), "eos_token": "</s>", "unk_token": "<unk>"})


def _fairseq(folder: Path, reader: str, tokenizer: Tokenizer, languages: Mapping[str, str]) -> None:
    """Write the files of mBART, NLLB and M2M100: one model, and language codes after its pieces."""
    tokens, special = list(tokenizer.vocab), _special(tokenizer)
    codes = [token for token in special if token not in (*FAIRSEQ, MASK)]
    model = sentencepiece_of(tokenizer, FIRST)
    own = [token for token in tokens[len(FAIRSEQ) :] if token not in (*codes, MASK)]
    kind = CLASSES[reader]
    if reader == "m2m_100_tokenizers" and MASK not in tokens:
        write_json(folder / "vocab.json", {t: i for i, t in enumerate(tokens[: len(FAIRSEQ) + len(own)])})
    else:
        _check_order(model, [*FIRST, *own], "fairseq")
        kind = "NllbTokenizer" if reader == "m2m_100_tokenizers" else kind
    write_sentencepiece(model, folder / "sentencepiece.bpe.model")
    _settings(folder, kind, {"additional_special_tokens": codes, **languages})


def _check_order(model: SentencePieceModel, tokens: Sequence[str], family: str) -> None:
    """Raise UserError unless the pieces are these tokens, whose ids are given by their order."""
    pieces = [piece.text for piece in model.pieces]
    if pieces != list(tokens):
        wrong = next((a for a, b in zip(pieces, tokens, strict=False) if a != b), f"number {len(pieces)}")
        raise UserError(f"the pieces are not in the order that {family} has, from {wrong!r} on; save tokenizer.json")


def _special(tokenizer: Tokenizer) -> list[str]:
    added = tokenizer.library.get_added_tokens_decoder()
    return [added[i].content for i in sorted(added) if added[i].special]


def _ids(tokenizer: Tokenizer) -> dict[str, int]:
    """Return the ids of the tokens, without the pieces after them that are not tokens."""
    model = {piece.text for piece in sentencepiece_of(tokenizer, FIRST).pieces if piece.kind == NORMAL}
    lost = {token for token in _special(tokenizer) if token in model}
    return {token: i for i, token in enumerate(list(tokenizer.vocab)) if token not in lost}


def _settings(folder: Path, kind: str, more: Mapping[str, Any]) -> None:
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": kind, **more})
