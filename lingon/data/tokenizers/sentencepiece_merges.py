"""Recovers the pieces of a SentencePiece BPE model from the merges of a tokenizer that was made from it."""

import itertools
from collections.abc import Mapping
from typing import Any

from lingon.core.errors import DataError
from lingon.data.tokenizers.piece_merges import merges_by_score
from lingon.data.tokenizers.sentencepiece_model import BYTE, CONTROL, NORMAL, UNKNOWN

BYTES = {f"<0x{byte:02X}>" for byte in range(256)}


def merged_pieces(content: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, int]]:
    """Return the score and the kind of each token, in the order of their ids. content: of a tokenizer.json with BPE.

    The score is the negated rank among the merges, 0 for the first, -1 for the next; pieces that no merge makes come
    last. Tokens that two pieces could make but no merge does are not pieces, as in a vocabulary with more tokens than
    its model has pieces.
    """
    model = content["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    order = list(dict.fromkeys("".join(pair) for pair in model["merges"]))
    special = {token["content"] for token in content["added_tokens"] if token["special"]}
    made = {*order, *(token for token in tokens if len(token) == 1)}
    kinds = {}
    for token in tokens:
        if token == model["unk_token"]:
            kinds[token] = UNKNOWN
        elif token in BYTES and model.get("byte_fallback") and token not in special:
            kinds[token] = BYTE
        else:  # a piece that is not a token is special too: it becomes unknown
            kinds[token] = NORMAL if token in made or token not in special else CONTROL
    pieces = {token for token, kind in kinds.items() if kind == NORMAL}
    for token in [token for token in pieces if token not in made]:
        if any(token[:cut] in pieces and token[cut:] in pieces for cut in range(1, len(token))):
            kinds[token] = CONTROL
    ranks = {token: -float(rank) for rank, token in enumerate(order)}
    behind = itertools.count(len(order))
    return {token: ranks[token] if token in ranks else -float(next(behind)) for token in tokens}, kinds


def merges_follow(content: Mapping[str, Any]) -> bool:
    """Return whether the merges of a tokenizer are those that follow from its pieces, as in SentencePiece models."""
    model = content["model"]
    if not model.get("fuse_unk") or model.get("unk_token") is None or model.get("ignore_merges"):
        return False
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        return False
    scores, kinds = merged_pieces(content)
    known = {token: score for token, score in scores.items() if kinds[token] == NORMAL}
    try:
        return merges_by_score("the tokenizer", known, ()) == [tuple(pair) for pair in model["merges"]]
    except DataError:
        return False
