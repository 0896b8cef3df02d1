"""A trained tagger on its held-out sentences, which it reads once: for scores, for the report, for examples."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import exp
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.terminal import printable
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences
from lingon.metrics.scores import Scores
from lingon.tasks.tag.tagger import Decoded, Tagger

SHOWN, SHOWN_WORDS = 3, 30


class Judged(NamedTuple):
    """A sentence with its predicted tags, its label, and the confidence: the mean probability of a tag."""

    true: TaggedSentence
    tags: list[str]
    label: str | None
    sureness: float

    @property
    def wrong(self) -> list[int]:
        """Return the places of the words whose tag is wrong."""
        return [i for i, (a, b) in enumerate(zip(self.true.tags, self.tags, strict=True)) if a != b]

    @property
    def right(self) -> bool:
        return not self.wrong and (self.label is None or self.true.label in (None, self.label))


class HeldOut:
    """A tagger and the sentences it is tested on. They are decoded after training, once."""

    def __init__(self, tagger: Tagger, sentences: TaggedSentences):
        self.tagger = tagger
        self.sentences = TaggedSentences([sentence for sentence in sentences if sentence.words])

    @cached_property
    def decoded(self) -> Decoded:
        """What the tagger says of all of them."""
        return self.tagger.judge(self.sentences)

    @cached_property
    def judged(self) -> list[Judged]:
        """Each sentence with its prediction."""
        found, tagger = self.decoded, self.tagger
        assert found.log_probabilities is not None, "asked for"
        labels = [None] * len(self.sentences)
        if found.labels is not None:
            labels = [tagger.labels[i] for i in found.labels.argmax(1).tolist()]
        rows = zip(self.sentences, found.tags, labels, found.log_probabilities.tolist(), strict=True)
        return [Judged(true, tagger.names(tags), label, exp(log / len(true.words))) for true, tags, label, log in rows]

    def surest(self, right: bool) -> list[Judged]:
        """Return the sentences whose tags are all right, or not all, the surest first."""
        return sorted((one for one in self.judged if one.right == right), key=lambda one: -one.sureness)

    def scores(self) -> Scores:
        """Return the metrics; see `Tagger.evaluate`."""
        return self.tagger.scores_of(self.decoded, self.sentences)

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.tag.report`."""
        from lingon.tasks.tag import report

        return report.write_report(folder / "report.html", self, folder, dict(run))

    def extremes(self) -> str:
        """Return the sentences that the tagger is surest about, right and wrong."""
        found = []
        for title, right in (("most confident and right:", True), ("most confident and wrong:", False)):
            shown = [_lines(one) for one in self.surest(right)[:SHOWN]]
            found += [title if shown else f"{title} none", *shown]
        return "\n".join(found)


def mistakes(one: Judged, most: int = 4) -> str:
    """Return what is wrong in a sentence: its words, each with the tag that was said and that it has."""
    shown = [f"{one.true.words[i]} {one.tags[i]}, is {one.true.tags[i]}" for i in one.wrong[:most]]
    if one.label is not None and one.true.label not in (None, one.label):
        shown.insert(0, f"label {one.label}, is {one.true.label}")
    return "; ".join(shown) + ("; ..." if len(one.wrong) > most else "")


def _lines(one: Judged) -> str:
    words = _cut(one.true.words)
    label = f"{one.label}  " if one.label is not None else ""
    said = mistakes(one) if not one.right else " ".join(_cut(one.tags))
    return f"  {one.sureness:.1%}  {printable(label)}{printable(' '.join(words))}\n    {printable(said)}"


def _cut(words: Sequence[str]) -> list[str]:
    return [*words[:SHOWN_WORDS], *(["..."] if len(words) > SHOWN_WORDS else [])]
