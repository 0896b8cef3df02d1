"""Tagged sentences by name, with the counts that were published; a user's file is divided, and equal sentences stay."""

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.load_tagged import load_tagged, load_tagged_splits
from lingon.data.tag_schemes import spans_of
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences

PARTS = ("train", "valid", "test")


@pytest.mark.data
def test_wnut_17_has_what_was_published():
    found = load_tagged_splits("wnut-17")
    assert [len(getattr(found, part)) for part in PARTS] == [3394, 1009, 1287]
    assert sum(len(spans_of(tags)) for tags in found.test.tags) == 1079
    types = {span.type for tags in found.all().tags for span in spans_of(tags)}
    assert types == {"person", "location", "corporation", "product", "creative-work", "group"}
    assert found.train[0].words[:3] == ("@paulwalk", "It", "'s")
    assert found.source["licence"] == "CC BY 4.0"


@pytest.mark.data
def test_snips_has_slots_and_intents():
    from lingon.data.corpora import load_corpus

    found = load_tagged_splits("snips")
    assert [len(getattr(found, part)) for part in PARTS] == [13_084, 700, 700]
    assert len(found.train.tag_counts()) == 72
    assert len(found.train.label_counts()) == 7
    assert [" ".join(words) for words in found.test.words] == [
        " ".join(t.split()) for t in load_corpus("snips").test.texts
    ]
    assert found.test.labels == load_corpus("snips").test.labels


@pytest.mark.data
@pytest.mark.long
def test_ewt_has_what_was_published():
    found = load_tagged_splits("ud-english-ewt")
    assert [len(getattr(found, part)) for part in PARTS] == [12_544, 2_001, 2_077]
    assert [getattr(found, part).word_count() for part in PARTS] == [204_577, 25_147, 25_094]
    assert not found.train.is_spans
    assert len(found.train.tag_counts()) == 17


@pytest.mark.data
def test_pud_is_there_to_evaluate_on():
    found = load_tagged("pud-en")
    assert len(found) == 1000
    assert set(load_tagged("pud-en", column="XPOS").tag_counts()) >= {"NN", "VBZ", "-LRB-"}
    with pytest.raises(UserError, match=r"'pud-en' has the part test alone; train on another corpus"):
        load_tagged_splits("pud-en")
    with pytest.raises(UserError, match=r"--split train: 'pud-en' has no such part; it has test"):
        load_tagged("pud-en", "train")
    with pytest.raises(UserError, match=r"unknown column 'pos'"):
        load_tagged("pud-en", column="pos")


def sentences(count, tags=("B-x", "O")):
    return [TaggedSentence((f"w{i}", "."), tags) for i in range(count)]


def write(path, rows):
    path.write_text("\n".join("".join(f"{w}\t{t}\n" for w, t in zip(s.words, s.tags, strict=True)) for s in rows))
    return path


def test_a_file_is_divided_and_equal_sentences_stay_together(tmp_path):
    rows = sentences(100) * 3
    path = write(tmp_path / "a.conll", rows)
    found = load_tagged_splits(path)
    sizes = [len(getattr(found, part)) for part in PARTS]
    assert sum(sizes) == 300
    assert sizes == [found.source[part] for part in PARTS]
    assert sizes == [216, 24, 60]
    parts = [set(getattr(found, part).words) for part in PARTS]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 100
    assert load_tagged_splits(path).source["sha256"] == found.source["sha256"]
    assert load_tagged(path, "test").sentences == found.test.sentences
    assert load_tagged(path, "all").word_count() == load_tagged(path).word_count() == 600


def test_a_rare_type_is_in_training_and_in_the_test(tmp_path):
    rare = [TaggedSentence((f"r{i}",), ("B-rare",)) for i in range(3)]
    found = load_tagged_splits(write(tmp_path / "a.conll", sentences(50) + rare))
    assert "B-rare" in found.train.tag_counts()
    assert "B-rare" in found.test.tag_counts()


def test_files_of_ones_own(tmp_path, capsys):
    paths = [write(tmp_path / f"{part}.conll", sentences(count)) for part, count in zip(PARTS, (7, 5, 3), strict=True)]
    write(paths[2], sentences(3, ("B-y", "O")))
    found = load_tagged_splits(paths[0], test=paths[2], valid=paths[1])
    assert [len(getattr(found, part)) for part in PARTS] == [7, 5, 3]
    assert (found.source["test_file"], found.source["valid_file"]) == ("test.conll", "valid.conll")
    said = capsys.readouterr().err
    assert "test.conll: tags that no training sentence has: B-y" in said
    assert (
        "3 of 3 test sentences (100%) are also in training; scores on them do not tell how the model does on new texts"
        in said
    )
    assert "5 of 5 validation sentences (100%) are also in training" in said


