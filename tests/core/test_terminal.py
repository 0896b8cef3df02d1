"""What a terminal would obey is shown instead, and nothing else is touched."""

import io
import json
import unicodedata

from lingon.core.progress import track
from lingon.core.terminal import Screen, printable


def test_every_control_character_is_shown_and_no_other_one_is_changed():
    for code in range(0x110000):
        letter = chr(code)
        shown = unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")  # controls, half pairs, ends of lines
        assert printable(letter) == (f"\\u{code:04x}" if shown else letter)


def test_json_reads_back_what_was_there():
    text = "".join(map(chr, range(0x100)))
    assert json.loads(printable(json.dumps(text, ensure_ascii=False))) == text


def test_lines_and_tabs_stay_where_a_text_has_lines():
    assert printable("a\tb\nc\rd", lines=True) == "a\tb\nc\\u000dd"


def test_a_screen_is_the_stream_but_for_what_it_writes():
    inside = io.StringIO()
    screen = Screen(inside)
    assert screen.write("a\x1bb") == 3
    screen.writelines(["c\n", "\x07"])
    assert screen.getvalue() == "a\\u001bbc\n\\u0007"
    assert screen.isatty() is False
    assert screen.rich_proxied_file is inside


def test_progress_on_a_terminal_says_texts_as_they_are(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    with track(3, "reading \x1b]0;mine\x07[red]x.txt") as bar:
        bar.say("row \x1b[2J")
        bar.advance()
    said = screen.getvalue()
    assert "row \\u001b[2J" in said
    assert "\x1b]0;mine" not in said
    assert "\x07" not in said


def test_the_table_of_a_sweep_shows_names_as_they_are():
    from lingon.recipes.sweep import sweep_table

    said = sweep_table([{"data": "x\x1b]0;mine\x07[red].csv", "valid accuracy": 0.5}], "accuracy")
    assert "\x07" not in said
    assert "\\u0007[red].csv" in said
