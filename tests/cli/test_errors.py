"""Each kind of failure has its exit code, and one line without a traceback."""

import errno

import pytest

from lingon.cli import app
from lingon.cli.errors import one_line
from lingon.core.errors import DataError, FetchError, Interrupted, NotFinite, RunError, UserError

CODES = {UserError: 2, DataError: 2, FetchError: 1, RunError: 1, NotFinite: 1, Interrupted: 130, RuntimeError: 1}


@pytest.mark.parametrize("kind", CODES)
def test_every_failure_is_one_line_with_its_code(kind):
    message, code = one_line(kind("what\nwhere"))
    assert code == CODES[kind]
    assert "what" in message
    assert ("unexpected" in message) == (kind is RuntimeError)


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 1), (errno.ENOENT, 2), (errno.EACCES, 2)])
def test_a_full_disk_is_ours_and_a_missing_file_the_users(number, code):
    message, found = one_line(OSError(number, "Reason", "x.csv"))
    assert (message, found) == ("reason: x.csv", code)


def test_ctrl_c_says_where_a_run_was_saved(monkeypatch, capsys):
    def stopped(*given):
        raise Interrupted("stopped after step 7, saved in runs/x; resume to go on")

    monkeypatch.setattr("lingon.doctor.examine", stopped)
    with pytest.raises(SystemExit) as end:
        app.main(["doctor"])
    assert end.value.code == 130
    assert capsys.readouterr().err == "lingon: stopped after step 7, saved in runs/x; resume to go on\n"
