"""Sentences with a tag for each word, and their division into training, validation and test."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.tag_schemes import are_spans


class TaggedSentence(NamedTuple):
    """A sentence: its words, a tag for each, and the label of the whole (such as an intent), if it has one."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    label: str | None = None


@dataclass(frozen=True)
class TaggedSentences:
    """Tagged sentences in a list. Tags of spans are in IOB2 (BIO), whatever the scheme of the file.

    Raises UserError for a sentence with more or fewer tags than words.
    """

    sentences: list[TaggedSentence]

    def __post_init__(self):
        for i, (words, tags, _) in enumerate(self.sentences):
            if len(words) != len(tags):
                raise UserError(
                    f"sentence {i + 1} has {counted(len(words), 'word')} and {counted(len(tags), 'tag')}; "
                    "a word has one tag"
                )

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[TaggedSentence]:
        return iter(self.sentences)

    @overload
    def __getitem__(self, which: int) -> TaggedSentence: ...
    @overload
    def __getitem__(self, which: slice | Sequence[int]) -> "TaggedSentences": ...
    def __getitem__(self, which: int | slice | Sequence[int]) -> "TaggedSentence | TaggedSentences":
        """Return one sentence by its index, or some of them: a slice, or a list of indices."""
        if isinstance(which, int):
            return self.sentences[which]
        if isinstance(which, slice):
            return TaggedSentences(self.sentences[which])
        return TaggedSentences([self.sentences[i] for i in which])

    def __add__(self, other: "TaggedSentences") -> "TaggedSentences":
        return TaggedSentences(self.sentences + other.sentences)

    @property
    def words(self) -> list[tuple[str, ...]]:
        """Return the words of each sentence."""
        return [sentence.words for sentence in self.sentences]

    @property
    def tags(self) -> list[tuple[str, ...]]:
        """Return the tags of each sentence."""
        return [sentence.tags for sentence in self.sentences]

    @property
    def labels(self) -> list[str] | None:
        """Return the label of each sentence; None if any sentence has none."""
        found = [sentence.label for sentence in self.sentences if sentence.label is not None]
        return found if found and len(found) == len(self.sentences) else None

    @property
    def is_spans(self) -> bool:
        """Return whether the tags mark spans, such as B-person and I-person, rather than single words."""
        return are_spans(self.tag_counts())

    def tag_counts(self) -> dict[str, int]:
        """Return how many words each tag has, tags in alphabetical order."""
        return dict(sorted(Counter(tag for sentence in self.sentences for tag in sentence.tags).items()))

    def label_counts(self) -> dict[str, int]:
        """Return how many sentences each label has, labels in alphabetical order."""
        return dict(sorted(Counter(s.label for s in self.sentences if s.label is not None).items()))

    def word_count(self) -> int:
        """Return the number of words of all sentences."""
        return sum(len(sentence.words) for sentence in self.sentences)

    def checksum(self) -> str:
        """Return the sha256 of words, tags and labels in order."""
        digest = hashlib.sha256()
        for sentence in self.sentences:
            digest.update(json.dumps(sentence).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class TaggedSplits:
    """Training, validation and test sentences, their name, and where they come from (stored in run.json)."""

    train: TaggedSentences
    valid: TaggedSentences
    test: TaggedSentences
    name: str
    source: dict[str, Any] = field(default_factory=dict)

    def all(self) -> TaggedSentences:
        """Return the sentences of all three parts."""
        return self.train + self.valid + self.test
