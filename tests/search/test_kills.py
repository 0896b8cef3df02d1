"""An update that is killed at any moment leaves the old index or the new one, never a mix."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lingon.core.errors import UserError
from lingon.search import Index
from tests.search.toy import write_folder

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")


def kill(folder, count, seed):
    words = [sys.executable, "-m", "tests.search.kills", str(folder), str(count), str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_fork
def test_ten_kills(tmp_path):
    assert kill(tmp_path, 10, 0)["killed"] == 10


@needs_fork
@pytest.mark.long
def test_fifty_kills(tmp_path):
    found = kill(tmp_path, 50, 1)
    assert found["killed"] == 50
    assert found["old"] > 5  # both sides of the rename were met
    assert found["new"] > 5


def test_a_disk_that_is_full_leaves_the_old_index(tmp_path, monkeypatch):
    source = write_folder(tmp_path / "texts")
    index = Index.build(source, tmp_path / "index")
    before = sorted(p.name for p in index.folder.iterdir())
    (source / "a.txt").write_text("Else.")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            index.update()
    assert sorted(p.name for p in index.folder.iterdir()) == before
    assert Index.open(index.folder).search("fuel")[0].path == "a.txt"
    assert index.update().search("fuel") == []


def test_two_updates_at_once_are_refused(tmp_path):
    from lingon.core.files import locked

    source = write_folder(tmp_path / "texts")
    index = Index.build(source, tmp_path / "index")
    with locked(index.folder, "indexing"), pytest.raises(UserError, match="in use by another process"):
        index.update()


def test_who_opens_an_index_while_it_is_updated_gets_the_old_or_the_new_one(tmp_path):
    source = write_folder(tmp_path / "texts")
    index = Index.build(source, tmp_path / "index")

    def update_again_and_again():
        for turn in range(12):
            (source / "a.txt").write_text(f"Cars need fuel{turn % 2}.")
            index.update()

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(update_again_and_again)
        opened = 0
        while not work.done() or opened < 3:
            found = Index.open(index.folder)
            assert len(found.search("fuel fuel0 fuel1")) == 1
            opened += 1
        work.result()
