"""Sentences of two styles: their markers, their contents, and the most similar one of the other style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lingon.core.config_keys import want
from lingon.core.errors import DataError, UserError, unknown
from lingon.tasks.rewrite.attribute_markers import AttributeMarkers
from lingon.tasks.rewrite.content import Content, Words
from lingon.tasks.rewrite.similar_contents import SimilarContents
from lingon.tasks.rewrite.similar_vectors import Encode, SimilarVectors
from lingon.tasks.rewrite.spelling import Spelling

STYLES = 2
LONGEST = 4  # words of a marker, as in Li et al. 2018


@dataclass(frozen=True, eq=False)
class StyleCorpus:
    """sentences: by style. threshold: the least salience of a marker. smoothing: of its counts.

    encode: gives texts vectors, by which contents are similar; None: by their words. What follows from all that is
    computed once, when it is first asked for. Raises UserError unless there are two styles with sentences, and for a
    threshold or smoothing that cannot be.
    """

    sentences: Mapping[str, Sequence[str]]
    threshold: float
    smoothing: float = 1.0
    spelling: Spelling = field(default_factory=Spelling)
    encode: Encode | None = None

    def __post_init__(self) -> None:
        check_styles(self.sentences)
        if not 1 < self.threshold < 1e9:
            raise UserError(f"threshold is {self.threshold:g}; expected more than 1, such as 3")
        if not 0 < self.smoothing < 1e9:
            raise UserError(f"smoothing is {self.smoothing:g}; expected more than 0, such as 1")
        if empty := [style for style, some in self.sentences.items() if not some]:
            raise UserError(f"the style {empty[0]!r} has no sentences")

    @property
    def styles(self) -> list[str]:
        """Return the two styles."""
        return list(self.sentences)

    def other(self, style: str) -> str:
        """Return the style that is not this one. Raises UserError for a style that is not known."""
        if style not in self.sentences:
            raise unknown("label", style, self.sentences)
        first, second = self.styles
        return second if style == first else first

    @cached_property
    def words(self) -> dict[str, list[list[str]]]:
        """The words of all sentences, by style."""
        return {style: [self.spelling.words(text) for text in some] for style, some in self.sentences.items()}

    @cached_property
    def markers(self) -> AttributeMarkers:
        """The markers of both styles."""
        return AttributeMarkers.find(self.words, self.threshold, self.smoothing, LONGEST)

    @cached_property
    def contents(self) -> dict[str, list[Content]]:
        """The content of every sentence, by style."""
        return {style: [self.markers.content(words, style) for words in some] for style, some in self.words.items()}

    @cached_property
    def _all(self) -> dict[str, "_Searchable"]:
        return {style: self._searchable(some) for style, some in self._pairs}

    @cached_property
    def _marked(self) -> dict[str, "_Searchable"]:
        """Those with markers alone; of a style without any, all."""
        found = {}
        for style, some in self._pairs:
            found[style] = self._searchable([one for one in some if one.deleted] or some)
        return found

    def _searchable(self, contents: list[Content]) -> "_Searchable":
        words = [one.words for one in contents]
        return _Searchable(contents, SimilarVectors(words, self.encode) if self.encode else SimilarContents(words))

    @property
    def _pairs(self) -> list[tuple[str, list[Content]]]:
        return list(self.contents.items())

    def content(self, words: Sequence[str], style: str) -> Content:
        """Return what is left of a sentence in a style without its markers."""
        return self.markers.content(words, style)

    def retrieve(self, content: Content, style: str, marked: bool = True) -> Content:
        """Return the sentence of a style whose content is most like this one. marked: of those with markers only."""
        return (self._marked if marked else self._all)[style].nearest(content.words)

    def config(self) -> dict[str, Any]:
        """Return what it takes to make it again, by name, as JSON writes it."""
        return {
            "sentences": {style: list(some) for style, some in self.sentences.items()},
            "threshold": self.threshold,
            "smoothing": self.smoothing,
            "lowercase": self.spelling.lowercase,
            "spaced": self.spelling.spaced,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "StyleCorpus":
        """Return the corpus of a configuration from a file. Raises DataError that names the key that is wrong."""
        sentences = want(config, "sentences", dict, "an object with a list of sentences for each label")
        for style, some in sentences.items():
            if not isinstance(some, list) or not all(isinstance(text, str) for text in some):
                raise DataError(f"key 'sentences': those of {style[:40]!r} are not a list of texts")
        threshold, smoothing = (
            float(want(config, key, (int, float), "a number")) for key in ("threshold", "smoothing")
        )
        spelling = Spelling(*(want(config, name, bool, "true or false") for name in ("lowercase", "spaced")))
        try:
            return cls(sentences, threshold, smoothing, spelling)
        except UserError as error:
            raise DataError(f"key 'sentences', 'threshold' or 'smoothing': {error}") from None


@dataclass(frozen=True)
class _Searchable:
    contents: Sequence[Content]
    search: SimilarContents | SimilarVectors

    def nearest(self, words: Words) -> Content:
        return self.contents[self.search.nearest(words)]


def check_styles(labels: Mapping[str, Any]) -> None:
    """Raise UserError unless there are two labels: a sentence is rewritten from the one to the other."""
    if len(labels) != STYLES:
        found = ", ".join(map(repr, list(labels)[:5])) + (" ..." if len(labels) > 5 else "")
        raise UserError(
            f"there {'is' if len(labels) == 1 else 'are'} {len(labels):,} label{'s' * (len(labels) != 1)} ({found}); "
            "a rewriter takes exactly two, its two styles; leave the rows of others out"
        )