def test_a_folder_with_parts(tmp_path):
    for part, lines in (("train", ["a", "b", "c"]), ("dev", ["d"]), ("test", ["e", "f"])):
        (tmp_path / part).mkdir()
        (tmp_path / part / "seq.in").write_text("".join(f"{line}\n" for line in lines))
        (tmp_path / part / "seq.out").write_text("O\n" * len(lines))
        (tmp_path / part / "label").write_text("play\n" * len(lines))
    found = load_tagged_splits(tmp_path)
    assert [len(getattr(found, part)) for part in PARTS] == [3, 1, 2]
    assert found.test.labels == ["play", "play"]
    assert load_tagged(tmp_path).sentences == found.test.sentences


def test_a_folder_with_a_file_for_each_part(tmp_path):
    for name, count in (("en_x-ud-train.conll", 5), ("en_x-ud-dev.conll", 2), ("en_x-ud-test.conll", 3)):
        write(tmp_path / name, sentences(count))
    (tmp_path / "en_x-ud-train.txt").write_text("the text of it\n")
    (tmp_path / "README.md").write_text("# X\n")
    found = load_tagged_splits(tmp_path)
    assert [len(getattr(found, part)) for part in PARTS] == [5, 2, 3]
    assert (found.name, found.source["valid_file"]) == (tmp_path.name, "en_x-ud-dev.conll")
    assert len(load_tagged(tmp_path)) == 3
    write(tmp_path / "test.conll", sentences(4))
    with pytest.raises(DataError, match=r"several files for test: en_x-ud-test.conll, test.conll; keep one"):
        load_tagged_splits(tmp_path)


def test_what_cannot_be_had(tmp_path):
    with pytest.raises(
        UserError, match=r"'wnut-16' is neither a corpus of tagged sentences nor a file; did you mean 'wnut-17'"
    ):
        load_tagged("wnut-16")
    with pytest.raises(UserError, match=r"unknown split 'dev'; did you mean|unknown split 'dev'; known"):
        load_tagged("wnut-17", "dev")
    with pytest.raises(
        UserError, match=r"'wnut-17' is a corpus with fixed tags and splits; leave --test, --tag-scheme"
    ):
        load_tagged_splits("wnut-17", test="a.conll", tag_scheme="iob1")
    with pytest.raises(DataError, match=r"2 different sentences are too few"):
        load_tagged_splits(write(tmp_path / "a.conll", sentences(2)))
    with pytest.raises(DataError, match=r"1 different sentence is too few; three parts"):
        load_tagged_splits(write(tmp_path / "a.conll", sentences(1)))


def test_lists_of_sentences():
    some = TaggedSentences([*sentences(3), TaggedSentence((), (), "play")])
    assert (len(some), some[0].words, [s.label for s in some]) == (4, ("w0", "."), [None, None, None, "play"])
    assert (some[1:3] + some[[0]]).words == [("w1", "."), ("w2", "."), ("w0", ".")]
    assert (some.labels, some.label_counts(), some.tag_counts()) == (None, {"play": 1}, {"B-x": 3, "O": 3})
    assert some.checksum() != some[:3].checksum()
    with pytest.raises(UserError, match=r"sentence 2 has 1 word and 2 tags"):
        TaggedSentences([TaggedSentence((), ()), TaggedSentence(("a",), ("O", "O"))])


@pytest.mark.data
def test_they_are_shown():
    from lingon.data.preview import preview

    lines = preview("wnut-17", samples=2).splitlines()
    assert lines[1:5] == [
        "licence: CC BY 4.0",
        "train 3,394 sentences, 62,730 words",
        "valid 1,009 sentences, 15,733 words",
        "test 1,287 sentences, 23,394 words",
    ]
    assert "spans: 3,890 of 6 types" in lines  # 1,975 + 836 + 1,079
    assert "](location) , said a military spokesman ." in lines[-2]
    counts = load_tagged("snips", "all").tag_counts()
    begun = sum(count for tag, count in counts.items() if tag.startswith("B-"))
    assert f"spans: {begun:,} of 39 types" in preview("snips", samples=1)


def test_a_file_is_shown(tmp_path):
    from lingon.data.preview import preview

    path = write(tmp_path / "a.conll", sentences(3))
    assert preview(str(path), samples=1).splitlines() == [
        f"{path}: 3 sentences, 6 words",
        "",
        "spans: 3 of 1 types",
        f"  {'x':30}       3",
        "",
        "[w0](x) .",
    ]
