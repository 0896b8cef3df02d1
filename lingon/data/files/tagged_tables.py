"""Tagged sentences in rows of JSON or Parquet: texts with spans of characters, or words with their tags."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import UserError, one_of
from lingon.data.files.lines import FileOptions
from lingon.data.files.row import TableRow, label_text
from lingon.data.files.table_rows import read_rows
from lingon.data.files.tagged_row import EMPTY, TaggedRow
from lingon.data.tag_schemes import Span, tags_of
from lingon.data.text_spans import CharacterSpan, tags_of_text
from lingon.data.words_of_text import TextWord, words_of_text

# The names of these columns in doccano, Prodigy, spaCy, Label Studio, SpERT and data sets of Hugging Face.
TEXTS = ("text", "sentence", "content")
WORDS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "labels", "slots", "pos_tags", "upos")
SPANS = ("spans", "entities", "labels", "label", "annotations")
LABELS = ("intent", "label", "class")
STARTS, ENDS = ("start", "start_offset", "begin"), ("end", "end_offset", "stop")
TYPES = ("label", "type", "entity", "entity_group", "tag", "labels")
EXPECTED = (
    'expected {"text": "...", "spans": [[start, end, "type"]]} or {"tokens": ["...", "..."], "tags": ["O", "B-type"]}'
)
VERDICT = "answer"  # the column in which Prodigy stores an annotator's decision on an example


class BadSentence(ValueError):
    """A row that is not a tagged sentence; the message says why."""


def table_sentences(path: Path, options: FileOptions, column: str | None = None) -> Iterator[TaggedRow]:
    """Read the sentences of a table. column: the key of the tags or spans; one of the usual names by default."""
    for row in read_rows(path, None, options):
        yield _sentence(row, column)


def _sentence(row: TableRow, column: str | None) -> TaggedRow:
    where, values, problem = row
    if problem:
        return TaggedRow(where, problem=problem)
    if values.get(VERDICT) in ("reject", "ignore"):
        return TaggedRow(where, passed_over=f"{VERDICT} {values[VERDICT]!r}")
    try:
        words, tags = _words_and_tags(values, column)
    except (BadSentence, UserError) as error:
        return TaggedRow(where, problem=str(error))
    if not words:
        return TaggedRow(where, passed_over=EMPTY)
    return TaggedRow(where, words, tags, _label(values, column))


def _words_and_tags(values: Mapping[str, Any], column: str | None) -> tuple[Sequence[str], Sequence[str]]:
    if column is not None and column not in values:
        raise BadSentence(f"no key {column[:40]!r}, which --column names; it has {one_of(map(repr, values))}")
    words = _first_list(values, WORDS)
    if words is not None and all(isinstance(word, str) for word in words):
        return _of_words(words, values, column)
    text = next((values[name] for name in TEXTS if isinstance(values.get(name), str)), None)
    spans = _spans_in(values, column)
    if text is None or spans is None:
        raise BadSentence(f"keys {one_of(map(repr, values))}; {EXPECTED}")
    divided = words_of_text(text) if words is None else [_given_word(text, word) for word in words]
    tags = tags_of_text(text, divided, [CharacterSpan(*_span(span)) for span in spans])
    return [word.text for word in divided], tags


def _of_words(
    words: Sequence[str], values: Mapping[str, Any], column: str | None
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the words of a row and their tags, given as one tag per word or as spans of words."""
    if "" in words or any(word.isspace() for word in words):
        raise BadSentence(f"word {1 + next(i for i, word in enumerate(words) if not word.strip())} is empty")
    tags = _first_list(values, TAGS if column is None else (column,))
    if tags is None or (tags and not isinstance(tags[0], str | int)):
        if (spans := _spans_in(values, column)) is not None:
            return words, tags_of([Span(*_span(span)) for span in spans], len(words))
        raise BadSentence(f"words, but no tags, with keys {one_of(map(repr, values))}; {EXPECTED}")
    if not all(isinstance(tag, str) for tag in tags):
        strange = next(tag for tag in tags if not isinstance(tag, str))
        raise BadSentence(f"tag {str(strange)[:40]} is not a name; write the names of tags, not their numbers")
    if len(tags) != len(words):
        raise BadSentence(f"{counted(len(words), 'word')} and {counted(len(tags), 'tag')}; a word has one tag")
    if "" in tags:
        raise BadSentence(f"word {list(tags).index('') + 1} has no tag")
    return words, tags


def _spans_in(values: Mapping[str, Any], column: str | None) -> Sequence[Any] | None:
    return _first_list(values, SPANS if column is None else (column,))


def _first_list(values: Mapping[str, Any], names: Sequence[str]) -> Sequence[Any] | None:
    return next((list(values[name]) for name in names if isinstance(values.get(name), list | tuple)), None)


def _span(span: Any) -> tuple[int, int, str]:
    """Return start, end and type of a span, from a list of the three or from an object."""
    parts: list[Any]
    if isinstance(span, Mapping):
        parts = [next((span[name] for name in names if name in span), None) for names in (STARTS, ENDS, TYPES)]
    else:
        parts = list(span) if isinstance(span, list | tuple) else []
    if len(parts) == 3 and isinstance(parts[2], list) and len(parts[2]) == 1:
        parts[2] = parts[2][0]
    whole = len(parts) == 3 and all(isinstance(part, int) and not isinstance(part, bool) for part in parts[:2])
    if not whole or not isinstance(parts[2], str) or not parts[2].strip():
        raise BadSentence(f"{repr(span)[:80]} is not a span; expected [start, end, type], or an object of these")
    return parts[0], parts[1], parts[2].strip()


def _given_word(text: str, word: Any) -> TextWord:
    """Return a word in Prodigy's format, with its place in the text."""
    if isinstance(word, Mapping):
        start, end = word.get("start"), word.get("end")
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text):
            return TextWord(text[start:end], start, end)
    raise BadSentence(f"{repr(word)[:80]} is not a word; expected a text, or an object of text, start and end")


def _label(values: Mapping[str, Any], column: str | None) -> str | None:
    """Return the label of the whole sentence; None if there is none, or if it is a list (of spans or tags)."""
    found = (values.get(name) for name in LABELS if name != column)
    return next((label_text(value) for value in found if isinstance(value, str | int) and label_text(value)), None)
