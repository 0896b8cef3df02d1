"""Files and trees of public repositories, from a server of ours that can fail in every way there is."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time

import pytest

from lingon.core.errors import DataError, FetchError, NoNetwork
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.sources import RepositoryFiles, RepositoryTree, https
from lingon.data.sources.repositories import listing_sha256, pack
from tests.data.conftest import send

ONE, TWO = b"one file " * 31_013, b"another"  # the first is more than one piece of 64 kB
COMMIT = "c0ffee" + "0" * 34


def sha(data):
    return hashlib.sha256(data).hexdigest()


FILES = RepositoryFiles("owner/name", COMMIT, (("in/a b.txt", len(ONE), sha(ONE)), ("in/deep/two", len(TWO), sha(TWO))))
URL = f"/owner/name/{COMMIT}/in/a%20b.txt"
OTHER = f"/owner/name/{COMMIT}/in/deep/two"

# A process that fetches FILES from the address in its first argument.
FETCHER = f"""
import sys
from lingon.data.fetch import fetch
from lingon.data.sources import RepositoryFiles, https
https.FILES_AT = sys.argv[1]
print(fetch(RepositoryFiles{(FILES.repository, FILES.commit, FILES.files)}))
"""


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != ".lock")


def test_files_are_fetched_once_at_their_commit_and_a_parser_gets_their_folder(host, own_cache):
    host.answers = {URL: ONE, OTHER: TWO}
    folder = fetch(FILES)
    assert folder == own_cache / "repositories" / "owner" / "name" / COMMIT
    assert ((folder / "in/a b.txt").read_bytes(), (folder / "in/deep/two").read_bytes()) == (ONE, TWO)
    assert host.asked == [URL, OTHER]
    assert FILES.cached
    fetch(FILES)
    assert host.asked == [URL, OTHER]
    (folder / "in/deep/two").write_bytes(b"damaged")
    fetch(FILES)
    assert host.asked == [URL, OTHER, OTHER]
    assert files(folder) == ["in/a b.txt", "in/deep/two"]


def test_where_they_come_from_is_kept_whole():
    assert FILES.provenance() == {
        "repository": "owner/name",
        "commit": COMMIT,
        "files": [
            {"path": "in/a b.txt", "bytes": 279_117, "sha256": sha(ONE)},
            {"path": "in/deep/two", "bytes": 7, "sha256": sha(TWO)},
        ],
    }
    assert FILES.sha256 == sha(f"{sha(ONE)}  in/a b.txt\n{sha(TWO)}  in/deep/two\n".encode())


def chunked(handler):
    """Ends in the middle of a chunk."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"fffff\r\n" + ONE[:999])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda h: send(h, ONE[:70_001], len(ONE)), r"ended after 70,001 of 279,117 bytes"),
        (lambda h: send(h, ONE[:70_001]), r"ended after 70,001 of 279,117 bytes"),
        (chunked, r"IncompleteRead|ended after"),
        (lambda h: send(h, b"busy", status=503), r"HTTP 503 Service Unavailable"),
        (lambda h: h.connection.close(), r"closed connection|reset|Bad file descriptor|ended"),
    ],
    ids=["cut", "cut-at-the-source", "chunk", "busy", "closed"],
)
def test_a_line_that_breaks_is_tried_again_three_times_in_all(host, own_cache, bad, message):
    host.answers = {URL: bad, OTHER: TWO}
    with pytest.raises(FetchError, match=f"intents: owner/name@c0ffee0/in/a b.txt could not be fetched .*({message})"):
        fetch(FILES, "intents")
    assert host.asked == [URL] * 3
    assert files(own_cache) == []

    def twice(handler):
        if len(host.asked) == 6:
            send(handler, ONE)
        else:
            bad(handler)

    host.answers[URL] = twice
    assert (fetch(FILES) / "in/a b.txt").read_bytes() == ONE
    assert host.asked == [URL] * 6 + [OTHER]


def test_what_is_not_the_file_never_reaches_the_cache(host, own_cache):
    host.answers = {URL: ONE[::-1]}
    with pytest.raises(DataError, match=r"owner/name@c0ffee0/in/a b.txt: sha256 is [0-9a-f]{12}..., expected"):
        fetch(FILES)
    host.answers = {URL: lambda h: send(h, ONE * 7)}
    with pytest.raises(FetchError, match=r"a b.txt: more than 279,117 bytes came; do not use it"):
        fetch(FILES)
    assert files(own_cache) == []


def test_a_file_that_is_gone_is_asked_for_once(host):
    with pytest.raises(FetchError, match="HTTP 404 Not Found"):
        fetch(FILES)
    assert host.asked == [URL]


