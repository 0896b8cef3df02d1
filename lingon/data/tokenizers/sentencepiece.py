"""Converts a SentencePiece model to a tokenizer of the `tokenizers` library with the same ids for the same texts.

User input is plain text: pieces that represent no text (`</s>`, `<0x0A>`) are never matched in it.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from lingon.core.errors import DataError
from lingon.data.tokenizers.growth_check import check_growth
from lingon.data.tokenizers.panic_guard import call_guarded
from lingon.data.tokenizers.piece_merges import merges_by_score
from lingon.data.tokenizers.sentencepiece_model import (
    BYTE,
    NORMAL,
    SPACE,
    USER_DEFINED,
    Piece,
    SentencePieceModel,
)

NEVER = -1e5  # score per character of pieces that must not be matched, lower than of any other segmentation
# Noncharacters put between a letter and a mark: if the mark does not combine with it, or during the table look-up.
APART, BETWEEN = "\ufdd0", "\ufdd1"
JOINING = r"\x{300}-\x{345}\x{653}-\x{655}\x{93C}\x{9BE}\x{9D7}\x{B3E}\x{B56}\x{B57}\x{BBE}\x{BD7}\x{C56}\x{CC2}"
JOINING += r"\x{CD5}\x{CD6}\x{D3E}\x{D57}\x{DCA}\x{DCF}\x{DDF}\x{102E}\x{1B35}\x{3099}\x{309A}"
LATIN = 0x3100  # all letters that are composed of two or more are below
ACCENTS = range(0x300, 0x346)


def _half_made() -> str:
    """Return the precomposed letters that can take a second mark, such as ô, from which ộ is made."""
    parts = (unicodedata.decomposition(chr(i)).split() for i in range(0xC0, LATIN))
    bases = {chr(int(pair[0], 16)) for pair in parts if len(pair) == 2 and not pair[0].startswith("<")}
    return "".join(sorted(base for base in bases if unicodedata.decomposition(base)))


def _out_of_order() -> str:
    """Return a pattern of the positions between two accents that are not in canonical order."""
    orders = sorted({unicodedata.combining(chr(i)) for i in ACCENTS})
    of = {order: "".join(chr(i) for i in ACCENTS if unicodedata.combining(chr(i)) == order) for order in orders}
    later = (f"(?<=[{of[order]}])(?=[{''.join(of[o] for o in orders if o < order)}])" for order in orders[1:])
    return "|".join(later)


# SentencePiece composes a letter with all of its marks or with none, and never reorders marks.
LONE_MARKS = Regex(
    rf"(?!\A)(?=[\p{{M}}&&[^{JOINING}]])|(?<=[{_half_made()}])(?=\p{{M}})|{_out_of_order()}",
)
# Characters other than marks that form one grapheme with the character before: joiners, Sara Am of Thai and Lao,
# half-width voicing marks, skin tones, and tags of flags.
ATTACHED = r"\x{200C}\x{200D}\x{E33}\x{EB3}\x{FF9E}\x{FF9F}\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}"
MARKS = Regex(rf"(?!\A)(?:(?=[\p{{M}}{ATTACHED}])|(?<=\r)(?=\n))")
PieceTable = Mapping[str, Piece]


def sentencepiece_library(
    model: SentencePieceModel, vocab: Sequence[str] | None = None, special: Iterable[str] = ()
) -> tokenizers.Tokenizer:
    """Make the tokenizer of a model.

    vocab: the tokens in the order of their ids, if these are not the model's own: a token that is not a piece is never
    matched in a text, and a piece that is not a token becomes unknown. special: tokens in addition to the model's
    control pieces that only templates write, such as language codes. Raises DataError naming the file.
    """
    pieces = {piece.text: piece for piece in model.pieces}
    vocab = list(pieces) if vocab is None else list(vocab)
    if model.unknown not in vocab:
        raise DataError(f"{model.path}: its token {model.unknown!r} for unknown text is not in the vocabulary")
    found = call_guarded(model.path, "its pieces do not fit together", _library, model, pieces, vocab, list(special))
    check_growth(model.path, json.loads(found.to_str()))
    call_guarded(model.path, "it cannot encode", found.encode_batch, ["a b", "é\u0301", "한글 ﬁ １"])
    if found.get_vocab_size() != len({*vocab, *(piece.text for piece in model.pieces if piece.kind == NORMAL)}):
        raise DataError(f"{model.path}: its pieces do not fit together with the vocabulary")
    return found


def _library(
    model: SentencePieceModel, pieces: PieceTable, vocab: list[str], special: list[str]
) -> tokenizers.Tokenizer:
    known = set(vocab)
    left = [piece.text for piece in model.pieces if piece.kind == NORMAL and piece.text not in known]
    make = _merging if model.bpe else _unigram
    library = tokenizers.Tokenizer(make(model, pieces, [*vocab, *left]))
    library.normalizer = normalizers.Sequence(_normal_form(model))
    if all(SPACE not in piece.text[1:] for piece in model.pieces) and SPACE in pieces:
        # One word at a time, which can be cached. A Sequence prevents cutting long texts: each part would begin anew.
        library.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(SPACE, "merged_with_next")])
    written = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    library.decoder = decoders.Sequence(written + ([decoders.Strip(" ", 1, 0)] if model.dummy_prefix else []))
    control = [name for name, piece in pieces.items() if piece.kind not in (NORMAL, USER_DEFINED, BYTE)]
    # Special tokens that are found in a text become unknown (`special_token_replacements`), as do tokens without a row.
    names = [name for name in dict.fromkeys([*control, *special]) if name in known]
    library.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in [*names, *left]])
    own = [name for name, piece in pieces.items() if piece.kind == USER_DEFINED and name in known]
    library.add_tokens([AddedToken(name, normalized=False) for name in own])
    return library


def _unigram(model: SentencePieceModel, pieces: PieceTable, tokens: list[str]) -> models.Unigram:
    def score(token: str) -> float:
        piece = pieces.get(token)
        return len(token) * NEVER if piece is None or piece.kind != NORMAL else piece.score

    unknown = tokens.index(model.unknown)
    return models.Unigram([(t, score(t)) for t in tokens], unk_id=unknown, byte_fallback=model.byte_fallback)


def _merging(model: SentencePieceModel, pieces: PieceTable, tokens: list[str]) -> models.BPE:
    scores = {t: pieces[t].score for t in tokens if t in pieces}
    whole = {name for name, piece in pieces.items() if piece.kind != NORMAL}
    merges = merges_by_score(model.path, scores, whole)
    ids = {token: i for i, token in enumerate(tokens)}
    more: dict[str, Any] = {"unk_token": model.unknown, "fuse_unk": True, "byte_fallback": model.byte_fallback}
    return models.BPE(ids, merges, **more)


def _normal_form(model: SentencePieceModel) -> list[normalizers.Normalizer]:
    """Return the normalisation steps of a text before it is split into pieces."""
    steps = [] if model.charsmap is None else _characters(normalizers.Precompiled(model.charsmap))
    if model.squeeze:
        steps += [normalizers.Replace(Regex(rf"\A +|[ {SPACE}]+\z"), ""), normalizers.Replace(Regex(" {2,}"), " ")]
    if model.dummy_prefix:
        steps.append(normalizers.Prepend(SPACE))
    return [*steps, normalizers.Replace(" ", SPACE)]


def _characters(table: normalizers.Precompiled) -> list[normalizers.Normalizer]:
    """Return the steps that normalise characters as SentencePiece does, which takes the longest match in its table.

    The library takes the shortest match and drops the rest of the same grapheme, such as a second accent. So letters
    are composed first, and then a mark is looked up separately from its letter. Marks that do not combine with a letter
    are kept apart throughout, because SentencePiece does not reorder them.
    """
    if table.normalize_str("e\u0301") != "é":  # a table of another kind than NFC and NFKC
        return [table]
    divided = [normalizers.Replace(LONE_MARKS, APART), normalizers.NFC(), normalizers.Replace(MARKS, BETWEEN)]
    return [*divided, table, normalizers.Replace(BETWEEN, ""), normalizers.NFC(), normalizers.Replace(APART, "")]
