"""Tokenizers of published encoder-decoders, for sources and for targets: models of SentencePiece, or tokenizer.json.

Each puts the end token behind a text; codes of languages are put where a model wants them by
`lingon.tasks.translate.languages`.
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
EXTRA_IDS, MOST_EXTRA = 100, 10_000  # marks of spans behind the pieces
Pair = tuple[Tokenizer | None, Tokenizer | None]


@dataclass(frozen=True)
class Rows:
    """The rows of the embeddings of sources and targets: more than a tokenizer has tokens, never fewer."""

    source: int
    target: int


def read_pair(folder: Path, reader: str, rows: Rows) -> Pair:
    """Read the tokenizers of sources and targets of a checkpoint; the same where it has one; None without files.

    reader: the function of this file that reads those of its family. Raises DataError naming the file that is missing
    or does not fit the model.
    """
    source, target = globals()[reader](folder, rows)
    return _fitting(source, rows.source, folder), _fitting(target, rows.target, folder)


def _fitting(tokenizer: Tokenizer | None, rows: int, folder: Path) -> Tokenizer | None:
    return None if tokenizer is None else tokenizer.for_vocab_size(rows, folder)


def bart_tokenizers(folder: Path, rows: Rows) -> Pair:
    """Read BART's: tokenizer.json, or pairs of bytes."""
    both = read_encoder_tokenizer(folder)
    return both, both


def t5_tokenizers(folder: Path, rows: Rows, extra_ids: int = EXTRA_IDS) -> Pair:
    """Read T5's: tokenizer.json, or spiece.model with marks of spans behind its pieces."""
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
    """Read mT5's, which has no marks of spans where its settings do not say so."""
    return t5_tokenizers(folder, rows, extra_ids=0)


def marian_tokenizers(folder: Path, rows: Rows) -> Pair:
    """Two models of SentencePiece, whose pieces get their ids from `vocab.json`; from `target_vocab.json`, if any."""
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
    """The tokens that name the language of a translation, such as >>fra<<, of models that write several."""
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
    beside = rows.source - len(model.pieces) - 2  # codes of languages, if all rows are used
    both = _fairseq(model, _codes(folder, MBART if beside > MBART_FIRST else MBART[:MBART_FIRST]))
    return both, both


def _fairseq(model: SentencePieceModel, codes: list[str]) -> Tokenizer:
    """The tokens of fairseq: four of its own, the pieces but their first three, codes of languages, a mask."""
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
    """The tokens of a `vocab.json` in the order of their ids."""
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
    """The codes of languages that the files list, else the usual ones."""
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
