"""Each kind of failure has its exit code, and one line without a traceback."""

import errno
import json
import os
import pty
import subprocess
import sys

import pytest

from lingon.checkpoints.bundle import save_bundle
from lingon.cli import app
from lingon.cli.errors import error_line
from lingon.core.errors import DataError, FetchError, Interrupted, NotFinite, RunError, UserError
from lingon.data.tokenizers import words
from lingon.models.registry import build
from lingon.tasks.classify import Classifier

CODES = {UserError: 2, DataError: 2, FetchError: 1, RunError: 1, NotFinite: 1, Interrupted: 130, RuntimeError: 1}


@pytest.mark.parametrize("kind", CODES)
def test_every_failure_is_one_line_with_its_code(kind):
    message, code = error_line(kind("what\nwhere"))
    assert code == CODES[kind]
    assert "what" in message
    assert ("unexpected" in message) == (kind is RuntimeError)


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 1), (errno.ENOENT, 2), (errno.EACCES, 2)])
def test_a_full_disk_is_ours_and_a_missing_file_the_users(number, code):
    message, found = error_line(OSError(number, "Reason", "x.csv"))
    assert (message, found) == ("reason: x.csv", code)


def test_ctrl_c_says_where_a_run_was_saved(monkeypatch, capsys):
    def stopped(*given):
        raise Interrupted("stopped after step 7, saved in runs/x; resume to continue")

    monkeypatch.setattr("lingon.doctor.examine", stopped)
    with pytest.raises(SystemExit) as end:
        app.main(["doctor"])
    assert end.value.code == 130
    assert capsys.readouterr().err == "lingon: stopped after step 7, saved in runs/x; resume to continue\n"


# Sets the title of a window, clears it, begins a new line: what a terminal obeys, in seven and in eight bits.
HOSTILE = "up\x1b]0;mine\x07\x1b[2J\x9b31m\x7f\r\nnext"
OBEYED = {*range(0x20), 0x7F, *range(0x80, 0xA0)} - {ord("\n"), ord("\t")}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A bundle whose labels a terminal would obey, and a csv with such texts, labels and names of columns."""
    folder = tmp_path_factory.mktemp("hostile")
    tokenizer = words(["good bad"])
    model = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 7})
    save_bundle(Classifier(model.eval(), tokenizer, [HOSTILE, "<b>*down*"], 11), "bag", folder / "bundle", {})
    rows = [f'"good {HOSTILE} {i}","{HOSTILE}"\n"bad {i}","down"\n' for i in range(5)]
    (folder / "rows.csv").write_text('"text","label","\x1b[2Jother"\n' + "".join(r.replace("\n", ",x\n") for r in rows))
    (folder / "other.csv").write_text('"\x1b[2Jone","\x1b[2Jtwo","three"\na,b,c\nd,e,f\n')
    return folder


def asked(hostile, capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        app.main([str(a).replace("HERE", str(hostile)) for a in arguments])
    said = capsys.readouterr()
    return end.value.code, said.out, said.err


COMMANDS = {
    "predict": (0, ["predict", "HERE/bundle", HOSTILE]),
    "predict --words": (0, ["predict", "HERE/bundle", "good " + HOSTILE, "--words"]),
    "predict --format jsonl": (0, ["predict", "HERE/bundle", HOSTILE, "--format", "jsonl"]),
    "a file that is not there": (2, ["predict", "HERE/bundle", "--file", "no\x1b[2J\x9b.txt"]),
    "an unknown name": (2, ["data", "get", "no\x1b[2J"]),
    "an unknown option": (2, ["predict", "--no\x1b[2J"]),
    "an unknown command": (2, ["no\x1b[2J"]),
    "columns": (2, ["data", "show", "HERE/other.csv"]),
    "data show": (0, ["data", "show", "HERE/rows.csv", "--text", "text", "--label", "label"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_control_sequence_of_a_text_reaches_the_terminal(name, hostile, capsys):
    code, arguments = COMMANDS[name]
    found, out, err = asked(hostile, capsys, *arguments)
    assert found == code, err
    said = out + err
    assert not OBEYED & {*map(ord, said)}, said
    assert "\\u001b" in said or "\\x1b" in said
    if code:
        assert err.count("\n") == 1
        assert err.startswith("lingon: ")


def test_a_label_with_a_line_break_keeps_one_line_a_text(hostile, capsys):
    _, out, _ = asked(hostile, capsys, "predict", "HERE/bundle", "good\nbad", "bad\u2028\x85good")
    assert len(out.splitlines()) == 2


def test_json_says_the_control_characters_that_it_writes_as_others_do(hostile, capsys):
    _, out, _ = asked(hostile, capsys, "predict", "HERE/bundle", HOSTILE, "--format", "jsonl")
    found = json.loads(out)
    assert found["text"] == HOSTILE
    assert found["label"] in (HOSTILE, "<b>*down*")


def test_the_model_card_shows_a_label_as_it_is(hostile):
    title = (hostile / "bundle" / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert title.endswith(r"or \<b\>\*down\*")
    assert "\x1b" not in title


def test_closed_standard_input_is_one_line(hostile):
    command = [sys.executable, "-m", "lingon", "predict", str(hostile / "bundle")]
    done = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "standard input is closed" in done.stderr


@pytest.mark.parametrize("flushed", [True, False])
def test_a_reader_that_has_seen_enough_is_no_fault(flushed, tmp_path):
    (tmp_path / "rows.csv").write_text("text,label\na fox,x\na hen,y\n")
    command = [sys.executable, *(["-u"] if flushed else []), "-m", "lingon", "data", "show", str(tmp_path / "rows.csv")]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr.count(b"\n") == 1
    assert b"texts from column" in done.stderr


def test_a_terminal_gets_no_control_sequence_of_a_text_either(hostile):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "lingon", "data", "show", str(hostile / "rows.csv"), "--text", "text"]
    done = subprocess.run(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, check=False)
    os.close(theirs)
    said = b""
    while chunk := _read(ours):
        said += chunk
    os.close(ours)
    assert done.returncode == 0
    assert b"\\u001b" in said
    assert b"\x1b" not in said
    assert b"\x9b" not in said.replace("\u2026".encode(), b"")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other side is closed
        return b""


def test_debug_is_in_the_help(capsys):
    with pytest.raises(SystemExit):
        app.main(["--help"])
    assert "--debug" in capsys.readouterr().out
