"""Ids beyond the vocabulary for the unknown words of one source, so that a copy mechanism can write them."""

from collections.abc import Sequence


def extend_source(
    words: Sequence[str], ids: Sequence[int], unk_id: int, vocab_size: int, extended_vocab: int
) -> tuple[list[int], list[str]]:
    """Return the ids of a source, with extra ids for unknown words, and these words in order.

    words, ids: one for each token. extended_vocab: maximum number of unknown words with an id; others stay `unk_id`.

    >>> extend_source(["Ann", "sees", "Bob", "and", "Ann"], [1, 7, 1, 8, 1], unk_id=1, vocab_size=9, extended_vocab=5)
    ([9, 7, 10, 8, 9], ['Ann', 'Bob'])
    """
    places: dict[str, int] = {}
    found = []
    for word, number in zip(words, ids, strict=True):
        if number == unk_id and (word in places or len(places) < extended_vocab):
            number = vocab_size + places.setdefault(word, len(places))
        found.append(number)
    return found, list(places)


def extend_target(
    words: Sequence[str], ids: Sequence[int], unk_id: int, vocab_size: int, unknown: Sequence[str]
) -> list[int]:
    """Return the ids of a target, in which unknown words that occur in its source have their ids from there.

    unknown: those of the source, as returned by `extend_source`.

    >>> extend_target(["Bob", "sees", "Eve"], [1, 7, 1], unk_id=1, vocab_size=9, unknown=["Ann", "Bob"])
    [10, 7, 1]
    """
    places = {word: vocab_size + place for place, word in enumerate(unknown)}
    pairs = zip(words, ids, strict=True)
    return [places.get(word, unk_id) if number == unk_id else number for word, number in pairs]
