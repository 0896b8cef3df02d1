"""Loads tagged sentences, to train or evaluate on: a corpus by name, or a file or folder of the user."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of, suggest, too_few, unknown
from lingon.core.files import sha256_of
from lingon.data.corpora.sentences import TAGGED, load_tagged_corpus
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.files.part_files import part_files
from lingon.data.load_data import PARTS, SHARE, shared_keys, tell_lines
from lingon.data.read_tagged import TaggedReport, read_tagged
from lingon.data.split import cut_rows, key_of
from lingon.data.tag_schemes import Scheme, split_tag
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences, TaggedSplits


def load_tagged_splits(
    name_or_path: str | Path,
    test: str | Path | None = None,
    column: str | None = None,
    tag_scheme: Scheme | None = None,
    on_bad_row: OnBadRow = "stop",
    seed: int = 0,
    options: FileOptions = FileOptions(),
    valid: str | Path | None = None,
) -> TaggedSplits:
    """Return training, validation and test sentences of a corpus or of a file.

    test, valid: files with the test and validation sentences; without them a fifth is held out, and a tenth of the
    rest, unless a folder holds train, test and maybe valid or dev (see `part_files`). Equal sentences stay together.
    column, tag_scheme, on_bad_row: see `read_tagged`. What was detected, repaired and skipped is reported on stderr.
    Raises UserError for other data, and for a corpus without a training part.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if name in TAGGED:
        _refuse_flags(name, {"--test": test, "--valid": valid, "--tag-scheme": tag_scheme}, options)
        return _to_train_on(load_tagged_corpus(name, column))
    _refuse_missing(name, path)
    if test is None and (parts := part_files(path)):
        path, test, valid = parts["train"], parts["test"], valid or parts.get("valid")
    read = partial(read_tagged, column=column, tag_scheme=tag_scheme, on_bad_row=on_bad_row, options=options)
    sentences, report = read(path)
    found = {"train": sentences}
    for part, file in (("test", test), ("valid", valid)):
        if file is not None:
            found[part], other = read(Path(file))
            report.messages += other.messages
            report.messages += strange_tags(found[part], sentences, Path(file).name)
        else:
            found["train"], found[part] = _cut(found["train"], SHARE[part], seed, part)
    if not len(found["valid"]) or not len(found["test"]):
        raise DataError(
            f"{path}: {too_few(len({*_keys(sentences)}), 'different sentence')}; three parts need three or more"
        )
    report.messages += _shared(found["train"] + found["valid"], found["test"], "test")
    report.messages += _shared(found["train"], found["valid"], "validation") if valid else []
    tell_lines(report.messages)
    source = _source(Path(name).name, path, report, column, found)
    source |= {f"{part}_file": Path(file).name for part, file in (("valid", valid), ("test", test)) if file is not None}
    return TaggedSplits(found["train"], found["valid"], found["test"], Path(name).name, source)


def load_tagged(
    name_or_path: str | Path,
    part: str | None = None,
    column: str | None = None,
    tag_scheme: Scheme | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
) -> TaggedSentences:
    """Return sentences to score a tagger on: a corpus's test part, or all of a file; `part` selects another one.

    part: "train", "valid" or "test", as `load_tagged_splits` divides, or "all". column, tag_scheme, on_bad_row: see
    `read_tagged`.
    """
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    name, path = str(name_or_path), Path(name_or_path)
    if name in TAGGED:
        _refuse_flags(name, {"--tag-scheme": tag_scheme}, options)
        if part in PARTS and part not in TAGGED[name].parts:
            raise UserError(f"--split {part}: {name!r} has no such part; it has {one_of(TAGGED[name].parts)}")
        wanted = PARTS if part == "all" else (part or "test",)
        return load_tagged_corpus(name, column, wanted).all()
    _refuse_missing(name, path)
    if part in PARTS or part_files(path):
        splits = load_tagged_splits(path, None, column, tag_scheme, on_bad_row, options=options)
        return splits.all() if part == "all" else getattr(splits, part or "test")
    sentences, report = read_tagged(path, column, tag_scheme, on_bad_row, options)
    if part is None:
        report.say(f"all {counted(len(sentences), 'sentence')}; --split test uses only those held out from training")
    tell_lines(report.messages)
    return sentences


def _refuse_flags(name: str, flags: dict[str, Any], options: FileOptions) -> None:
    given = [flag for flag, value in flags.items() if value is not None]
    given += ["--encoding and --quoting"] if options.given else []
    if given:
        raise UserError(f"{name!r} is a corpus with fixed tags and splits; leave {', '.join(given)} out")


def _refuse_missing(name: str, path: Path) -> None:
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(
            f"{name!r} is neither a corpus of tagged sentences nor a file; {suggest(path.name, [*TAGGED, *beside])}"
        )


def _to_train_on(splits: TaggedSplits) -> TaggedSplits:
    if len(splits.train) and len(splits.valid) and len(splits.test):
        return splits
    has = one_of(TAGGED[splits.name].parts)
    raise UserError(f"{splits.name!r} has the part {has} alone; train on another corpus and evaluate on it")


def strange_tags(sentences: TaggedSentences, train: TaggedSentences, name: str) -> list[str]:
    """Return a message about tags that no training sentence has, which no tagger can learn."""
    known = set(train.tag_counts())
    strange = [tag for tag in sentences.tag_counts() if tag not in known]
    return [f"{name}: tags that no training sentence has: {one_of(strange)}"] if strange else []


def _keys(sentences: TaggedSentences) -> list[str]:
    return [key_of(" ".join(sentence.words)) for sentence in sentences]


def _strata(sentences: TaggedSentences) -> list[str]:
    """Return the stratum of each sentence for a stratified division.

    It is its label, or else the rarest type of its spans; if tags are not spans, all sentences are one stratum.
    """
    if sentences.labels is not None:
        return sentences.labels
    if not sentences.is_spans:
        return [""] * len(sentences)
    types = [_types(sentence) for sentence in sentences]
    counts = Counter(kind for found in types for kind in found)
    return [min(found, key=lambda kind: (counts[kind], kind), default="") for found in types]


def _types(sentence: TaggedSentence) -> set[str]:
    return {split_tag(tag)[1] for tag in sentence.tags if tag != "O"}


def _cut(sentences: TaggedSentences, share: float, seed: int, purpose: str) -> tuple[TaggedSentences, TaggedSentences]:
    """Return the remaining sentences, and those that were held out."""
    cut = cut_rows(_keys(sentences), _strata(sentences), share, seed, purpose)
    return sentences[[i for i in range(len(sentences)) if i not in cut]], sentences[sorted(cut)]


def _shared(train: TaggedSentences, test: TaggedSentences, name: str) -> list[str]:
    return shared_keys(_keys(train), _keys(test), f"{name} sentences")


def _source(
    name: str, path: Path, report: TaggedReport, column: str | None, parts: dict[str, TaggedSentences]
) -> dict[str, Any]:
    together = [sentence for part in PARTS for sentence in parts[part]]
    return {
        "name": name,
        "form": report.form,
        **({} if column is None else {"column": column}),
        "tag_scheme": report.scheme,
        "skipped": report.skipped,
        "repaired": report.repaired,
        "file_sha256": sha256_of(path) if path.is_file() else None,
        **{part: len(parts[part]) for part in PARTS},
        "sha256": TaggedSentences(together).checksum(),
    }
