"""Attribute markers: the n-grams that say in which style a sentence is written, by their salience.

    s(u, v) = (count(u, D_v) + smoothing) / (sum over the other styles v' of count(u, D_v') + smoothing)

An n-gram u whose salience for a style v is the threshold or more is a marker of it. Source: Li, Jia, He and Liang
2018, "Delete, Retrieve, Generate: a Simple Approach to Sentiment and Style Transfer", formula (1). How it differs: the
counts of each style are scaled to sentences of the same number, so that not all words of the larger style are markers;
and an n-gram that holds a marker with no less salience is none itself, so that no content is deleted with "dull" only
because "dull film" is salient too.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lingon.tasks.rewrite.content import Content


@dataclass(frozen=True)
class AttributeMarkers:
    """Salience of the markers of each style, by the words of the marker with spaces between. longest: words of one."""

    salience: Mapping[str, Mapping[str, float]]
    longest: int = 4

    @classmethod
    def find(
        cls,
        sentences: Mapping[str, Sequence[Sequence[str]]],
        threshold: float,
        smoothing: float = 1.0,
        longest: int = 4,
    ) -> "AttributeMarkers":
        """Return the markers of styles. sentences: words of the sentences of each style."""
        counts = {style: _counts(rows, longest) for style, rows in sentences.items()}
        mean = sum(map(len, sentences.values())) / max(1, len(sentences))
        scale = {style: mean / max(1, len(rows)) for style, rows in sentences.items()}
        found = {}
        for style, own in counts.items():
            others = [other for other in counts if other != style]
            least = threshold * smoothing - smoothing  # the count of a marker that no other style has
            salient = {}
            for u, n in own.items():
                if (count := n * scale[style]) >= least:
                    against = sum(counts[other][u] * scale[other] for other in others)
                    if (value := (count + smoothing) / (against + smoothing)) >= threshold:
                        salient[u] = value
            found[style] = {u: value for u, value in salient.items() if not _holds_another(u, value, salient)}
        return cls(found, longest)

    def content(self, words: Sequence[str], style: str) -> Content:
        """Return a sentence without the markers of a style that stand in it, overlapping ones together."""
        return Content.without(words, {i for a, b, _ in self.spans(words, style) for i in range(a, b)})

    def spans(self, words: Sequence[str], style: str) -> Iterator[tuple[int, int, float]]:
        """Yield where each marker of a style stands in a sentence, words [begin, end), and its salience."""
        known = self.salience[style]
        for begin in range(len(words)):
            for end in range(begin + 1, min(begin + self.longest, len(words)) + 1):
                if (value := known.get(" ".join(words[begin:end]))) is not None:
                    yield begin, end, value

    def evidence(self, words: Sequence[str], style: str) -> float:
        """Return the sum of the logarithms of the salience of a style's markers in a sentence; 0 where none is."""
        return sum(math.log(value) for _, _, value in self.spans(words, style))

    def strongest(self, style: str, n: int) -> list[str]:
        """Return the markers of a style with the largest salience, equal ones by the alphabet."""
        known = self.salience[style]
        return sorted(known, key=lambda marker: (-known[marker], marker))[:n]


def _holds_another(marker: str, value: float, salient: Mapping[str, float]) -> bool:
    """Return whether a part of an n-gram is as salient as all of it."""
    words = marker.split(" ")
    parts = (words[a:b] for a in range(len(words)) for b in range(a + 1, len(words) + 1) if b - a < len(words))
    return any(salient.get(" ".join(part), 0.0) >= value for part in parts)


def _counts(sentences: Sequence[Sequence[str]], longest: int) -> Counter[str]:
    """Return how often each n-gram of 1 to `longest` words occurs."""
    found: Counter[str] = Counter()
    for words in sentences:
        for n in range(1, longest + 1):
            found.update(" ".join(words[i : i + n]) for i in range(len(words) - n + 1))
    return found
