"""Cranfield: what was published is there, each query has its own judgements, and broken files are named."""

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.corpora.retrieval import cranfield, load_collection
from lingon.data.preview import preview


@pytest.mark.data
def test_cranfield_has_what_was_published():
    found = load_collection("cranfield")
    assert [document.number for document in found.documents] == [str(n) for n in range(1, 1401)]
    assert (len(found.queries), list(found.queries)[-1]) == (225, "225")
    assert found.queries["3"].startswith("what problems of heat conduction in composite slabs")  # <num> says 4
    assert sum(map(len, found.judgements.values())) == 1837
    assert set(found.judgements) == set(found.queries)
    assert all(any(relevance > 0 for relevance in judged.values()) for judged in found.judgements.values())
    numbers = {document.number for document in found.documents}
    assert all(numbers >= set(judged) for judged in found.judgements.values())
    first = found.documents[0]
    assert first.title == "experimental investigation of the aerodynamics of a wing in a slipstream ."
    assert first.text.startswith("an experimental study of a wing in a propeller slipstream was made")
    assert [d.number for d in found.documents if not d.text] == ["471", "995"]


@pytest.mark.data
def test_queries_and_judgements_belong_together():
    """A query shares more words with documents that were judged relevant to it than with those of another query."""
    found = load_collection("cranfield")
    words = {d.number: set(f"{d.title} {d.text}".split()) for d in found.documents}

    def overlap(query, judged):
        relevant = [d for d, relevance in found.judgements[judged].items() if relevance > 0]
        asked = set(found.queries[query].split())
        return sum(len(asked & words[d]) for d in relevant) / len(relevant) / len(asked)

    names = list(found.queries)
    own = [overlap(q, q) for q in names]
    other = [overlap(q, names[i - 20]) for i, q in enumerate(names)]
    assert sum(a > b for a, b in zip(own, other, strict=True)) > 0.85 * len(names)


@pytest.mark.data
def test_it_is_shown():
    lines = preview("cranfield", samples=1).splitlines()
    assert lines[2] == "1,400 documents, 225 queries, 1,837 judgements"
    assert lines[4].startswith("[1] what similarity laws must be obeyed")
    assert len(lines) == 6


@pytest.fixture
def small(tmp_path):
    doc = "<doc>\n<docno>1</docno>\n<title>a\nwing .</title>\n<text>a\nwing .\n it flies</text>\n</doc>\n"
    (tmp_path / "cran.all.1400.xml").write_text(doc)
    (tmp_path / "cran.qry.xml").write_text("<top><num> 7</num><title>\nwhat\nflies .\n</title></top>")
    (tmp_path / "cranqrel.trec.txt").write_text("1 0 1 1\n")
    return tmp_path


def test_titles_are_taken_off_and_queries_counted(small):
    found = cranfield(small)
    assert found.documents == [("1", "a wing .", "it flies")]
    assert (found.queries, found.judgements) == ({"1": "what flies ."}, {"1": {"1": 1}})


def test_what_is_wrong_is_named(small):
    (small / "cranqrel.trec.txt").write_text("1 0 1 1\n1 0 1\n")
    with pytest.raises(DataError, match=r"cranqrel.trec.txt:2: '1 0 1'; expected query, 0, document and relevance"):
        cranfield(small)
    (small / "cran.all.1400.xml").write_text("<doc><docno>1</docno><text>x</text></doc>")
    with pytest.raises(DataError, match=r"cran.all.1400.xml: no <title> in '<docno>1"):
        cranfield(small)
    with pytest.raises(UserError, match="unknown collection 'cranfeld'; did you mean 'cranfield'"):
        load_collection("cranfeld")
