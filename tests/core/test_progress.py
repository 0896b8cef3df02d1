"""Progress: lines where there is no terminal, silence when asked, a bar on a terminal."""

import io

import pytest

from lingon.core import progress
from lingon.core.progress import clock, track


def test_lines_show_count_speed_and_numbers(monkeypatch, capsys):
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    monkeypatch.setattr(progress, "LINE", 0.0)
    with track(7, "training", "step", done=2) as bar:
        bar.advance(3, loss=0.25)
        bar.say("half of it")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("training: 5/7, ")
    assert lines[0].endswith("left, loss 0.25")
    assert lines[1] == "half of it"


def test_work_of_unknown_length_shows_count_and_speed_alone(monkeypatch, capsys):
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    monkeypatch.setattr(progress, "LINE", 0.0)
    with track(0, "encoding", "token") as bar:
        bar.advance(3)
    line = capsys.readouterr().err
    assert line.startswith("encoding: 3, ")
    assert line.endswith(" token/s\n")


def test_lines_come_now_and_then(monkeypatch, capsys):
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    with track(1000, "work") as bar:
        for _ in range(1000):
            bar.advance()
    assert capsys.readouterr().err == ""
    assert bar.done == 1000


def test_silence_when_asked(monkeypatch, capsys):
    monkeypatch.setenv("LINGON_QUIET", "1")
    monkeypatch.setattr(progress, "LINE", 0.0)
    with track(3, "work") as bar:
        bar.advance(3)
        bar.say("hello")
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("LINGON_QUIET", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr(progress, "REDRAW", 0.0)
    with track(4, "training", "step") as bar:
        bar.advance(2, loss=0.5)
        bar.say("[not markup]")
    written = progress.sys.stderr.getvalue()
    assert "training" in written
    assert "2/4" in written
    assert "[not markup]" in written


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3725, "1:02:05"), (float("inf"), "?")])
def test_times_are_readable(seconds, text):
    assert clock(seconds) == text
