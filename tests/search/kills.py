"""Updates of an index that are killed again and again: `python -m tests.search.kills FOLDER KILLS SEED`, one JSON line.

One process imports NumPy; each update is a fork of it that dies at some call inside it, or at some moment. After each
death the index is the old one or the new one, whole, and the next update ends.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path

from lingon.core import files
from lingon.search import Index, encoder, store, update
from tests.forked import forked
from tests.search.toy import ToyEncoder

SEAMS = (
    (os, "fsync"),
    (os, "replace"),
    (os, "unlink"),
    (store, "remove_unnamed"),
    (store, "sync_folder"),
    (files, "sync_folder"),
    (encoder, "_read"),
    (update, "forget_kept"),
    (update, "passages_of"),
)


def write_texts(folder: Path, version: int) -> None:
    """Three files: one that stays, one that changes, and one with the name of the version."""
    for old in folder.glob("*.txt"):
        old.unlink()
    (folder / "stays.txt").write_text("The same words as ever.")
    (folder / "changes.txt").write_text(f"version{version} is here. " * 3)
    (folder / f"new{version}.txt").write_text(f"only{version} and nothing else.")


def die_at(number: int) -> None:
    """SIGKILL this process at its `number`-th call of a function at a seam: before it or after."""
    count, how = 0, random.choice(["before", "after"])

    def deadly(function):
        def call(*given, **named):
            nonlocal count
            count += 1
            if count == number and how == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*given, **named)
            if count >= number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for module, name in SEAMS:
        setattr(module, name, deadly(getattr(module, name)))


def version_of(out: Path) -> int:
    """Return the version that the index has as a whole, by all that it finds; -1 where there is none."""
    if not (out / "manifest.json").exists():
        return -1
    index = Index.open(out, ToyEncoder(), "toy")
    names = sorted(row["path"] for row in index.files)
    version = int(names[1].removeprefix("new").removesuffix(".txt"))
    assert names == ["changes.txt", f"new{version}.txt", "stays.txt"], names
    assert [hit.path for hit in index.search(f"version{version}", mode="bm25")] == ["changes.txt"]
    assert index.search(f"only{version} and nothing else.", k=1, mode="vectors")[0].path == f"new{version}.txt"
    return version


def main(folder: Path, kills: int, seed: int) -> None:
    encoder.AT_ONCE = 1  # each text is kept by itself, so that there is more to be killed in
    source, out = folder / "texts", folder / "index"
    source.mkdir()

    def act():
        Index.build(source, out, ToyEncoder(), "toy")

    killed = version = old_ones = new_ones = 0
    before = -1
    write_texts(source, version)
    while killed < kills:
        random.seed(f"{seed} {killed} {version}")
        if random.random() < 0.25:
            ended = forked(act, kill_after=random.uniform(0.001, 0.06))
        else:
            at = random.randrange(1, 34)
            ended = forked(lambda at=at: (die_at(at), act()))
        found = version_of(out)
        assert found in (before, version), f"version {found}; expected {before} or {version}"
        assert found == version or not ended
        killed += not ended
        old_ones, new_ones = old_ones + (found != version and not ended), new_ones + (found == version and not ended)
        before = found
        if ended or found == version:
            forked(act)
            left = [p.name for p in out.rglob("*") if ".tmp-" in p.name or p.name == ".encoding"]
            assert not left, left
            assert len([p for p in out.iterdir() if p.name[0] != "."]) == 5, list(out.iterdir())
            version += 1
            write_texts(source, version)
    print(json.dumps({"killed": killed, "old": old_ones, "new": new_ones}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
