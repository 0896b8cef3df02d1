"""A sentence as its content, which is the same in any style, and the words that were deleted from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

Words = tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """A sentence without some of its words.

    words: that are left. slots: before which of these a run of deleted words stood, from 0 to their number, rising.
    deleted: the run that stood in each slot.
    """

    words: Words
    slots: tuple[int, ...] = ()
    deleted: tuple[Words, ...] = ()

    @classmethod
    def without(cls, words: Sequence[str], delete: Iterable[int]) -> "Content":
        """Return a sentence without the words at these positions; neighbours are one run.

        >>> Content.without(["a", "very", "dull", "film"], {1, 2})
        Content(words=('a', 'film'), slots=(1,), deleted=(('very', 'dull'),))
        """
        out, kept, slots, deleted = set(delete), list[str](), list[int](), list[Words]()
        for gone, run in groupby(range(len(words)), out.__contains__):
            part = tuple(words[i] for i in run)
            if gone:
                slots.append(len(kept))
                deleted.append(part)
            else:
                kept += part
        return cls(tuple(kept), tuple(slots), tuple(deleted))

    def filled(self, runs: Sequence[Words]) -> Words:
        """Return the sentence with these runs of words in its slots, one for each; an empty one leaves a slot out."""
        found: list[str] = []
        begin = 0
        for slot, run in zip(self.slots, runs, strict=True):
            found += [*self.words[begin:slot], *run]
            begin = slot
        return (*found, *self.words[begin:])

    @property
    def sentence(self) -> Words:
        """Return the whole sentence again."""
        return self.filled(self.deleted)


def fill_with(content: Content, other: Content) -> Words:
    """Return a content with the deleted words of another sentence: the template of Li et al. 2018, section 3.3.

    The first run goes into the first slot, and so on; slots that are left stay empty, runs that are left go into the
    last. Of a content without slots each run goes between the words that it stood between in the other sentence, or
    after the one or before the other, and where neither is there, to the end, before a final punctuation mark.
    """
    if not content.slots:
        return inserted(content.words, other)
    most = len(content.slots)
    runs = [*other.deleted[: most - 1], tuple(word for run in other.deleted[most - 1 :] for word in run)]
    return content.filled(runs + [()] * (most - len(runs)))


def inserted(words: Words, other: Content) -> Words:
    """Return words with the deleted runs of another sentence, each where its neighbours stand."""
    places = _aligned(words, other.words)
    end = len(words) - (bool(words) and not words[-1][-1].isalnum())
    at = [_place(places, slot, end) for slot in other.slots]
    order = sorted(range(len(at)), key=lambda i: at[i])
    return Content(words, tuple(at[i] for i in order), tuple(other.deleted[i] for i in order)).sentence


def _aligned(words: Words, other: Words) -> dict[int, int]:
    """Return where words of another sentence stand in this one, in the order that both have."""
    blocks = SequenceMatcher(None, other, words, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}


def _place(places: dict[int, int], slot: int, end: int) -> int:
    if slot - 1 in places:
        return places[slot - 1] + 1
    return places.get(slot, end)