def test_a_server_that_is_silent_is_left(host, monkeypatch):
    monkeypatch.setattr(https, "SILENCE", 0.1)
    host.answers = {URL: lambda h: time.sleep(1)}
    with pytest.raises(FetchError, match=r"could not be fetched \(.*timed out"):
        fetch(FILES)


def test_without_a_network_one_line_says_what_where_and_what_to_do(no_network, own_cache):
    with pytest.raises(NoNetwork) as caught:
        fetch(FILES, "intents")
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith("intents: owner/name@c0ffee0/in/a b.txt could not be fetched (Connection refused). ")
    assert "LINGON_MIRROR is not set. With a network, run: lingon data get intents. " in said
    assert "`lingon data mirror FOLDER intents`" in said
    assert said.endswith(f"put a b.txt into {own_cache / 'repositories/owner/name' / COMMIT / 'in'}")


def test_a_full_disk_is_not_taken_for_a_missing_network(host, monkeypatch):
    host.answers = {URL: ONE}

    def full(file, mode):
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(https, "open", full, raising=False)
    with pytest.raises(OSError, match="No space left on device"):
        fetch(FILES)


def start(host, own_cache):
    environment = {**os.environ, "LINGON_CACHE": str(own_cache)}
    words = [sys.executable, "-c", FETCHER, host.url]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


def test_killed_half_way_leaves_no_half_file(host, own_cache):
    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(ONE)))
        handler.end_headers()
        handler.wfile.write(ONE[:100_003])
        handler.wfile.flush()
        time.sleep(2)

    host.answers = {URL: half, OTHER: TWO}
    process = start(host, own_cache)
    while not any(p.name == "came" and p.stat().st_size for p in own_cache.rglob("*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not FILES.artifacts[0].path.exists()
    host.answers[URL] = ONE
    fetch(FILES)
    assert files(FILES.path) == ["in/a b.txt", "in/deep/two"]


def test_two_processes_at_once_fetch_once(host, own_cache):
    def slowly(handler):
        time.sleep(0.5)
        send(handler, ONE)

    host.answers = {URL: slowly, OTHER: TWO}
    both = [start(host, own_cache) for _ in range(2)]
    assert [p.communicate(timeout=60)[0].strip() for p in both] == [str(FILES.path)] * 2
    assert sorted(host.asked) == [URL, OTHER]


TREE_FILES = {"LICENSE": b"free", "data/a": b"first", "data/sub/b": b"second\n"}
LISTING = "".join(f"{sha(data)}  {path}\n" for path, data in sorted(TREE_FILES.items()))
TREE = RepositoryTree("owner/name", COMMIT, ("data/", "LICENSE"), 10_240, sha(LISTING.encode()))
TREE_URL = f"/owner/name/tar.gz/{COMMIT}"


def tarball(extra=()):
    """A repository as its host packs it: in a folder, with a global header, and with what is not wanted."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers={"comment": COMMIT}) as tar:
        for name, data in [*reversed(TREE_FILES.items()), ("README", b"no"), ("src/data/x", b"no"), *extra]:
            entry = tarfile.TarInfo(f"name-{COMMIT}/{name}")
            entry.size, entry.mtime = len(data), 12345
            tar.addfile(entry, io.BytesIO(data))
        link = tarfile.TarInfo(f"name-{COMMIT}/link")
        link.type, link.linkname = tarfile.SYMTYPE, "../../etc"
        tar.addfile(link)
    return out.getvalue()


def test_a_tree_is_the_files_with_its_prefixes_in_one_tar(host):
    host.answers = {TREE_URL: tarball()}
    tar = fetch(TREE)
    assert tar == TREE.path
    assert tar.name == f"{TREE.sha256}.tar"
    assert dict(read_members(tar, ".*")) == TREE_FILES
    assert fetch(TREE) == tar
    assert host.asked == [TREE_URL]


def test_equal_trees_are_equal_tars_and_the_listing_is_in_order(tmp_path):
    pack(TREE_FILES.items(), tmp_path / "a")
    pack(reversed(TREE_FILES.items()), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert listing_sha256((p, sha(d)) for p, d in reversed(TREE_FILES.items())) == TREE.sha256


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ([("data/more", b"x")], r"owner/name@c0ffee0: sha256 of the tree's listing is .*; do not use it"),
        ([("data/../../../out", b"x")], "points outside the archive"),
        ([("data/a", b"first")], "occurs twice"),
    ],
    ids=["more", "out", "twice"],
)
def test_a_tree_that_is_another_or_leads_out_is_refused(host, own_cache, extra, message):
    host.answers = {TREE_URL: tarball(extra)}
    with pytest.raises(DataError, match=message):
        fetch(TREE)
    assert files(own_cache) == []
    assert not list(own_cache.parent.rglob("out"))
