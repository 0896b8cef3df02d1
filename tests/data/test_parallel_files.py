"""Forms of parallel texts: tables, translation memories and catalogues, also packed; what is refused of each."""

import gettext
import gzip
import io
import json
import struct

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.files.gettext import MAGIC, read_mo, read_po
from lingon.data.files.open_parallel import ParallelReading, open_parallel, partner_of
from lingon.data.languages import language_code
from lingon.data.read_parallel import read_parallel

PAIRS = [("A dog.", "Ein Hund."), ('He said "no".', "Er sagte „nein“."), ("1 < 2 & 3", "1 < 2 & 3 ü")]


def rows(path, **reading):
    return [tuple(pair) for pair in read_parallel(path, ParallelReading(**reading))[0]]


def tmx(path, units, head='<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'):
    body = "".join(
        "<tu>" + "".join(f'<tuv xml:lang="{lang}"><seg>{seg}</seg></tuv>' for lang, seg in unit) + "</tu>\n"
        for unit in units
    )
    path.write_text(f'{head}<tmx version="1.4"><header srclang="en"/><body>\n{body}</body></tmx>', encoding="utf-8")
    return path


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


@pytest.fixture(params=["tsv", "csv", "jsonl", "hub", "json", "txt", "tmx", "po", "aligned"])
def written(request, tmp_path):
    """The pairs in one of the forms: path and reading."""
    form = request.param
    path = tmp_path / f"a.{'jsonl' if form == 'hub' else form}"
    if form in ("tsv", "txt"):
        path.write_text("source\ttarget\n" * (form == "tsv") + "".join(f"{a}\t{b}\n" for a, b in PAIRS), "utf-8")
    elif form == "csv":
        cells = [[cell.replace('"', '""') for cell in pair] for pair in PAIRS]
        path.write_text("no,en,de\n" + "".join(f'{i},"{a}","{b}"\n' for i, (a, b) in enumerate(cells)), "utf-8")
    elif form == "jsonl":
        path.write_text("".join(json.dumps({"input": a, "x": 1, "output": b}) + "\n" for a, b in PAIRS), "utf-8")
    elif form == "hub":
        path.write_text("".join(json.dumps({"translation": {"en": a, "de": b}}) + "\n" for a, b in PAIRS), "utf-8")
    elif form == "json":
        path.write_text(json.dumps([{"src": a, "tgt": b} for a, b in PAIRS]), "utf-8")
    elif form == "tmx":
        tmx(path, [[("en-US", escaped(a)), ("de", escaped(b))] for a, b in PAIRS])
    elif form == "po":
        quoted = [[cell.replace('"', '\\"') for cell in pair] for pair in PAIRS]
        path.write_text("".join(f'msgid "{a}"\nmsgstr "{b}"\n\n' for a, b in quoted), "utf-8")
    else:
        for language, side in zip(("en", "de"), zip(*PAIRS, strict=True), strict=True):
            (tmp_path / f"a.{language}").write_text("".join(f"{text}\n" for text in side), "utf-8")
        path = tmp_path / "a"
    return path


def test_every_form_gives_the_same_pairs_also_packed(written):
    assert rows(written) == PAIRS
    files = [written] if written.is_file() else [written.with_name("a.en"), written.with_name("a.de")]
    for file in files:
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert rows(files[0].with_name(f"{files[0].name}.gz") if written in files else written) == PAIRS


