"""Previews tagged sentences: their parts, tags or types of spans, and some sentences."""

from collections import Counter
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.terminal import printable
from lingon.core.terminal_columns import padded
from lingon.data.corpora.sentences import TAGGED, load_tagged_corpus
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.load_data import PARTS, tell_lines
from lingon.data.read_tagged import read_tagged
from lingon.data.tag_schemes import spans_of
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences

MOST = 25  # tags that are listed
WIDTH = 300  # characters of a sentence


def show_tagged_corpus(name: str, samples: int) -> str:
    """Return counts of each part of a corpus, its tags or types of spans, and some sentences."""
    row, splits = TAGGED[name], load_tagged_corpus(name)
    head = [f"{name}: {row.summary}", f"licence: {row.licence}"]
    for part in PARTS:
        found = getattr(splits, part)
        head += (
            [f"{part} {counted(len(found), 'sentence')}, {counted(found.word_count(), 'word')}"] if len(found) else []
        )
    return "\n".join([*head, "", *describe(splits.all()), "", *_samples(splits.test, samples)])


def show_tagged_file(path: Path, samples: int, on_bad_row: OnBadRow, options: FileOptions) -> str:
    """Return the preview of a user's file; what was guessed is reported on stderr."""
    found, report = read_tagged(path, on_bad_row=on_bad_row, options=options)
    tell_lines(report.messages)
    head = f"{printable(str(path))}: {counted(len(found), 'sentence')}, {counted(found.word_count(), 'word')}"
    return "\n".join([head, "", *describe(found), "", *_samples(found, samples)])


def describe(sentences: TaggedSentences) -> list[str]:
    """Return a line for each type of span with the number of spans, or for each tag with the number of its words."""
    if sentences.is_spans:
        counts = Counter(span.type for tags in sentences.tags for span in spans_of(tags))
        lines = [f"spans: {counts.total():,} of {len(counts)} types"]
    else:
        counts = Counter(sentences.tag_counts())
        lines = [f"words with each of {counted(len(counts), 'tag')}:"]
    lines += [f"  {padded(name, 30, 30)} {count:7,}" for name, count in counts.most_common(MOST)]
    return lines + ([f"  ... and {len(counts) - MOST:,} more"] if len(counts) > MOST else [])


def _samples(sentences: TaggedSentences, count: int) -> list[str]:
    step = max(1, len(sentences) // max(1, count))
    shown = [_shown(sentence, sentences.is_spans) for sentence in sentences[::step][:count]]
    return [text if len(text) <= WIDTH else f"{text[:WIDTH]}..." for text in map(printable, shown)]


def _shown(sentence: TaggedSentence, is_spans: bool) -> str:
    """Return a sentence with its spans as [words](type), or its tags as word/tag."""
    words = list(sentence.words)
    if is_spans:
        for start, end, kind in spans_of(sentence.tags):
            words[start] = f"[{words[start]}"
            words[end - 1] = f"{words[end - 1]}]({kind})"
    else:
        words = [f"{word}/{tag}" for word, tag in zip(words, sentence.tags, strict=True)]
    return " ".join([*([f"[{sentence.label}]"] if sentence.label else []), *words])
