"""Names that stand for several texts."""

import pytest

from lingon.core.errors import UserError
from lingon.data.list_data import get, groups
from lingon.data.preview import preview
from lingon.data.running_text import expand_groups, read_documents, sources_fingerprint


def test_a_group_is_its_members_in_their_order(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("one\n" * 100)
    assert expand_groups([str(path), "imdb-text"]) == [str(path), "imdb"]
    assert sources_fingerprint(["english", "ptb"]) == [*sources_fingerprint(["english"]), *sources_fingerprint(["ptb"])]
    assert [name for name, _ in sources_fingerprint(["english"])] == expand_groups(["english"])


def test_no_name_of_a_group_hides_a_corpus():
    from lingon.data.corpora import CORPORA, TEXTS
    from lingon.data.running_text import GROUPS

    assert not GROUPS.keys() & {**CORPORA, **TEXTS}.keys()
    assert {name for members in GROUPS.values() for name in members} <= {**CORPORA, **TEXTS}.keys()


def test_the_members_are_told_and_fetched_by_one_name():
    assert "imdb-text" in groups()
    assert all(name in groups().splitlines()[0] for name in expand_groups(["english"]))
    assert get("imdb-text") == get("imdb")
    with pytest.raises(UserError, match="'english' stands for several texts; show one of sotu, brown"):
        preview("english")


def test_reviews_as_running_text_are_those_of_the_corpus():
    assert next(read_documents(["imdb-text"], "valid")) == next(read_documents(["imdb"], "valid"))
