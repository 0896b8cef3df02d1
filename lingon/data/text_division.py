"""Divides a user's running text into training, validation and test, so that no part is empty."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from lingon.core.errors import DataError
from lingon.data.split import share_of

PARTS = ("test", "valid", "train")  # in the order of hashes, lowest first
VALID, TEST = 0.05, 0.05  # shares of the user's text
ENOUGH = 20  # distinct documents, so that a twentieth of them is one
SHORTEST = 40  # minimum characters of a text that is cut into three


def by_document(name: str, documents: Callable[[], Iterable[str]], part: str) -> Iterator[str]:
    """Yield the documents of a part, "train", "valid" or "test". documents: must yield the same ones on every call.

    They are divided by the hash of each if no part is empty then; else, if there are ENOUGH distinct ones, those with
    the lowest hashes are for the test and the next ones for validation; else each document is cut: its end is for the
    test, and the text before that for validation.
    Raises DataError when there is too little text to be cut.
    """
    limits = (TEST, TEST + VALID)
    few = _shares_where_a_part_is_empty(documents, limits)
    if few is not None:
        if len(few) < ENOUGH:
            yield from _inside(name, documents, part)
            return
        each = max(1, round(TEST * len(few)))
        limits = (few[each], few[2 * each])
    for text in documents():
        if text.strip() and PARTS[bisect_right(limits, share_of(text))] == part:
            yield text


def _shares_where_a_part_is_empty(
    documents: Callable[[], Iterable[str]], limits: Sequence[float]
) -> list[float] | None:
    """Return the distinct hashes of documents in ascending order, or None if each part has a document."""
    shares, parts = set(), set()
    for text in documents():
        if text.strip():
            shares.add(share_of(text))
            parts.add(bisect_right(limits, share_of(text)))
        if len(parts) == len(PARTS):
            return None
    return sorted(shares)


def _inside(name: str, documents: Callable[[], Iterable[str]], part: str) -> Iterator[str]:
    """Yield a part of each document; documents too short to cut go to training, or are joined and cut as one text."""
    texts = [text for text in documents() if text.strip()]
    if not any(len(text) >= SHORTEST for text in texts):
        texts = ["\n".join(texts)]
    if len(texts[0]) < SHORTEST and len(texts) == 1:
        raise DataError(
            f"{name}: {len(texts[0]):,} characters are too few to cut a test and a validation part off; expected "
            f"{SHORTEST} or more (lingon evaluate takes all of it with --split all)"
        )
    for text in texts:
        if len(text) < SHORTEST:
            pieces = {"train": text}
        else:
            first, second = cuts_of(text)
            pieces = {"train": text[:first], "valid": text[first:second], "test": text[second:]}
        if pieces.get(part, "").strip():
            yield pieces[part]


def cuts_of(text: str) -> tuple[int, int]:
    """Return where the validation and test part of a text begin: at lines, else between words, else anywhere."""
    ends: Sequence[str] = ("\n", " ", "")
    for end in ends:
        first, second = (_after(text, round(len(text) * share), end) for share in (1 - TEST - VALID, 1 - TEST))
        if text[:first].strip() and text[first:second].strip() and text[second:].strip():
            break
    return first, second


def _after(text: str, at: int, end: str) -> int:
    found = text.find(end, max(0, at - len(end)))
    return len(text) if found < 0 else found + len(end)
