"""Files of SQuAD: what is read, what is mended and said, what is refused by name; and the division by passage."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.corpora.question_answering import load_question_corpus
from lingon.data.files.squad import read_squad
from lingon.data.load_questions import load_question_splits, load_questions
from lingon.data.preview import preview
from lingon.data.questions import Answer, Question, split_by_passage

CONTEXT = "Ann sang. Bob sang too."


def asked(answers, id="q7", **more):
    return {"id": id, "question": "Who?", "answers": answers, **more}


def squad(path, *qas, context=CONTEXT):
    paragraphs = [{"context": context, "qas": list(qas)}]
    path.write_text(json.dumps({"version": "x", "data": [{"title": "t", "paragraphs": paragraphs}]}))
    return path


def test_the_published_layout_and_that_of_the_hub_are_the_same_questions(tmp_path):
    found, report = read_squad(squad(tmp_path / "a.json", asked([{"text": "Bob", "answer_start": 10}])))
    assert found == [Question("q7", CONTEXT, "Who?", (Answer("Bob", 10),))]
    assert found[0].answers[0].end == 13
    assert report.messages(tmp_path) == []
    row = {"id": "q7", "title": "t", "context": CONTEXT, "question": "Who?"}
    row["answers"] = {"text": ["Bob"], "answer_start": [10]}
    (tmp_path / "b.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "c.json").write_text(json.dumps([row]))
    (tmp_path / "d.json").write_text(json.dumps({"data": [row]}))
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "e.parquet")
    for name in ("b.jsonl", "c.json", "d.json", "e.parquet"):
        assert read_squad(tmp_path / name)[0] == found, name


def test_what_is_impossible_has_no_answer_and_plausible_ones_are_none(tmp_path):
    plausible = [{"text": "Ann", "answer_start": 0}]
    path = squad(tmp_path / "a.json", asked([], is_impossible=True, plausible_answers=plausible))
    assert read_squad(path)[0] == [Question("q7", CONTEXT, "Who?", ())]


def test_wrong_offsets_are_counted_and_mended_where_the_text_is_unique(tmp_path, capsys):
    wrong = [{"text": "Bob", "answer_start": 3}, {"text": "Ann"}, {"text": "sang", "answer_start": 1}]
    path = squad(tmp_path / "a.json", asked(wrong), asked(wrong[2:], "lost"), asked(wrong[:1], "kept"))
    found, report = read_squad(path)
    assert [one.answers for one in found] == [(Answer("Bob", 10), Answer("Ann", 0)), (Answer("Bob", 10),)]
    assert (report.mended, report.dropped, report.left_out) == (3, 2, ["lost"])
    load_questions(path)
    said = capsys.readouterr().err
    assert "5 answers not at the offset that is given: 3 mended" in said
    assert "2 left out, as it stands there several times" in said
    assert "1 question is left out: lost" in said


BROKEN = {
    "an answer that is not in the passage": (
        squad,
        [asked([{"text": "Cleo", "answer_start": 0}])],
        r"a.json: data\[0\].paragraphs\[0\]: question 'q7': its answer 'Cleo' is not in its passage; --on-bad-row skip",
    ),
    "an empty answer": (squad, [asked([{"text": " ", "answer_start": 3}])], "question 'q7' has the answer ' '"),
    "no question": (squad, [asked([], id="q9") | {"question": None}], "question 'q9' has the question 'None'"),
    "answers that are none": (squad, [asked("Bob")], "question 'q7': key 'answers' is 'Bob', expected a list"),
    "half a character": (squad, [asked([], id="q9") | {"question": "Who \ud800?"}], "'q9' contains a lone surrogate"),
    "a list of texts alone": (squad, [asked(["Bob"])], "question 'q7': key 'answers' is .*, expected a list"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_question_is_named_or_left_out(name, tmp_path):
    make, qas, message = BROKEN[name]
    path = make(tmp_path / "a.json", *qas, asked([{"text": "Ann", "answer_start": 0}], "good"))
    with pytest.raises(DataError, match=message):
        read_squad(path)
    found, report = read_squad(path, "skip")
    assert [one.id for one in found] == ["good"]
    assert report.left_out == [qas[0]["id"]]


def test_a_broken_row_is_named_by_its_line_or_left_out(tmp_path):
    good = json.dumps({"id": "good", "question": "Who?", "context": CONTEXT})
    path = tmp_path / "a.jsonl"
    for line, message in (
        ('{"question": ', "a.jsonl:2: not JSON"),
        ('{"question": "x"}', "a.jsonl:2: there is no"),
    ):
        path.write_text(f"{good}\n{line}\n")
        with pytest.raises(DataError, match=message):
            read_squad(path)
        found, report = read_squad(path, "skip")
        assert [one.id for one in found] == ["good"]
        assert report.left_out == ["2"]


def test_it_is_said_why_no_question_is_left(tmp_path):
    path = squad(tmp_path / "a.json", asked([{"text": "sang", "answer_start": 1}]))
    with pytest.raises(DataError, match="no question that can be used; 1 answer not at the offset that is given"):
        read_squad(path)


FILES = {
    "{": "a.json:1: not JSON",
    "{}": "a.json: a JSON object without the list 'data'",
    '{"data": [{"title": "x"}]}': r"a.json: data\[0\] has no list 'paragraphs'",
    '{"data": [{"paragraphs": [{"context": "x"}]}]}': r"data\[0\].paragraphs\[0\] has no list 'qas'",
    '[{"question": "x"}]': "a.json: item 1: there is no 'context'; it has question",
    '{"data": []}': "a.json: no question that can be used",
}


@pytest.mark.parametrize("content", FILES)
def test_a_file_of_another_layout_is_refused(content, tmp_path):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=FILES[content]):
        read_squad(tmp_path / "a.json")


def questions(passages, each=3):
    return [
        Question(f"{p}-{i}", f"passage {p}", "Who?", (Answer("passage", 0),))
        for i in range(each)
        for p in range(passages)
    ]


def test_passages_are_divided_whole_and_every_twentieth_is_for_validation():
    train, valid, test = split_by_passage(questions(45), "mine")
    assert {one.context for one in valid} == {"passage 0", "passage 20", "passage 40"}
    assert {one.context for one in test} == {"passage 10", "passage 30"}
    assert (len(train), len(valid), len(test)) == (40 * 3, 9, 6)
    train, again, none = split_by_passage(questions(45), "mine", test=False)
    assert (len(train), again, none) == (42 * 3, valid, [])
    few = split_by_passage(questions(3), "mine")
    assert [{one.context for one in part} for part in few] == [{"passage 1"}, {"passage 0"}, {"passage 2"}]
    with pytest.raises(DataError, match="mine: 2 passages are too few"):
        split_by_passage(questions(2), "mine")


def test_a_file_is_divided_the_same_when_it_is_evaluated(tmp_path):
    rows = [vars(one) | {"answers": {"text": ["passage"], "answer_start": [0]}} for one in questions(45)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    splits = load_question_splits(tmp_path / "mine.jsonl")
    assert splits.source["train"] == len(splits.train) == 120
    assert load_questions(tmp_path / "mine.jsonl", "test") == splits.test
    assert len(load_questions(tmp_path / "mine.jsonl")) == 135
    other = load_question_splits(tmp_path / "mine.jsonl", tmp_path / "mine.jsonl")
    assert (len(other.train), len(other.test), other.source["test_data"]) == (126, 135, "mine.jsonl")
    with pytest.raises(UserError, match="unknown split 'dev'"):
        load_questions(tmp_path / "mine.jsonl", "dev")
    with pytest.raises(UserError, match="neither a corpus of questions nor a file; did you mean 'xquad'"):
        load_questions("xqad")
    (tmp_path / "none.jsonl").write_text(json.dumps(vars(questions(1)[0]) | {"answers": None}) + "\n")
    with pytest.raises(UserError, match="no question has an answer"):
        load_question_splits(tmp_path / "none.jsonl")


@pytest.mark.data
def test_the_corpora_have_what_was_published_and_share_no_passage():
    shifts, xquad, german = (load_question_corpus(name) for name in ("squadshifts", "xquad", "xquad-de"))
    assert len(shifts.all()) == 7938 + 9885
    assert len({one.context for one in shifts.all()}) == 1581 + 2050
    assert (len(xquad.test), xquad.train, xquad.valid) == (1190, [], [])
    assert [one.id for one in german.test] == [one.id for one in xquad.test]
    contexts = [{one.context for one in part} for part in (shifts.train, shifts.valid, shifts.test, xquad.test)]
    assert sum(map(len, contexts)) == len(set().union(*contexts))
    with pytest.raises(UserError, match="'xquad' is a test set; train on squadshifts, and give --test xquad"):
        load_question_splits("xquad")
    with pytest.raises(UserError, match="'xquad' has no part 'train'"):
        load_questions("xquad", "train")
    lines = preview("xquad", samples=1).splitlines()
    assert lines[2] == "test 1,190 questions on 240 passages"
    assert lines[4:6] == ["How many points did the Panthers defense surrender?", "    308"]
