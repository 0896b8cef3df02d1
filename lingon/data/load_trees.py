"""Loads dependency trees, to train or evaluate a parser: a treebank by name, or the user's CoNLL-U files."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError, UserError, no_file, suggest, unknown
from lingon.core.files import sha256_of
from lingon.core.seed import derive
from lingon.data.corpora.treebanks import TREES, treebank_files
from lingon.data.files.conllu import BrokenSentence, read_conllu_sentences
from lingon.data.files.lines import OnBadRow
from lingon.data.files.part_files import named_parts
from lingon.data.left_out import LeftOut
from lingon.data.load_data import PARTS, SHARE, shared_keys, tell_lines
from lingon.data.trees import Tree, TreeSplits

__all__ = ["load_tree_splits", "load_trees"]

ENDINGS = (".conllu", ".conllu.gz", ".conllu.xz")


def load_tree_splits(
    name_or_path: str | Path,
    test: str | Path | None = None,
    valid: str | Path | None = None,
    encoding: str = "utf-8",
    on_bad_row: OnBadRow = "stop",
) -> TreeSplits:
    """Return training, validation and test trees of a treebank, a CoNLL-U file, or a folder of such files.

    In a folder, the names of the files tell the part: train, dev or valid, test. test, valid: files to test and
    validate on. By default a fifth of the sentences is held out for the test, and a tenth of the others for validation,
    always the same ones; equal sentences stay together. on_bad_row: "stop" raises at the first sentence that is broken
    or has no tree, "skip" leaves it out; their number is reported, and stored in `source["skipped"]`.
    Raises UserError for other data, and for a treebank without a training part; DataError with file and line.
    """
    name = str(name_or_path)
    if name in TREES and (test or valid or encoding != "utf-8"):
        raise UserError(f"{name!r} is a treebank with fixed splits; leave --test, --valid and --encoding out")
    files = dict(_files_of(name))
    files |= {part: Path(given) for part, given in (("test", test), ("valid", valid)) if given is not None}
    if "train" not in files:
        hint = f"test on it: lingon evaluate BUNDLE --data {name}"
        raise UserError(f"{name!r} has no training part, only {', '.join(files)}; {hint}")
    left = {part: LeftOut(file, on_bad_row) for part, file in files.items()}
    found = {part: _read(file, encoding, left[part]) for part, file in files.items()}
    own = [] if name in TREES else [part for part in ("test", "valid") if part in files]
    for part in ("test", "valid"):
        if part not in found:
            found["train"], found[part] = _cut(found["train"], SHARE[part], part)
    for part, trees in found.items():
        if not trees:
            first = next((f"; {one.first}" for one in left.values() if one.count), "")
            raise DataError(
                f"{files.get(part, name)}: no sentences for {part}; at least three different ones are needed{first}"
            )
    _tell_shared(found, own)
    source: dict[str, Any] = {"name": Path(name).name}
    if name in TREES:
        source |= {**TREES[name].source.provenance(), "licence": TREES[name].licence}
    else:
        source |= {"files": {part: {"name": f.name, "sha256": sha256_of(f)} for part, f in files.items()}}
    source |= {"skipped": skipped} if (skipped := sum(one.count for one in left.values())) else {}
    source |= {part: len(found[part]) for part in PARTS}
    source["sha256"] = checksum([tree for part in PARTS for tree in found[part]])
    return TreeSplits(found["train"], found["valid"], found["test"], Path(name).name, source)


def load_trees(
    name_or_path: str | Path, part: str | None = None, encoding: str = "utf-8", on_bad_row: OnBadRow = "stop"
) -> list[Tree]:
    """Return trees to evaluate a parser on: a treebank's test part, or all of a file; `part` selects another one.

    part: "train", "valid" or "test", as `load_tree_splits` divides, or "all". on_bad_row: as there.
    """
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    files = _files_of(str(name_or_path))
    if part is None:
        part = "test" if "test" in files else "all"
    if part == "all":
        found = [tree for file in files.values() for tree in _read(file, encoding, LeftOut(file, on_bad_row))]
    elif part in files and (len(files) > 1 or "train" not in files):
        found = _read(files[part], encoding, LeftOut(files[part], on_bad_row))
    elif "train" in files:
        found = getattr(load_tree_splits(name_or_path, encoding=encoding, on_bad_row=on_bad_row), part)
    else:
        raise UserError(f"{str(name_or_path)!r} has no part {part!r}, only {', '.join(files)}")
    if not found:
        raise DataError(f"{name_or_path}: no sentences in it")
    return found


def checksum(trees: Sequence[Tree]) -> str:
    """Return the sha256 of the words, heads and relations of trees in their order."""
    digest = hashlib.sha256()
    for tree in trees:
        digest.update(json.dumps((tree.words, tree.heads, tree.relations)).encode())
    return digest.hexdigest()


def _files_of(name: str) -> dict[str, Path]:
    """Return the file of each part; a single file is the training part until others are held out."""
    if name in TREES:
        return treebank_files(name)
    path = Path(name)
    if path.is_file():
        return {"train": path}
    if not path.is_dir():
        raise UserError(f"{name!r} is neither a treebank nor a file; {suggest(path.name, TREES)}")
    found = {part: file for part, file in named_parts(path).items() if file.name.endswith(ENDINGS)}
    if not found:
        raise UserError(f"{name}: no .conllu file in it with train, dev or test in its name; give a file")
    return found


def _tell_shared(found: dict[str, list[Tree]], parts: Sequence[str]) -> None:
    """Report how many sentences of these parts are also in training."""
    keys = {part: [" ".join(tree.words) for tree in trees] for part, trees in found.items()}
    for part in parts:
        tell_lines(shared_keys(keys["train"], keys[part], f"{part} sentences"))


def _read(file: Path, encoding: str, left: LeftOut) -> list[Tree]:
    """Return the trees of a file, without sentences that have only comments and no words."""
    if not file.is_file():
        raise no_file(file)
    found = []
    for sentence in read_conllu_sentences(file, encoding):
        if isinstance(sentence, BrokenSentence):
            left.add(sentence.error)
        elif sentence.word_rows:
            try:
                found.append(sentence.tree)
            except DataError as error:
                left.add(error)
    tell_lines(left.messages())
    return found


def _cut(trees: list[Tree], share: float, purpose: str) -> tuple[list[Tree], list[Tree]]:
    """Hold out a share of the distinct sentences, chosen by the sentence alone; at least one is on each side."""
    order = sorted({tree.words for tree in trees}, key=lambda words: derive(0, purpose, *words))
    cut = set(order[: min(len(order) - 1, max(1, round(share * len(order))))])
    return [t for t in trees if t.words not in cut], [t for t in trees if t.words in cut]
