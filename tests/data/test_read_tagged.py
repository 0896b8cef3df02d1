"""Files of tagged words: every form gives the same sentences, and what is wrong is said with its line."""

import json

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.files.lines import FileOptions
from lingon.data.read_tagged import read_tagged

WORDS = [("Ann", "Lee", "left", "."), ("#", "Rome", "shines"), ("No", "names")]
TAGS = [("B-per", "I-per", "O", "O"), ("O", "B-loc", "O"), ("O", "O")]
TEXTS = ["Ann Lee left.", "# Rome shines", "No names"]
PLACES = [[(0, 7, "per")], [(2, 6, "loc")], []]


def columns(between, tags=TAGS, middle=()):
    return "\n".join(
        "".join(between.join((word, *middle, tag)) + "\n" for word, tag in zip(*pair, strict=True))
        for pair in zip(WORDS, tags, strict=True)
    )


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def spans(make, key="spans", **more):
    return [
        {"text": text, key: [make(*place) for place in places], **more}
        for text, places in zip(TEXTS, PLACES, strict=True)
    ]


def conllu(tags=TAGS):
    def row(number, word, tag):
        return f"{number}\t{word}\t_\tNOUN\tNN\t_\t_\t_\t_\t{'_' if tag == 'O' else f'SpaceAfter=No|NER={tag}'}\n"

    return "\n".join(
        f"# text = {text}\n" + "".join(row(i, *pair) for i, pair in enumerate(zip(words, of, strict=True), 1))
        for text, words, of in zip(TEXTS, WORDS, tags, strict=True)
    )


FORMS = {
    "tabs.conll": columns("\t"),
    "tabs.tsv": columns("\t"),
    "blanks.txt": columns(" "),
    "four.conll": "-DOCSTART- -X- -X- O\n\n" + columns(" ", middle=("NN", "B-NP")),
    "comments.conll": "# sent = 1\n" + columns(" ").replace("\n\n", "\n\n# id 17 domain=x\n", 1),
    "names.tsv": "Word\tTag\n" + columns("\t"),
    "tab_only_lines.conll": columns("\t").replace("\n\n", "\n\t\n"),
    "windows.conll": columns("\t").replace("\n", "\r\n"),
    "spans.jsonl": jsonl(spans(lambda s, e, k: [s, e, k])),
    "doccano.jsonl": jsonl(spans(lambda s, e, k: [s, e, k], "label", id=3, Comments=[])),
    "doccano_entities.jsonl": jsonl(
        spans(lambda s, e, k: {"id": 1, "start_offset": s, "end_offset": e, "label": k}, "entities", relations=[])
    ),
    "spacy.json": json.dumps([[row["text"], {"entities": row["spans"]}] for row in spans(lambda s, e, k: [s, e, k])]),
    "label_studio.json": json.dumps(spans(lambda s, e, k: {"start": s, "end": e, "labels": [k]}, "label")),
    "huggingface.jsonl": jsonl({"tokens": w, "ner_tags": t} for w, t in zip(WORDS, TAGS, strict=True)),
    "words.jsonl": jsonl({"words": w, "tags": t} for w, t in zip(WORDS, TAGS, strict=True)),
    "spert.json": json.dumps(
        [
            {"tokens": w, "entities": [{"type": "per", "start": 0, "end": 2}] if w[0] == "Ann" else s}
            for w, s in zip(WORDS, ([], [{"type": "loc", "start": 1, "end": 2}], []), strict=True)
        ]
    ),
}


def prodigy():
    for words, text, places in zip(WORDS, TEXTS, PLACES, strict=True):
        tokens = [{"text": w, "start": text.index(w), "end": text.index(w) + len(w), "id": 0} for w in words]
        marked = [{"start": s, "end": e, "token_start": 0, "token_end": 1, "label": k} for s, e, k in places]
        yield {"text": text, "tokens": tokens, "spans": marked, "answer": "accept"}


FORMS["prodigy.jsonl"] = jsonl([*prodigy(), {"text": "Bad", "spans": [], "answer": "reject"}])


