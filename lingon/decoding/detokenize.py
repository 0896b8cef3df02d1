"""Incremental detokenization: whole characters only, and nothing that may still become a stop text."""

import codecs
from collections.abc import Iterable, Iterator, Sequence


def detokenize(
    ids: Iterable[int], pieces: Sequence[bytes], eos_ids: Sequence[int] = (), stop: Sequence[str] = ()
) -> Iterator[str]:
    r"""Yield the text of ids in pieces, each as soon as it is certain, up to a stop text or an end token.

    pieces: the bytes that each token adds.

    >>> list(detokenize([0, 1, 2], [b"a \xe2", b"\x80", b"\x94b"]))
    ['a ', '—b']
    >>> list(detokenize([0, 1, 0], [b"so. ", b"On"], stop=(" On",)))
    ['so.']
    """
    decoder, held = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for token in ids:
        if token in eos_ids:
            break
        held += decoder.decode(pieces[token])
        found = [held.find(text) for text in stop if text in held]
        if found:
            if min(found):
                yield held[: min(found)]
            return
        safe = len(held) - _may_begin(held, stop)
        if held[:safe]:
            yield held[:safe]
        held = held[safe:]
    if rest := held + decoder.decode(b"", final=True):
        yield rest


def _may_begin(text: str, stop: Sequence[str]) -> int:
    """Return the number of characters at the end of a text that may be the start of a stop text."""
    return max((n for end in stop for n in range(1, len(end)) if text.endswith(end[:n])), default=0)
