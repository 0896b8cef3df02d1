"""Previews a corpus or a file: the output of `lingon data show`."""

from collections.abc import Callable, Container, Sequence
from pathlib import Path
from statistics import fmean

from lingon.core.counted import counted
from lingon.core.errors import UserError, suggest
from lingon.core.terminal import printable
from lingon.core.terminal_columns import padded
from lingon.data.corpora import CORPORA, PICTURES, TEXTS, VECTORS, load_corpus, load_text
from lingon.data.corpora.encoders import ENCODERS
from lingon.data.corpora.image_weights import IMAGE_WEIGHTS
from lingon.data.corpora.images import IMAGES
from lingon.data.corpora.parallel import PARALLEL
from lingon.data.corpora.question_answering import QUESTION_ANSWERING
from lingon.data.corpora.questions import QUESTIONS, load_questions
from lingon.data.corpora.retrieval import RETRIEVAL, load_collection
from lingon.data.corpora.scored_pairs import SCORED_PAIRS, load_scored_pairs
from lingon.data.corpora.sentences import TAGGED, load_tagged_corpus
from lingon.data.corpora.treebanks import TREES
from lingon.data.corpora.weights import WEIGHTS, terms_of
from lingon.data.examples import Examples
from lingon.data.files.labelled_texts import read_labelled_texts
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.open_parallel import ParallelReading
from lingon.data.files.table_rows import is_table
from lingon.data.load_data import numbers_as_labels, shared_texts, tell
from lingon.data.parallel_texts import Languages
from lingon.data.preview_parallel import is_parallel, show_parallel_corpus, show_parallel_files
from lingon.data.preview_questions import holds_questions, show_question_corpus, show_question_file
from lingon.data.preview_scenes import show_scenes
from lingon.data.preview_trees import holds_trees_alone, show_tree_file, show_treebank
from lingon.data.running_text import GROUPS

BAR = 40  # characters of the longest bar


def preview(
    name: str,
    text: str | None = None,
    label: str | None = None,
    samples: int = 3,
    on_bad_row: OnBadRow = "stop",
    accept_licence: bool = False,
    options: FileOptions = FileOptions(),
    target: str | None = None,
    languages: Languages = (None, None),
) -> str:
    """Return samples, label counts and a histogram of lengths, of a corpus or of a file.

    target, languages: of parallel texts, see `ParallelReading`.
    """
    for rows, show in NAMED:
        if name in rows:
            return show(name, samples)
    if name in TEXTS:
        return _text(name, samples, accept_licence)
    path, reading = Path(name), ParallelReading(text, target, languages, on_bad_row, options)
    if is_parallel(path, reading):
        return show_parallel_files(path, reading, samples)
    if label is None and holds_questions(path, options):
        return show_question_file(path, samples, on_bad_row, options)
    if holds_trees_alone(path, options):
        return show_tree_file(path, samples, options)
    if path.is_file() and not is_table(path, options):
        from lingon.data.preview_tagged import show_tagged_file

        return show_tagged_file(path, samples, on_bad_row, options)
    if not path.exists():
        raise UserError(f"{name!r} is neither a corpus nor a file; {suggest(name, [*CORPORA, *TEXTS, *PICTURES])}")
    examples, report = read_labelled_texts(name, text, label, on_bad_row, options=options)
    report.messages += numbers_as_labels(path, examples)
    tell(report)
    return _described([f"{printable(name)}: {counted(len(examples), 'text')}"], examples, samples)


def _described(head: list[str], examples: Examples, samples: int) -> str:
    """Return the head, and the preview of labelled texts."""
    return "\n".join([*head, "", *_labels(examples), "", *_lengths(examples), "", *_samples(examples, samples)])


def _corpus(name: str, samples: int) -> str:
    splits = load_corpus(name)
    head = [f"{name}: {CORPORA[name].summary}", f"licence: {CORPORA[name].licence}"]
    head += [f"train {len(splits.train):,}, valid {len(splits.valid):,}, test {counted(len(splits.test), 'text')}"]
    head += shared_texts(splits.train + splits.valid, splits.test)
    described = _described(head, splits.all(), samples)
    if name not in TAGGED:
        return described
    from lingon.data.preview_tagged import describe

    return "\n".join([described, "", *describe(load_tagged_corpus(name).all())])


def _text(name: str, samples: int, accept_licence: bool) -> str:
    head = [f"{name}: {TEXTS[name].summary}", f"licence: {TEXTS[name].licence}"]
    return _described(head, _by_part(name, accept_licence), samples)


def _pictures(name: str, samples: int) -> str:
    from lingon.data.preview_pictures import show_pictures

    return show_pictures(name, samples)


def _images(name: str, samples: int) -> str:
    from lingon.data.preview_images import show_images

    return show_images(name, samples)


def _weights(name: str, samples: int) -> str:
    return f"{name}: {WEIGHTS[name].summary}\nlicence: {WEIGHTS[name].licence}, which are:\n\n{terms_of(name)}"


def _encoder(name: str, samples: int) -> str:
    about = f"{name}: {ENCODERS[name].summary}\nlicence: {ENCODERS[name].licence}"
    return f"{about}\n\ntry: lingon evaluate {name} --data stsb"


def _image_weights(name: str, samples: int) -> str:
    row = IMAGE_WEIGHTS[name]
    return f"{name}: {row.summary}\nlicence: {row.licence}"


def _vectors(name: str, samples: int) -> str:
    raise UserError(f"{name!r} is a table of word vectors, not texts; use it with: lingon train ... --vectors {name}")


