"""How a corpus is written: in lower case or not, with spaces before its punctuation or not; and words back as text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORD = re.compile(r"\w+(?:[-'’./&]\w+)*|['’]\w+|\.{2,}|-{2,}|\S")
CLOSING = frozenset(".,:;!?%)]}…")  # no space before these
OPENING = frozenset("([{$£€#")  # no space after these
SENTENCES = 1000  # that are looked at


def words_of(text: str) -> list[str]:
    """Return the words and punctuation marks of a text; contractions and words with hyphens stay whole.

    >>> words_of("It isn't a well-made film...")
    ['It', "isn't", 'a', 'well-made', 'film', '...']
    """
    return WORD.findall(text)


@dataclass(frozen=True)
class Spelling:
    """lowercase: the corpus has no capitals. spaced: it has spaces before punctuation, as tokenized corpora do."""

    lowercase: bool = False
    spaced: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Spelling":
        """Return how most of these texts are written."""
        some = [text for text, _ in zip(texts, range(SENTENCES), strict=False)]
        capitals = sum(text != text.lower() for text in some)
        spaces, glued = (sum(len(re.findall(mark, text)) for text in some) for mark in (r"\s[.,!?]", r"\w[.,!?](?!\S)"))
        return cls(2 * capitals < len(some), spaces > glued)

    def words(self, text: str) -> list[str]:
        """Return the words of a text, in lower case where the corpus is."""
        return words_of(text.lower() if self.lowercase else text)

    def text(self, words: Sequence[str]) -> str:
        """Return words as a text that looks as the corpus does.

        >>> Spelling().text(["a", "(", "good", ")", "film", "!"]), Spelling(spaced=True).text(["good", "!"])
        ('a (good) film!', 'good !')
        """
        if self.spaced:
            return " ".join(words)
        found, glue, quoted = "", True, False
        for word in words:
            closes = word[0] in CLOSING or (word == '"' and quoted) or (word[0] in "'’" and len(word) > 1)
            found += word if glue or closes else f" {word}"
            quoted ^= word == '"'
            glue = word in OPENING or (word == '"' and quoted)
        return found
