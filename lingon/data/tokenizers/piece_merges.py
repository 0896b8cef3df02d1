"""Merges of SentencePiece pieces: two pieces are merged if the result is a piece, the best result first."""

from collections.abc import Container, Iterator, Mapping

from lingon.core.errors import DataError

LONGEST = 1 << 10  # maximum characters of a token that is split into all pairs
# Limits in total; a vocabulary of 262,144 tokens has about half a million pairs, of a few letters each.
PAIRS, LETTERS, WORK = 1 << 20, 1 << 25, 1 << 30


def merges_by_score(path: object, scores: Mapping[str, float], whole: Container[str]) -> list[tuple[str, str]]:
    """Return all pairs of tokens that make a token, by descending score, then by descending length of the left half.

    whole: tokens that are neither made by merging nor merged. Raises DataError naming `path` for far too many pairs.
    """
    found, letters = [], 0
    work = sum(len(token) ** 2 for token in scores if len(token) <= LONGEST)
    for token, score in scores.items():
        for left, right in _pairs(token, scores, whole) if work <= WORK else ():
            found.append((score, left, right))
            letters += len(token)
        if work > WORK or len(found) > PAIRS or letters > LETTERS:
            raise DataError(f"{path}: its tokens can be joined in {PAIRS:,} ways and more, as no words can; not read")
    found.sort(key=lambda f: (f[0], len(f[1]), len(f[2])), reverse=True)
    return [(left, right) for _, left, right in found]


def _pairs(token: str, known: Container[str], whole: Container[str]) -> Iterator[tuple[str, str]]:
    if token in whole or len(token) > LONGEST:
        return
    for cut in range(1, len(token)):
        left, right = token[:cut], token[cut:]
        if left in known and right in known and left not in whole and right not in whole:
            yield left, right
