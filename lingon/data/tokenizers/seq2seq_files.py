"""Reads the tokenizers of published encoder-decoders, for source and target: SentencePiece models, or tokenizer.json.

Each appends the end token to a text; language codes are added by `lingon.tasks.translate.languages`, at the position
that the model requires.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError
from lingon.core.files import read_json
from lingon.data.tokenizers.huggingface import read_encoder_tokenizer, read_tokenizer
from lingon.data.tokenizers.language_codes import M2M100, MBART, MBART_FIRST, NLLB
from lingon.data.tokenizers.sentencepiece import sentencepiece_library
from lingon.data.tokenizers.sentencepiece_model import SentencePieceModel, read_sentencepiece
from lingon.data.tokenizers.text_check import abbreviate
from lingon.data.tokenizers.tokenizer import Tokenizer

LIMIT = 64 << 20  # bytes of a JSON file
END, ENDED = "</s>", "$A </s>"
FAIRSEQ = ("<s>", "<pad>", "</s>", "<unk>")  # the first tokens of mBART, M2M100 and NLLB, whatever their pieces say
EXTRA_IDS, MOST_EXTRA = 100, 10_000  # sentinel tokens after the pieces
Pair = tuple[Tokenizer | None, Tokenizer | None]


@dataclass(frozen=True)
class Rows:
    """Numbers of rows of the source and target embeddings: at least the number of tokens."""

    source: int
    target: int


def read_pair(folder: Path, reader: str, rows: Rows) -> Pair:
    """Read the source and target tokenizers of a checkpoint; twice the same if it has only one; None without files.

    reader: name of the function of this file for its family. Raises DataError naming the file that is missing or does
    not fit the model.
    """
    source, target = globals()[reader](folder, rows)
    return _fitting(source, rows.source, folder), _fitting(target, rows.target, folder)


def _fitting(tokenizer: Tokenizer | None, rows: int, folder: Path) -> Tokenizer | None:
    return None if tokenizer is None else tokenizer.for_vocab_size(rows, folder)


def bart_tokenizers(folder: Path, rows: Rows) -> Pair:
    """Read BART's: tokenizer.json, or the files of byte-level BPE."""
    both = read_encoder_tokenizer(folder)
    return both, both


def t5_tokenizers(folder: Path, rows: Rows, extra_ids: int = EXTRA_IDS) -> Pair:
    """Read T5's: tokenizer.json, or spiece.model with sentinel tokens after its pieces."""
    path = folder / "spiece.model"
    if (folder / "tokenizer.json").is_file() or not path.is_file():
        both = read_tokenizer(folder)
        return both, both
    model, count = read_sentencepiece(path), _settings(folder).get("extra_ids", extra_ids)
    if type(count) is not int or not 0 <= count <= MOST_EXTRA:
        raise DataError(f"{folder}: key 'extra_ids' is {abbreviate(count)}, expected a number from 0 to {MOST_EXTRA:,}")
    extra = [f"<extra_id_{i}>" for i in reversed(range(count))]
    both = _tokenizer(model, [*(piece.text for piece in model.pieces), *extra], extra)
    return both, both


def mt5_tokenizers(folder: Path, rows: Rows) -> Pair:
    """Read mT5's, which has no sentinel tokens unless its settings say so."""
    return t5_tokenizers(folder, rows, extra_ids=0)


def marian_tokenizers(folder: Path, rows: Rows) -> Pair:
    """Read Marian's: two SentencePiece models, with ids from `vocab.json` and, if there is one, `target_vocab.json`."""
    if not (folder / "source.spm").is_file() and (folder / "tokenizer.json").is_file():
        both = read_tokenizer(folder)
        return both, both
    present = [name for name in ("source.spm", "target.spm", "vocab.json") if (folder / name).is_file()]
    if not present:
        return None, None
    vocabs = [_vocab(folder / "vocab.json", rows.source)] * 2
    if (folder / "target_vocab.json").is_file():
        vocabs[1] = _vocab(folder / "target_vocab.json", rows.target)
    source, target = (
        _tokenizer(read_sentencepiece(_needed(folder, f"{side}.spm")), vocab, [END, "<pad>", *_marked(vocab)])
        for side, vocab in zip(("source", "target"), vocabs, strict=True)
    )
    return source, target