def write(path, text):
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_sentences(tmp_path, name):
    found, _ = read_tagged(write(tmp_path / name, FORMS[name]))
    assert found.words == WORDS
    assert found.tags == TAGS


def test_conllu_has_parts_of_speech_or_a_key_of_misc(tmp_path):
    path = write(tmp_path / "mine.txt", conllu())  # told by its content
    assert read_tagged(path)[0].tags == [("NOUN",) * len(words) for words in WORDS]
    assert read_tagged(path, "XPOS")[0].tags[0] == ("NN",) * 4
    found, report = read_tagged(path, "NER")
    assert (found.words, found.tags, report.form) == (WORDS, TAGS, "conllu")
    with pytest.raises(DataError, match=r"--column 'upo' is no column of CoNLL-U, .* did you mean 'upos'"):
        read_tagged(path, "upo")
    with pytest.raises(DataError, match=r"mine.txt:2: word 'Ann' has no LEMMA"):
        read_tagged(path, "lemma")


def test_multiword_tokens_and_empty_nodes_are_no_words(tmp_path):
    rest = "\t_" * 6
    text = f"1-2\tdon't\t_\t_{rest}\n1\tdo\t_\tAUX{rest}\n2\tn't\t_\tPART{rest}\n2.1\tgo\t_\tVERB{rest}\n\n"
    found, _ = read_tagged(write(tmp_path / "a.conllu", text))
    assert list(found) == [(("do", "n't"), ("AUX", "PART"), None)]


@pytest.mark.parametrize(("scheme", "first"), [("iob1", ("I-per", "I-per")), ("bioes", ("B-per", "E-per"))])
def test_other_schemes_are_told_and_read_as_iob2(tmp_path, scheme, first):
    others = [(*first, "O", "O"), ("O", "I-loc" if scheme == "iob1" else "U-loc", "O"), ("O", "O")]
    found, report = read_tagged(write(tmp_path / "a.conll", columns("\t", others)))
    assert (found.tags, report.scheme, report.repaired) == (TAGS, scheme, 0)
    assert report.messages == [f"a.conll: tag scheme {scheme}, read as iob2 (--tag-scheme chooses another)"]


def test_tags_of_another_scheme_than_was_said_are_refused(tmp_path):
    path = write(tmp_path / "a.conll", "a\tO\nb\tU-loc\n")
    with pytest.raises(DataError, match=r"a.conll:2: tag 'U-loc' is not of iob2; .* is the scheme bioes"):
        read_tagged(path, tag_scheme="iob2")
    path = write(tmp_path / "a.conll", "a\tNOUN\n")
    with pytest.raises(DataError, match=r"a.conll:1: 'NOUN' is not a span tag"):
        read_tagged(path, tag_scheme="iob2")


def test_an_i_that_never_begins_is_repaired_and_said(tmp_path):
    broken = [("I-per", "I-per", "O", "O"), ("O", "B-loc", "O"), ("O", "O")]
    found, report = read_tagged(write(tmp_path / "a.conll", columns("\t", broken)))
    assert (found.tags, report.repaired) == (TAGS, 1)
    assert report.messages == [
        "a.conll: tags that iob2 does not allow at their position: 1; read by the rules of CoNLL, the first "
        f"{tmp_path}/a.conll:1: I-per as B-per"
    ]


def test_runs_of_tags_are_spans_when_asked_for(tmp_path):
    plain = [("per", "per", "O", "O"), ("O", "loc", "O"), ("O", "O")]
    path = write(tmp_path / "a.conll", columns("\t", plain))
    found, report = read_tagged(path)
    assert (found.tags, found.is_spans, report.scheme) == (plain, False, "none")
    assert "tags of single words (loc, per); --tag-scheme io reads each run" in report.messages[0]
    assert read_tagged(path, tag_scheme="io")[0].tags == TAGS