def _group(name: str, samples: int) -> str:
    raise UserError(f"{name!r} stands for several texts; show one of {', '.join(GROUPS[name])}")


def _questions(name: str, samples: int) -> str:
    found = load_questions(name)
    head = [f"{name}: {QUESTIONS[name].summary}", f"licence: {QUESTIONS[name].licence}"]
    return "\n".join([*head, counted(len(found), "question"), *(" ".join(map(str, q)) for q in found[:samples])])


def _tagged(name: str, samples: int) -> str:
    from lingon.data.preview_tagged import show_tagged_corpus

    return show_tagged_corpus(name, samples)


def _collection(name: str, samples: int) -> str:
    """Return counts and some queries of a collection for search, each with the title of a relevant document."""
    found = load_collection(name)
    titles = {document.number: document.title for document in found.documents}
    judged = sum(map(len, found.judgements.values()))
    head = [f"{name}: {RETRIEVAL[name].summary}", f"licence: {RETRIEVAL[name].licence}"]
    head.append(
        f"{counted(len(titles), 'document')}, {counted(len(found.queries), 'query')}, {counted(judged, 'judgement')}"
    )
    for number, query in list(found.queries.items())[:samples]:
        relevant = [d for d, relevance in found.judgements.get(number, {}).items() if relevance > 0]
        first = f": {titles.get(relevant[0], '')}" if relevant else ""
        head += ["", printable(f"[{number}] {query}"), printable(f"    {len(relevant)} relevant documents{first}")]
    return "\n".join(head)


def _pairs(name: str, samples: int) -> str:
    """Return the preview of scored pairs: their number, and some of them."""
    row, found = SCORED_PAIRS[name], load_scored_pairs(name)
    parts = f"train {len(found.train):,}, valid {len(found.valid):,}, test {counted(len(found.test), 'pair')}"
    some = found.test[:samples]
    rows = zip(some.scores, some.first, some.second, strict=True)
    shown = [f"[{score:g}] {printable(first)} | {printable(second)}" for score, first, second in rows]
    return "\n".join([f"{name}: {row.summary}", f"licence: {row.licence}", parts, "", *shown])


def _by_part(name: str, accept_licence: bool) -> Examples:
    """Return the documents of a text corpus, labelled by the part they belong to."""
    pairs = [(text, part) for part in ("train", "valid", "test") for text in load_text(name, part, accept_licence)]
    return Examples([text for text, _ in pairs], [part for _, part in pairs])


def _labels(examples: Examples, most: int = 25) -> list[str]:
    counts = sorted(examples.label_counts().items(), key=lambda pair: -pair[1])
    if not counts and examples.labels:
        return [f"numbers: {min(examples.labels):g} to {max(examples.labels):g}, mean {fmean(examples.labels):.4g}"]
    lines = ["labels:", *(f"  {padded(label, 30, 30)} {n:7,} {_bar(n, counts[0][1])}" for label, n in counts[:most])]
    return lines + ([f"  ... and {len(counts) - most:,} more"] if len(counts) > most else [])


def _lengths(examples: Examples) -> list[str]:
    """Return a histogram over words per text, each bin twice as wide as the one before."""
    lengths = sorted(len(t.split()) for t in examples.texts)
    middle = lengths[len(lengths) // 2]
    bins: dict[int, int] = {}
    for n in lengths:
        bins[n.bit_length()] = bins.get(n.bit_length(), 0) + 1
    top = max(bins.values())
    lines = [f"words per text: median {middle:,}, longest {lengths[-1]:,}"]
    for b in range(min(bins), max(bins) + 1):
        low, high = (1 << b) >> 1, max(0, (1 << b) - 1)
        lines.append(f"  {low:>7,} - {high:<7,} {bins.get(b, 0):7,} {_bar(bins.get(b, 0), top)}")
    return lines


def _samples(examples: Examples, count: int, width: int = 300) -> list[str]:
    step = max(1, len(examples) // max(1, count))
    lines = []
    for i in list(range(0, len(examples), step))[:count]:
        # Untrusted texts may contain control codes that a terminal would execute.
        text = " ".join("".join(c if c.isprintable() else " " for c in examples.texts[i]).split())
        label = examples.labels[i]
        shown = " | ".join(label) if isinstance(label, tuple) else label
        rating = "" if examples.ratings is None else f" ({examples.ratings[i]:+.1f})"
        lines += [f"[{printable(shown)}{rating}] {text[:width]}{'...' if len(text) > width else ''}", ""]
    return lines[:-1]


def _bar(count: int, top: int) -> str:
    return "#" * round(BAR * count / max(1, top))


# Previews of named data, by the tables of names; if a name is in two tables, the first one counts.
NAMED: Sequence[tuple[Container[str], Callable[[str, int], str]]] = (
    (CORPORA, _corpus),
    (PICTURES, _pictures),
    (("scenes",), show_scenes),
    (IMAGES, _images),
    (WEIGHTS, _weights),
    (ENCODERS, _encoder),
    (IMAGE_WEIGHTS, _image_weights),
    (SCORED_PAIRS, _pairs),
    (VECTORS, _vectors),
    (QUESTIONS, _questions),
    (RETRIEVAL, _collection),
    (QUESTION_ANSWERING, show_question_corpus),
    (PARALLEL, show_parallel_corpus),
    (TREES, show_treebank),
    (TAGGED, _tagged),
    (GROUPS, _group),
)
