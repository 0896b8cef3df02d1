"""Collections for search in the layout of BEIR: what is read, and what is refused by file and line."""

import gzip
import json

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.corpora.retrieval import SearchDocument
from lingon.data.load_collection import is_collection, read_collection

DOCUMENTS = [{"_id": "d1", "title": "A", "text": "one"}, {"_id": "d2", "text": "two"}, {"_id": 3, "text": ""}]
QUERIES = [{"_id": "q1", "text": "first"}, {"_id": "q2", "text": "second"}]
QRELS = ["query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\td2\t0", "q2\t3\t1"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, DOCUMENTS)))
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, QUERIES)))
    (tmp_path / "qrels/test.tsv").write_text("\n".join(QRELS) + "\n")
    return tmp_path


def test_documents_queries_and_judgements_are_read(folder):
    assert is_collection(folder)
    assert not is_collection(folder / "qrels")
    assert is_collection("cranfield")
    found = read_collection(folder)
    wanted = [("d1", "A", "one"), ("d2", "", "two"), ("3", "", "")]
    assert found.documents == [SearchDocument(*row) for row in wanted]
    assert found.queries == {"q1": "first", "q2": "second"}
    assert found.judgements == {"q1": {"d1": 2, "d2": 0}, "q2": {"3": 1}}


def test_parts_have_files_of_their_own(folder):
    (folder / "qrels/dev.tsv").write_text("\n".join([QRELS[0], "q2\td1\t1"]))
    assert read_collection(folder, "valid").judgements == {"q2": {"d1": 1}}
    assert read_collection(folder, "all").judgements["q2"] == {"3": 1, "d1": 1}
    with pytest.raises(UserError, match=r"there is no qrels/train.tsv with the judgements"):
        read_collection(folder, "train")
    with pytest.raises(UserError, match="--split valid: the queries of 'cranfield' are not divided"):
        read_collection("cranfield", "valid")


def test_packed_files_and_judgements_beside_them(folder):
    packed = gzip.compress((folder / "corpus.jsonl").read_bytes())
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl.gz").write_bytes(packed)
    (folder / "qrels/test.tsv").rename(folder / "qrels.tsv")
    assert len(read_collection(folder).documents) == 3


def add(path, line):
    return lambda folder: (folder / path).write_text((folder / path).read_text().rstrip("\n") + f"\n{line}\n")


WRONG = {
    "an unknown query": (add("qrels/test.tsv", "q9\td1\t1"), r"test\.tsv:5: there is no query 'q9' in queries\.jsonl"),
    "an unknown document": (add("qrels/test.tsv", "q1\td9\t1"), r"test\.tsv:5: there is no document 'd9'"),
    "no number": (add("qrels/test.tsv", "q1\td1\thigh"), r"test\.tsv:5: the score 'high' is not a whole number"),
    "the same document": (add("corpus.jsonl", '{"_id": "d1"}'), r"corpus\.jsonl:4: the _id 'd1' comes twice"),
    "no id": (add("corpus.jsonl", '{"text": "x"}'), r"corpus\.jsonl:4: no _id"),
    "a query without text": (add("queries.jsonl", '{"_id": "q3"}'), r"queries\.jsonl:3: no 'text'"),
    "no JSON": (add("queries.jsonl", '{"_id"'), r"queries\.jsonl:3: not JSON"),
    "no heading": (
        lambda folder: (folder / "qrels/test.tsv").write_text("q1\td1\t1\nq2\t3\t1\n"),
        r"test\.tsv:2: no column 'query-id'; judgements have query-id, corpus-id, score",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_by_file_and_line(name, folder, capsys):
    change, message = WRONG[name]
    change(folder)
    with pytest.raises(DataError, match=message):
        read_collection(folder)
    if name != "no heading":
        assert read_collection(folder, on_bad_row="skip").judgements == {"q1": {"d1": 2, "d2": 0}, "q2": {"3": 1}}
        assert "1 bad row skipped" in capsys.readouterr().err