def test_columns_are_chosen_by_name_or_number_and_a_wrong_one_is_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,eng,long,ger\n1,Yes.,Yes indeed.,Ja.\n")
    assert rows(path, text="long", target="ger") == [("Yes indeed.", "Ja.")]
    assert rows(path) == [("Yes.", "Ja.")]
    assert rows(path, languages=("de", "en")) == [("Ja.", "Yes.")]
    with pytest.raises(DataError, match=r"a\.csv: there is no column 'lon' for --text; did you mean 'long'\?"):
        rows(path, text="lon", target="ger")
    with pytest.raises(UserError, match="--text and --target both name the column 'long'"):
        rows(path, text="long", target="long")
    path.write_text("a,b,c\nx,y,z\n")
    with pytest.raises(DataError, match=r"not obvious which columns are source and target, of a, b, c; name them"):
        rows(path)
    plain = tmp_path / "b.tsv"
    plain.write_text("one\ttwo\tthree\n")
    assert rows(plain, text="3", target="1") == [("three", "one")]
    with pytest.raises(UserError, match=r"--text 3 and --target 4; expected two different columns of 1 to 3"):
        rows(plain, text="3", target="4")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tsv", "A.\tB.\nonly one\n", r"a\.tsv:2: 1 cell, expected 2 or more with tabs between"),
        ("a.tsv", "A.\tB.\nC.\t \n", r"a\.tsv:2: empty target"),
        ("a.tsv", "source\ttarget\nA.\tB.\nsource\ttarget\n", r"a\.tsv:3: the names of the columns again"),
        ("a.txt", "source\ttarget\nA.\tB.\nsource\ttarget\n", r"a\.txt:3: the names of the columns again"),
        ("a.tsv", "A.\tB.\n\tD.\n", r"a\.tsv:2: empty source"),
        ("a.jsonl", '{"source": "A", "target": "B"}\n{"source": "C"}\n', r"a\.jsonl:2: empty target"),
        ("a.jsonl", '{"source": "A", "target": ["B"]}\n', r"a\.jsonl:1: a list in column 'target', expected a string"),
        ("a.jsonl", '{"source": "A", "target": "\\ud800"}\n', r"a\.jsonl:1: a lone surrogate .* in the target"),
        ("a.tsv", "", r"a\.tsv: the file is empty"),
        ("a.tmx", "<tmx><body></body></tmx>", r"a\.tmx: no unit \(<tu>\) in it"),
        ("a.tmx", "<tmx>\n<body></tmx>", r"a\.tmx:2: not XML \(mismatched tag\)"),
        ("a.po", 'msgid "a"\nmsgstr b\n', r"a\.po:2: 'msgstr b'; expected msgid or msgstr and a quoted text"),
        ("a.mo", "msgid", r"a\.mo: not a compiled catalogue"),
    ],
)
def test_what_cannot_be_read_is_told_with_file_and_line(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said):
        rows(tmp_path / name)


def test_bad_rows_are_skipped_and_counted_where_that_is_asked_for(tmp_path):
    (tmp_path / "a.tsv").write_text("A.\tB.\nonly one\nC.\t\n")
    found, report = read_parallel(tmp_path / "a.tsv", ParallelReading(on_bad_row="skip"))
    assert (len(found), report.skipped) == (1, 2)


def test_an_empty_target_of_two_files_is_told_in_the_file_that_has_it(tmp_path):
    (tmp_path / "a.en").write_text("A.\nB.\n")
    (tmp_path / "a.de").write_text("A.\n\n")
    with pytest.raises(DataError, match=r"a\.de:2: empty target"):
        rows(tmp_path / "a")


def test_a_translation_memory_declares_no_entities(tmp_path):
    bomb = '<?xml version="1.0"?>\n<!DOCTYPE tmx [\n<!ENTITY a "aaaaaaaaaa">\n<!ENTITY b "&a;&a;">\n]>\n'
    with pytest.raises(DataError, match=r"a\.tmx:3: declares the entity 'a'; entities can grow without end"):
        rows(tmx(tmp_path / "a.tmx", [[("en", "&b;"), ("de", "x")]], bomb))
    outside = '<?xml version="1.0"?>\n<!DOCTYPE tmx [<!ENTITY a SYSTEM "/etc/hostname">]>\n'
    with pytest.raises(DataError, match=r"a\.tmx:2: declares the entity 'a'"):
        rows(tmx(tmp_path / "a.tmx", [[("en", "&a;"), ("de", "x")]], outside))


def test_of_a_memory_in_several_languages_two_are_chosen_and_codes_of_formats_are_no_text(tmp_path, capsys):
    unit = [
        ("en", "A <bpt i='1'>&lt;b></bpt>big<ept i='1'>&lt;/b></ept> <hi>dog</hi>."),
        ("fr", "Un chien."),
        ("de", "Hund"),
    ]
    path = tmx(tmp_path / "a.tmx", [unit, unit[:2]])
    assert rows(path, languages=("en", "fr")) == [("A big dog.", "Un chien.")] * 2
    assert rows(path, languages=("de", "en")) == [("Hund", "A big dog.")]
    with pytest.raises(UserError, match=r"has the languages en, fr, de; name those of the pairs with --source-lang"):
        rows(path)
    with pytest.raises(UserError, match=r"--target-lang es: .*a\.tmx has no such language; known: en, fr, de"):
        rows(path, languages=("en", "es"))


