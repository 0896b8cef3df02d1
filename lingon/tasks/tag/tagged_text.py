"""The predictions of a tagger for a sentence: a tag for each word, and the spans that tags make."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from lingon.core.errors import UserError
from lingon.core.terminal import printable
from lingon.core.terminal_columns import padded
from lingon.data.files.conllu import ConlluSentence
from lingon.data.tag_schemes import spans_of
from lingon.data.words_of_text import words_of_text
from lingon.tasks.tag.sentence_files import conll, conllu


class Sentence(NamedTuple):
    """A text, its words, and the characters [start, end) of each. source: of a CoNLL-U file, with all its columns."""

    text: str
    words: list[str]
    offsets: list[tuple[int, int]]
    source: ConlluSentence | None = None

    @classmethod
    def of_words(cls, words: Sequence[str], source: ConlluSentence | None = None) -> "Sentence":
        """Return the sentence of these words with blanks between them."""
        offsets, start = [], 0
        for word in words:
            offsets.append((start, start + len(word)))
            start += len(word) + 1
        return cls(" ".join(words), list(words), offsets, source)

    @classmethod
    def of_conllu(cls, source: ConlluSentence) -> "Sentence":
        """Return a sentence of a CoNLL-U file: its text, or its words with blanks where they are not all in its text,
        as those of multiword tokens."""
        text, offsets, end = source.text, [], 0
        for word in source.words:
            start = text.find(word, end)
            if start < 0:
                return cls.of_words(source.words, source)
            end = start + len(word)
            offsets.append((start, end))
        return cls(text, list(source.words), offsets, source)

    @classmethod
    def of(cls, given: Any) -> "Sentence":
        """Return a text divided into words, or the sentence of a list of words or of a CoNLL-U file.

        Raises UserError for anything else.
        """
        if isinstance(given, str):
            words = words_of_text(given)
            return cls(given, [word.text for word in words], [(word.start, word.end) for word in words])
        if isinstance(given, ConlluSentence):
            return cls.of_conllu(given)
        if not isinstance(given, Sequence) or not all(isinstance(word, str) for word in given):
            raise UserError(f"a sentence is a text or a list of words, not {repr(given)[:40]}")
        return cls.of_words(given)


@dataclass(frozen=True)
class TextSpan:
    """Span of a text: its characters [start, end), these as text, and its type."""

    start: int
    end: int
    text: str
    type: str


@dataclass(frozen=True)
class TaggedText:
    """Text with the words that it was divided into, and the predictions of a tagger for them.

    spans: None where tags are of words, such as parts of speech. label, probability: of the whole, where the tagger
    says one, such as an intent. offsets: characters [start, end) of each word. column: of CoNLL-U that the tags are.
    source: the sentence of a CoNLL-U file, where it came from one.
    """

    text: str
    words: list[str]
    tags: list[str]
    spans: list[TextSpan] | None
    label: str | None
    probability: float | None
    offsets: list[tuple[int, int]]
    column: str = field(default="upos", compare=False, repr=False)
    source: ConlluSentence | None = field(default=None, compare=False, repr=False)

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first; without those that this tagger does not have."""
        found: dict[str, Any] = {"text": self.text}
        if self.label is not None:
            found |= {"label": self.label, "probability": self.probability}
        if self.spans is not None:
            found["spans"] = [asdict(span) for span in self.spans]
        return {**found, "words": self.words, "tags": self.tags}

    def pieces(self) -> list[tuple[str, str]]:
        """Return the text in pieces, each with its tag or the type of its span; "" for what has none."""
        if self.spans is None:
            marked = [(*place, tag) for place, tag in zip(self.offsets, self.tags, strict=True)]
        else:
            marked = [(span.start, span.end, span.type) for span in self.spans]
        found, end = [], 0
        for start, stop, name in marked:
            found += [(self.text[end:start], ""), (self.text[start:stop], name)]
            end = stop
        return [piece for piece in [*found, (self.text[end:], "")] if piece[0]]

    @property
    def said(self) -> str:
        """Return the label with its probability, as a line begins; "" where the tagger says none."""
        return "" if self.label is None else f"{padded(self.label, 12)} {self.probability or 0:6.1%}  "

    def __str__(self) -> str:
        if self.spans is None:  # words that touch stand apart, so that it is seen whose each tag is
            return self.said + printable(" ".join(f"{piece}/{name}" for piece, name in self.pieces() if name))
        shown = (f"[{piece}]({name})" if name else piece for piece, name in self.pieces())
        return self.said + printable("".join(shown))

    def formatted(self, format: str) -> str:
        """Return the sentence as CoNLL-U ("conllu") or as columns of words and tags ("conll"), an empty line behind."""
        return conllu(self) if format == "conllu" else conll(self)


def tagged_text(
    sentence: Sentence, tags: Sequence[str], spans: bool, label: tuple[str, float] | None = None, column: str = "upos"
) -> TaggedText:
    """Return the prediction of a tagger for a sentence. spans: its tags are of spans. label: with its probability."""
    text, words, offsets, source = sentence
    found = None
    if spans:
        places = [(offsets[s.start][0], offsets[s.end - 1][1], s.type) for s in spans_of(tags)]
        found = [TextSpan(start, end, text[start:end], kind) for start, end, kind in places]
    name, probability = label or (None, None)
    return TaggedText(text, words, list(tags), found, name, probability, offsets, column, source)
