"""Contents and markers as what the generators read, and sentences as what they write, in token ids."""

from collections.abc import Sequence

import tokenizers

from lingon.core.errors import UserError
from lingon.data.tokenizers import Tokenizer
from lingon.tasks.rewrite.content import Content, Words
from lingon.tasks.rewrite.style_corpus import STYLES

START, END, SLOT, MARKER = "[start]", "[end]", "[slot]", "[marker]"
STYLE_TOKENS = tuple(f"[style {number}]" for number in range(1, STYLES + 1))
ADDED = (START, END, SLOT, MARKER, *STYLE_TOKENS)


def with_rewrite_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Return a tokenizer that has the special tokens of sources and targets too, with the next ids."""
    copy = tokenizers.Tokenizer.from_str(tokenizer.library.to_str())
    copy.add_special_tokens(list(ADDED))
    return Tokenizer(copy)


class RewriteEncoder:
    """Makes ids of contents, markers and sentences.

    What is read: the style to write, the content with [slot] where words were deleted, and for the second generator
    [marker] and its words for each marker. In Li et al. 2018 a content has no slots, two encoders read content and
    markers, and the second generator is told no style; a slot says where markers belong, as the mask of Wu et al. 2019
    does. Raises UserError for a tokenizer without the special tokens.
    """

    def __init__(self, tokenizer: Tokenizer):
        library = tokenizer.library
        found = {name: library.token_to_id(name) for name in ADDED}
        if missing := [name for name, number in found.items() if number is None]:
            raise UserError(f"the tokenizer has no {missing[0]}; a rewriter takes one made by with_rewrite_tokens")
        self.tokenizer = tokenizer
        self.ids: dict[str, int] = {name: number for name, number in found.items() if number is not None}
        self.start, self.end = self.ids[START], self.ids[END]
        names = ("[pad]", "[unk]")
        never = [library.token_to_id(name) for name in names] + [self.ids[name] for name in ADDED if name != END]
        self.never = [number for number in never if number is not None]  # ids that are not text

    def delete(self, content: Content, style: int) -> tuple[int, ...]:
        """Return what the generator without retrieval reads. style: number of the one to write."""
        found, begin = [self.ids[STYLE_TOKENS[style]]], 0
        for slot in content.slots:
            found += [*self._words(content.words[begin:slot]), self.ids[SLOT]]
            begin = slot
        return (*found, *self._words(content.words[begin:]))

    def delete_retrieve(self, content: Content, markers: Sequence[Words], style: int) -> tuple[int, ...]:
        """Return what the generator with retrieved markers reads."""
        added = [number for marker in markers for number in (self.ids[MARKER], *self._words(marker))]
        return (*self.delete(content, style), *added)

    def target(self, words: Sequence[str]) -> list[int]:
        """Return a sentence as it is to be written, its end after it."""
        return [*self._words(words), self.end]

    def words(self, ids: Sequence[int]) -> list[str]:
        """Return the words of what was written."""
        return self.tokenizer.decode([number for number in ids if number != self.end]).split()

    def _words(self, words: Sequence[str]) -> list[int]:
        # With a space before it a word is the same tokens at the beginning of a sentence and inside of it.
        return self.tokenizer.encode(" " + " ".join(words)) if words else []