PO = r"""
# A comment
msgid ""
msgstr "Language: de\nContent-Type: text/plain; charset=UTF-8\n"

#: file.c:3
msgid "open"
msgstr "öffnen"

msgctxt "door"
msgid "open"
msgstr "offen"

msgid "one \"file\"\n"
msgid_plural "%d "
"files"
msgstr[0] "eine \"Datei\"\n"
msgstr[1] "%d Dateien"

msgid "not yet"
msgstr ""

#, c-format, fuzzy
msgid "guessed"
msgstr "geraten"

#~ msgid "old"
#~ msgstr "alt"
"""
MESSAGES = [("open", "öffnen"), ("open", "offen"), ('one "file"\n', 'eine "Datei"\n'), ("%d files", "%d Dateien")]


def mo(entries, order="<", charset="utf-8"):
    """Compile a catalogue by the manual: a header, two tables of lengths and offsets, and the texts."""
    sides = [[text.encode(charset) for text in side] for side in zip(*sorted(entries), strict=True)]
    count, data, tables = len(entries), b"", []
    start = 28 + 16 * count
    for side in sides:
        table = b""
        for text in side:
            table += struct.pack(f"{order}2I", len(text), start + len(data))
            data += text + b"\0"
        tables.append(table)
    return struct.pack(f"{order}7I", MAGIC, 0, count, 28, 28 + 8 * count, 0, 0) + b"".join(tables) + data


def test_a_catalogue_gives_what_is_translated_of_each_message(tmp_path):
    path = tmp_path / "de.po"
    path.write_text(PO, encoding="utf-8")
    file = open_parallel(path)
    assert file.languages == (None, "de")
    pairs = [(row.source, row.target) for row in file.read() if row.target]
    assert pairs == MESSAGES
    assert rows(path) == [(a.strip(), b.strip()) for a, b in MESSAGES]
    with pytest.raises(UserError, match="unknown --target-lang 'fr'; known: de"):
        open_parallel(path, ParallelReading(languages=("en", "fr")))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_a_compiled_catalogue_is_that_of_the_standard_library(tmp_path, order, charset):
    head = f"Language: de\nContent-Type: text/plain; charset={charset}\n"
    entries = [("", head), ("open", "öffnen"), ("door\x04open", "offen"), ("one\0%d files", "eine\0%d Dateien")]
    data = mo(entries, order, charset)
    (tmp_path / "de.mo").write_bytes(data)
    peer = gettext.GNUTranslations(io.BytesIO(data))
    found = {message.text: message.translations for message in read_mo(tmp_path / "de.mo") if message.text == "one"}
    assert found == {"one": [peer.ngettext("one", "%d files", n) for n in (1, 2)]}
    expected = [(peer.pgettext("door", "open")), peer.gettext("open")]
    pairs = rows(tmp_path / "de.mo")
    assert [target for source, target in pairs if source == "open"] == expected
    assert ("%d files", "%d Dateien") in pairs


def test_a_broken_compiled_catalogue_is_refused(tmp_path):
    data = mo([("", "x"), ("a", "b")])
    path = tmp_path / "a.mo"
    for broken, said in (
        (data[:20], "not a compiled catalogue"),
        (data[:8] + struct.pack("<I", 9_999_999) + data[12:], "a broken catalogue: 9,999,999 messages in"),
        (data[:-2], r"a\.mo: message 2: ends behind the end of the file"),
        (mo([("", "charset=idna"), ("a", "xn--b\x80")], charset="latin-1"), r"a\.mo: message 2: not idna"),
        (mo([("", "charset=undefined"), ("a", "\xff")], charset="latin-1"), r"a\.mo: message 2: not utf-8"),
        (
            _each_is_all_texts(mo([(str(i), "") for i in range(101, 131)])),
            "more than 4 times the size of the file",
        ),
    ):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=said):
            rows(path)


def _each_is_all_texts(data):
    """A catalogue of which every text is all the texts of another."""
    count = struct.unpack_from("<I", data, 8)[0]
    start = 28 + 16 * count
    return data[:28] + struct.pack("<2I", len(data) - start, start) * 2 * count + data[start:]


def test_a_translation_out_of_order_is_refused(tmp_path):
    (tmp_path / "a.po").write_text('msgid "a"\nmsgid_plural "b"\nmsgstr[1] "c"\n')
    with pytest.raises(DataError, match=r"a\.po:3: msgstr\[1\] comes after 0 translations"):
        list(read_po(tmp_path / "a.po"))


def test_names_of_languages_and_partners(tmp_path):
    assert [language_code(name) for name in ("deu", "zh_Hans", "EN", "english", "x")] == ["de", "zh", "en", None, None]
    source, target = tmp_path / "train.en-de.en", tmp_path / "train.en-de.de"
    assert partner_of(tmp_path / "test.en-de.en", source, target) == tmp_path / "test.en-de.de"
    assert partner_of(tmp_path / "test.txt", source, target) is None
