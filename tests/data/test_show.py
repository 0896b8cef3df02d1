"""What `lingon data list|get|show` print."""

import json

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.corpora import CORPORA, PICTURES, TEXTS, VECTORS
from lingon.data.corpora.encoders import ENCODERS
from lingon.data.corpora.image_weights import IMAGE_WEIGHTS
from lingon.data.corpora.images import IMAGES
from lingon.data.corpora.parallel import PARALLEL
from lingon.data.corpora.question_answering import QUESTION_ANSWERING
from lingon.data.corpora.questions import QUESTIONS
from lingon.data.corpora.retrieval import RETRIEVAL
from lingon.data.corpora.scored_pairs import SCORED_PAIRS
from lingon.data.corpora.sentences import TAGGED
from lingon.data.corpora.treebanks import TREES
from lingon.data.corpora.weights import WEIGHTS
from lingon.data.files.open_parallel import ParallelReading
from lingon.data.files.table_rows import file_format
from lingon.data.list_data import ListedData, get, groups, list_rows, list_table
from lingon.data.preview import preview
from lingon.data.preview_parallel import is_parallel


def test_the_list_has_every_row_and_its_licence(tmp_path, monkeypatch):
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    rows = list_rows()
    tables = (CORPORA, TEXTS, PICTURES, VECTORS, QUESTIONS, SCORED_PAIRS, RETRIEVAL, TREES, TAGGED, PARALLEL)
    tables = (*tables, QUESTION_ANSWERING, IMAGES, ENCODERS, IMAGE_WEIGHTS, WEIGHTS)
    assert [r.name for r in rows] == [*dict.fromkeys(name for table in tables for name in table)]
    assert not any(r.cached for r in rows)
    head, *lines = list_table(rows).splitlines()
    assert head.split() == ["name", "what", "MB", "cached", "licence"]
    for row, line in zip(rows, lines, strict=True):
        assert line.startswith(row.name)
        assert line.endswith(row.licence)


def test_a_file_is_shown_with_counts_lengths_and_samples(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "one two three,x\n" * 3 + "\x1b[31mred,y\n")
    lines = preview(str(path), samples=4).splitlines()
    assert lines[0] == f"{path}: 4 texts"
    assert [line.split() for line in lines if line.startswith(("  x", "  y"))] == [
        ["x", "3", "#" * 40],
        ["y", "1", "#" * 13],
    ]
    assert "words per text: median 3, longest 3" in lines
    assert lines[-1] == "[y] [31mred"
    assert "\x1b" not in "".join(lines)


PAIRS_WITHOUT_HEADER = {
    "two texts": (["the red house\tdas rote Haus", "a dog barks\tein Hund bellt", "no rain\tkein Regen"], True),
    "labels of two words": (["the red house\tvery good", "a dog barks\tvery good", "no rain\tnot bad"], False),
    "a row of one cell": (["the red house\tdas rote Haus", "a dog barks"], False),
    "single words": (["house\tHaus", "dog\tHund"], False),
}


@pytest.mark.parametrize("case", PAIRS_WITHOUT_HEADER)
def test_two_columns_of_texts_without_a_header_are_parallel_where_that_is_sure(tmp_path, case):
    lines, sure = PAIRS_WITHOUT_HEADER[case]
    path = tmp_path / "p.tsv"
    path.write_text("\n".join(lines) + "\n")
    assert is_parallel(path, ParallelReading()) == sure


def test_pairs_are_shown_or_the_message_names_the_flag_of_their_targets(tmp_path, capsys):
    path = tmp_path / "p.tsv"
    path.write_text("the red house\tdas rote Haus\na dog barks\tein Hund bellt\n")
    assert "the red house\n    das rote Haus" in preview(str(path))
    assert "no header; source is column 1, target column 2" in capsys.readouterr().err
    path.write_text("house\tHaus\ndog\tHund\n")
    with pytest.raises(DataError, match="pairs of source and target have --target in place of --label"):
        preview(str(path))


def test_unknown_names(tmp_path):
    with pytest.raises(UserError, match="did you mean 'imdb'"):
        get("imbd")
    with pytest.raises(UserError, match="did you mean 'imdb'"):
        preview("imbd")
    with pytest.raises(UserError, match="a table of word vectors"):
        preview("glove-6b-50d")


@pytest.mark.data
def test_a_corpus_is_shown_with_its_licence_and_split():
    said = preview("vader-amazon")
    assert "licence: MIT" in said
    assert "train 2,606, valid 301, test 789 texts" in said
    assert "sha256 correct" in get("vader-amazon")


def test_the_columns_of_the_list_stand_below_each_other():
    listed = [ListedData("a", "w" * 60, 1.0, "MIT", True), ListedData("b" * 20, "c", 2.0, "MIT", False)]
    head, *rows = list_table(listed).splitlines()
    assert {row[head.index("cached") :].split()[0] for row in rows} == {"yes", "-"}


def test_images_in_the_place_of_texts_are_told_where_they_belong(tmp_path):
    (tmp_path / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"expected a folder per class, with files as .*cat/1\.png"):
        preview(str(tmp_path))
    with pytest.raises(DataError, match=r"1\.png: is one image; name the folder that holds a folder of images"):
        file_format(tmp_path / "1.png")


def test_scenes_are_listed_and_shown():
    (row,) = [one for one in list_rows() if one.name == "scenes"]
    assert "composed of stamps (constructed)" in row.summary
    assert "scenes" not in groups()


@pytest.mark.data
def test_scenes_are_shown_with_captions():
    said = preview("scenes", samples=2)
    assert "(constructed)" in said
    assert "masks: train 3,000, valid 200, test 500 images" in said
    assert said.count("\n\n") == 2


def test_questions_trees_and_several_labels_of_a_file_are_shown(tmp_path):
    answers = {"text": ["Ann"], "answer_start": [0]}
    asked = {"id": "1", "question": "Who sang?", "context": "Ann sang.", "answers": answers}
    (tmp_path / "qa.jsonl").write_text(json.dumps(asked))
    shown = preview(str(tmp_path / "qa.jsonl"))
    assert "qa.jsonl: 1 question on 1 passage\n\nWho sang?\n    Ann\n    ... Ann sang. ..." in shown
    tree = "1\tAnn\t_\t_\t_\t_\t2\tnsubj\t_\t_\n2\tsang\t_\t_\t_\t_\t0\troot\t_\t_\n\n"
    (tmp_path / "a.conllu").write_text(tree)
    shown = preview(str(tmp_path / "a.conllu"))
    assert "a.conllu: 1 sentence, 2 words" in shown
    assert all(part in shown for part in ("relations:", "  nsubj ", "0 root"))
    (tmp_path / "b.conllu").write_text(tree.replace("\t_\t_\t_\t_\t", "\t_\tX\t_\t_\t"))
    assert "words with each of 1 tag:" in preview(str(tmp_path / "b.conllu"))
    (tmp_path / "m.jsonl").write_text('{"text": "both", "labels": ["a", "b"]}\n' * 3)
    assert "[a | b] both" in preview(str(tmp_path / "m.jsonl"))