def test_a_strange_tag_among_spans_is_named_with_its_line(tmp_path):
    strange = [("B-per", "I-per", "O", "O"), ("O", "B-loc", "O"), ("O", "xper")]
    path = write(tmp_path / "a.conll", columns("\t", strange))
    with pytest.raises(DataError, match=r"a.conll:11: 'xper' is not a span tag; .* --on-bad-row skip"):
        read_tagged(path)
    found, report = read_tagged(path, on_bad_row="skip")
    assert (found.words, report.skipped) == (WORDS[:2], 1)
    assert "bad sentences skipped: 1, the first: " in report.messages[-1]
    rows = [{"tokens": w, "tags": t} for w, t in zip(WORDS, strange, strict=True)]
    with pytest.raises(DataError, match=r"a.jsonl:3: word 2 \('names'\): 'xper' is not a span tag"):
        read_tagged(write(tmp_path / "a.jsonl", jsonl(rows)))


def test_columns_are_chosen_by_number(tmp_path):
    path = write(tmp_path / "a.conll", columns(" ", middle=("NN", "B-NP")))
    assert read_tagged(path, "2")[0].tags[2] == ("NN", "NN")
    assert read_tagged(path, "-1")[0].tags == read_tagged(path, "4")[0].tags == TAGS
    for wrong in ("1", "5", "0", "-4"):
        with pytest.raises(UserError, match=rf"--column {wrong}: .* has 4 columns, .* give 2 to 4"):
            read_tagged(path, wrong)
    with pytest.raises(UserError, match=r"--column 'ner': .* has 4 columns without names; give a number, 2 to 4"):
        read_tagged(path, "ner")


def test_columns_with_names_are_chosen_by_name(tmp_path):
    path = write(tmp_path / "a.tsv", "token\tpos\tner\n\n" + columns("\t", middle=("NN",)))
    assert read_tagged(path)[0].tags == TAGS
    assert read_tagged(path, "pos")[0].tags[2] == ("NN", "NN")
    with pytest.raises(UserError, match=r"--column 'tag': .* has the columns token, pos, ner; give a number, 2 to 3"):
        read_tagged(path, "tag")


def test_keys_are_chosen_by_name(tmp_path):
    rows = [{"tokens": w, "ner_tags": t, "pos_tags": ["X"] * len(w)} for w, t in zip(WORDS, TAGS, strict=True)]
    path = write(tmp_path / "a.jsonl", jsonl(rows))
    assert read_tagged(path, "pos_tags")[0].tags[2] == ("X", "X")
    with pytest.raises(DataError, match=r"a.jsonl:1: no key 'pos', which --column names; it has 'tokens', 'ner_tags'"):
        read_tagged(path, "pos")


