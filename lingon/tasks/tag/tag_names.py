"""The tags and labels of training sentences: what a tagger can say. Imports no torch."""

from typing import TYPE_CHECKING

from lingon.core.counted import counted
from lingon.core.errors import UserError

if TYPE_CHECKING:
    from lingon.data.tagged_sentences import TaggedSentences


def names_of(train: "TaggedSentences") -> tuple[list[str], list[str]]:
    """Return the tags of the training sentences, and their labels, alphabetically; no label where a sentence has none.

    Raises UserError where there is nothing to tell apart.
    """
    tags = list(train.tag_counts())
    if len(tags) < 2:
        has = f"have the tag {tags[0]!r}" if tags else "have no tag"
        raise UserError(f"all {counted(train.word_count(), 'word')} {has}; a tagger needs two or more tags")
    return tags, list(train.label_counts()) if train.labels is not None else []