def _marked(vocab: Sequence[str]) -> list[str]:
    """Return the tokens that select the target language, such as >>fra<<, in multilingual models."""
    return [token for token in vocab if token.startswith(">>") and token.endswith("<<")]


def m2m_100_tokenizers(folder: Path, rows: Rows) -> Pair:
    """Read M2M100's, numbered by `vocab.json`, or NLLB's, numbered as fairseq does it."""
    path = folder / "sentencepiece.bpe.model"
    if (folder / "tokenizer.json").is_file() or not path.is_file():
        both = read_tokenizer(folder)
        return both, both
    model = read_sentencepiece(path)
    if not (folder / "vocab.json").is_file():
        both = _fairseq(model, _codes(folder, NLLB))
        return both, both
    vocab, codes = _vocab(folder / "vocab.json", rows.source), _codes(folder, [f"__{code}__" for code in M2M100])
    both = _tokenizer(model, [*vocab, *codes], [*FAIRSEQ, *codes])
    return both, both


def mbart_tokenizers(folder: Path, rows: Rows) -> Pair:
    """Read mBART's, of 25 or 50 languages."""
    path = folder / "sentencepiece.bpe.model"
    if (folder / "tokenizer.json").is_file() or not path.is_file():
        both = read_tokenizer(folder)
        return both, both
    model = read_sentencepiece(path)
    beside = rows.source - len(model.pieces) - 2  # number of language codes, if all rows are used
    both = _fairseq(model, _codes(folder, MBART if beside > MBART_FIRST else MBART[:MBART_FIRST]))
    return both, both


def _fairseq(model: SentencePieceModel, codes: list[str]) -> Tokenizer:
    """Make a tokenizer in fairseq's order: four special tokens, pieces from the fourth on, language codes, a mask."""
    first = [piece.text for piece in model.pieces[:3]]
    if first != ["<unk>", "<s>", "</s>"]:
        raise DataError(f"{model.path}: it begins with the pieces {abbreviate(first)}, expected <unk>, <s> and </s>")
    vocab = [*FAIRSEQ, *(piece.text for piece in model.pieces[3:]), *codes, "<mask>"]
    return _tokenizer(model, vocab, [*FAIRSEQ, *codes, "<mask>"])


def _tokenizer(model: SentencePieceModel, vocab: Sequence[str], special: Sequence[str]) -> Tokenizer:
    if len(set(vocab)) < len(vocab) or END not in vocab:
        what = f"no {END}" if END not in vocab else "a token twice"
        raise DataError(f"{model.path}: with the tokens beside its pieces the vocabulary has {what}")
    library = sentencepiece_library(model, vocab, special)
    return Tokenizer(library, model.path).with_template(ENDED, "$A $B:1 </s>:1")


def _vocab(path: Path, rows: int) -> list[str]:
    """Return the tokens of a `vocab.json` in the order of their ids."""
    found = read_json(_needed(path.parent, path.name), limit=LIMIT)
    if not isinstance(found, dict) or sorted(found.values(), key=str) != sorted(range(len(found)), key=str):
        raise DataError(f"{path}: expected an object that gives each token its id: 0, 1, 2, ... without gaps")
    if len(found) > rows:
        raise DataError(
            f"{path}: {len(found):,} tokens, the model has {rows:,} rows; they do not belong to the same checkpoint"
        )
    return sorted(found, key=found.__getitem__)


def _needed(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise DataError(
            f"{folder}: there is no {name}, which the tokenizer needs; copy it from where the model is from"
        )
    return folder / name


def _codes(folder: Path, usual: list[str]) -> list[str]:
    """Return the language codes that the files list, else the usual ones."""
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        found = _read(folder / name).get("additional_special_tokens")
        if isinstance(found, list) and len(found) > 1 and all(isinstance(code, str) and code for code in found):
            return found
    return usual


def _settings(folder: Path) -> dict[str, Any]:
    return _read(folder / "tokenizer_config.json")


def _read(path: Path) -> dict[str, Any]:
    found = read_json(path, limit=LIMIT) if path.is_file() else {}
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected an object")
    return found
