"""Tagged sentences as the lines of files: CoNLL-U with ten columns, and columns of words and tags."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lingon.data.files.conllu import format_conllu, sentence_of
from lingon.data.tag_schemes import are_spans

if TYPE_CHECKING:
    from lingon.tasks.tag.tagged_text import TaggedText

# The parts of speech of Universal Dependencies (Nivre et al. 2020).
UPOS = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ"),
    *("SYM", "VERB", "X"),
)
SPANS = "NER"  # the key of the last column (MISC) that holds tags of spans


def column_of(tags: Iterable[str]) -> str:
    """Return the place of tags in CoNLL-U: "upos", "xpos" for other parts of speech, or the key of MISC for spans."""
    tags = set(tags)
    return SPANS if are_spans(tags) else "upos" if tags <= {*UPOS} else "xpos"


def conllu(found: "TaggedText") -> str:
    """Return a sentence as CoNLL-U; of a file of that kind with all that was in it but these tags."""
    sentence = found.source
    if sentence is None:
        comments = [f"# text = {' '.join(found.text.split())}"]
        comments += [] if found.label is None else [f"# label: {found.label}"]
        sentence = sentence_of([_cell(word) for word in found.words], comments)
        following = [start for start, _ in found.offsets[1:]] + [-1]
        joined = [end == start for (_, end), start in zip(found.offsets, following, strict=True)]
        sentence = sentence.with_columns({"misc": ["SpaceAfter=No" if one else "_" for one in joined]})
    if found.column == SPANS:
        return format_conllu(sentence.with_columns({"misc": _with_key(sentence.column("misc"), found.tags)}))
    return format_conllu(sentence.with_columns({found.column: found.tags}))


def _with_key(misc: Sequence[str], tags: Sequence[str]) -> list[str]:
    rows = []
    for held, tag in zip(misc, tags, strict=True):
        others = [part for part in held.split("|") if part != "_" and not part.startswith(f"{SPANS}=")]
        rows.append("|".join([f"{SPANS}={tag}", *others]))
    return rows


def conll(found: "TaggedText") -> str:
    """Return a sentence as lines of a word, a tab and its tag."""
    lines = [] if found.label is None else [f"# label: {found.label}"]
    lines += [f"{_cell(word)}\t{tag}" for word, tag in zip(found.words, found.tags, strict=True)]
    return "\n".join([*lines, "", ""])


def _cell(word: str) -> str:
    return " ".join(word.split()) or "_"