def test_labels_of_sentences(tmp_path):
    path = write(tmp_path / "a.conll", "# intent: play\na\tO\n\n# label = stop it\n# text: b\nb\tO\n")
    assert read_tagged(path)[0].labels == ["play", "stop it"]
    path = write(tmp_path / "a.jsonl", jsonl([{"tokens": ["a"], "tags": ["O"], "intent": "play"}]))
    assert read_tagged(path)[0].labels == ["play"]
    for name, text in (("seq.in", "a b \nc\n"), ("seq.out", "O B-x \nO\n"), ("label", "play\nstop\n")):
        write(tmp_path / name, text)
    found, report = read_tagged(tmp_path)
    assert list(found) == [(("a", "b"), ("O", "B-x"), "play"), (("c",), ("O",), "stop")]
    assert report.form == "parallel files"
    write(tmp_path / "seq.out", "O B-x O\nO\n")
    with pytest.raises(DataError, match=r"/seq.out:1: 2 words and 3 tags"):
        read_tagged(tmp_path)
    write(tmp_path / "seq.out", "O B-x\n")
    with pytest.raises(DataError, match=r"/seq.out:2: the file ends here"):
        read_tagged(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.conll", "a\tO\nb\n", r"a.conll:2: 'b' has 1 column where other lines have 2"),
        ("a.conll", "a\tO\nb\t\n", r"a.conll:2: 'b' has no tag"),
        ("a.conll", "a\tO\n\tO\n", r"a.conll:2: 'O' has no word"),
        ("a.conll", "a\nb\n", r"a.conll: its lines have 1 column; expected a word and its tag"),
        ("a.csv", "Word,Tag\na,O\n", r"a.csv: a csv; tagged words are read from lines of a word, a tab and its tag"),
        ("a.conll", "\n \n", r"a.conll: no words in it"),
        ("a.conll", "", r"a.conll: the file is empty"),
        ("a.conll", "a\tO\n\nb\xff", r"a.conll:3"),
        ("a.conll", '{"text": "a", "spans": []}\n', r"looks like JSON; name it .jsonl"),
        ("a.conllu", "1\ta\t_\tX\n", r"a.conllu:1: 4 columns with tabs between; CoNLL-U has ten"),
        ("a.jsonl", '{"text": "Ann", "spans": [[0, 2, "x"]]}', r"a.jsonl:1: span 0:2 'An' \(x\) cuts the word 'Ann'"),
        ("a.jsonl", '{"text": "Ann", "spans": [[0, 3]]}', r"a.jsonl:1: \[0, 3\] is not a span; expected \[start, end"),
        ("a.jsonl", '{"text": "Ann", "spans": [["0", 3, "x"]]}', r"a.jsonl:1: \['0', 3, 'x'\] is not a span"),
        ("a.jsonl", '{"text": "Ann", "spans": [[0, 3, 7]]}', r"a.jsonl:1: \[0, 3, 7\] is not a span"),
        ("a.jsonl", '{"text": "A\\ud800", "spans": []}', r"a.jsonl:1: a lone surrogate"),
        ("a.conll", "a\tB-\x01\n", r"a.conll:1: tag 'B-.x01' has characters that cannot be printed"),
        ("a.jsonl", '{"text": "Ann"}', r"a.jsonl:1: keys 'text'; expected"),
        ("a.jsonl", '{"tokens": ["a"]}', r"a.jsonl:1: words, but no tags, with keys 'tokens'"),
        ("a.jsonl", '{"tokens": ["a", "b"], "tags": ["O"]}', r"a.jsonl:1: 2 words and 1 tag; a word has one tag"),
        ("a.jsonl", '{"tokens": ["a"], "tags": [3]}', r"a.jsonl:1: tag 3 is not a name; write the names of tags"),
        ("a.jsonl", '{"tokens": ["a", ""], "tags": ["O", "O"]}', r"a.jsonl:1: word 2 is empty"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"tok', r"a.jsonl:2: not JSON"),
        ("a.jsonl", '{"tokens": [], "tags": []}\n', r"a.jsonl: no sentence with tags"),
        ("a.jsonl", '{"text": "a", "tokens": [{"start": 0, "end": 9}], "spans": []}', r"a.jsonl:1: .* is not a word"),
    ],
)
def test_bad_files_are_named_with_their_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=message):
        read_tagged(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(UserError, match=r"there is no file .*a.conll"):
        read_tagged(tmp_path / "a.conll")
    with pytest.raises(DataError, match=r"a folder without seq.in and seq.out"):
        read_tagged(tmp_path)


def test_empty_sentences_and_rejected_ones_are_passed_over(tmp_path):
    rows = [{"tokens": [], "tags": []}, {"text": " ", "spans": []}, *spans(lambda *span: span)]
    found, report = read_tagged(write(tmp_path / "a.jsonl", jsonl([*rows, {"text": "x", "answer": "ignore"}])))
    assert found.words == WORDS
    assert report.messages == ["a.jsonl: sentences skipped: 2 with no words, 1 with answer 'ignore'"]


def test_a_sentence_of_5000_words_is_read_and_a_longer_one_is_said(tmp_path):
    path = write(tmp_path / "a.conll", "word\tNOUN\n" * 5000)
    found, report = read_tagged(path)
    assert (len(found), found.word_count(), report.messages) == (1, 5000, [])
    _, report = read_tagged(write(path, "word\tNOUN\n" * 5001))
    assert report.messages == [f"a.conll: the sentence at {path}:1 has 5,001 words; an empty line ends a sentence"]


def test_encodings_and_packed_files(tmp_path):
    import gzip

    path = tmp_path / "a.conll"
    path.write_bytes("Zoë\tB-x\n".encode("utf-16"))
    assert read_tagged(path, options=FileOptions("utf-16"))[0].words == [("Zoë",)]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(FORMS["words.jsonl"].encode()))
    assert read_tagged(path)[0].tags == TAGS
