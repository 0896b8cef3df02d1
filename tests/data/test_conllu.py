"""CoNLL-U: written as it was read, words told from ranges and empty nodes, and every broken file named by its line."""

import gzip
from itertools import product
from types import SimpleNamespace

import pytest

from lingon.cli.predict_file import source_of
from lingon.core.errors import DataError, UserError
from lingon.data.corpora.treebanks import load_treebank, treebank_files
from lingon.data.files.conllu import (
    ConlluRow,
    ConlluSentence,
    format_conllu,
    read_conllu,
    sentence_of,
    write_conllu,
)
from lingon.data.files.lines import FileOptions
from lingon.data.load_trees import load_tree_splits, load_trees
from lingon.data.preview import preview
from lingon.data.read_tagged import read_tagged
from lingon.data.trees import NotATree, Tree, check_heads
from lingon.recipes.treebank_settings import Treebanks

# A multiword token, an empty node before and after a word, a word with a space in it, an unfinished comment.
TEXT = (
    "# newdoc\n# sent_id = a\n# text = Don't go 10 000 m.\n"
    "0.1\tYou\tyou\tPRON\t_\t_\t_\t_\t3:nsubj\tCopyOf=-1\n"
    "1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tDo\tdo\tAUX\tVB\tMood=Imp\t3\taux\t3:aux\t_\n"
    "2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t3:advmod\t_\n"
    "3\tgo\tgo\tVERB\tVB\tMood=Imp\t0\troot\t0:root\t_\n"
    "4\t10 000\t10 000\tNUM\tCD\t_\t5\tnummod\t5:nummod\t_\n"
    "5\tm\tmetre\tNOUN\tNN\t_\t3\tobl:unmarked\t3:obl\tSpaceAfter=No|X=1\n"
    "5.1\tfar\tfar\tADV\t_\t_\t_\t_\t3:advmod\t_\n"
    "6\t.\t.\tPUNCT\t.\t_\t3\tpunct\t3:punct\t_\n\n"
    "#\n1\tYes\t_\t_\t_\t_\t0\troot\t_\t_\n\n"
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(TEXT)
    return path


def test_what_was_read_is_written_byte_for_byte(file, tmp_path):
    sentences = list(read_conllu(file))
    write_conllu(tmp_path / "b.conllu", sentences)
    assert (tmp_path / "b.conllu").read_bytes() == file.read_bytes()
    (tmp_path / "c.conllu.gz").write_bytes(gzip.compress(TEXT.replace("\n", "\r\n").rstrip().encode()))
    assert list(read_conllu(tmp_path / "c.conllu.gz")) == sentences


def test_words_are_no_ranges_and_no_empty_nodes(file):
    first, second = read_conllu(file)
    assert first.words == ("Do", "n't", "go", "10 000", "m", ".")
    tree = Tree(first.words, (3, 3, 0, 5, 3, 3), first.column("deprel"), first.column("upos"))
    assert first.tree == tree
    assert tree.relations == ("aux", "advmod", "root", "nummod", "obl:unmarked", "punct")
    assert (first.line, second.line, second.comments) == (4, 15, ("#",))
    assert first.text == "Don't go 10 000 m." == ConlluSentence((), first.rows).text
    with pytest.raises(UserError, match=r"unknown column of CoNLL-U 'pos'; did you mean 'xpos' or 'upos'"):
        first.column("pos")


def test_columns_are_replaced_and_all_else_is_kept(file):
    first = next(read_conllu(file))
    new = first.with_columns({"head": ["0", "1", "1", "1", "1", "1"], "deprel": list("abcdef")})
    assert new.tree.heads == (0, 1, 1, 1, 1, 1)
    expected = [row if not row.is_word else row._replace(head="?", deprel="?") for row in first.rows]
    assert [row if not row.is_word else row._replace(head="?", deprel="?") for row in new.rows] == expected
    assert new.comments == first.comments
    bare = sentence_of(("a", "b"), ["# text = a b"])
    assert format_conllu(bare) == "# text = a b\n1\ta" + "\t_" * 8 + "\n2\tb" + "\t_" * 8 + "\n\n"
    assert not bare.has_tree


def row(number, head, relation="dep"):
    return f"{number}\tw{number}\t_\t_\t_\t_\t{head}\t{relation}\t_\t_\n"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (row(1, 0) + row(2, 3) + row(3, 2), r"a.conllu:3: word 2 'w2': a cycle of heads: 2 -> 3 -> 2; every word"),
        (row(1, 0) + row(2, 0), r"a.conllu:3: word 2 'w2': a second root \(word 1 has head 0 too\); a tree has one"),
        (row(1, 2) + row(2, 3) + row(3, 1), r"a.conllu:2: word 1 'w1': a cycle of heads: 1 -> 2 -> 3 -> 1"),
        (row(1, 0) + row(2, "_"), r"a.conllu:3: word 2 'w2': it has no head; every word needs one"),
        (row(1, 0) + row(2, 5), r"a.conllu:3: word 2 'w2': its head is 5; expected 0 \(the root\) to 2"),
        (row(1, 0) + row(2, "1.1"), r"a.conllu:3: word 2 'w2': its head is '1.1'; expected the id of a word"),
        (row(1, 0) + row(2, 2), r"a.conllu:3: word 2 'w2': its head is itself \(2\)"),
        (row(1, 0) + row(2, 1, "_"), r"a.conllu:3: word 2 'w2': it has a head, but no relation to it"),
        (row(1, 0) + "1.1" + "\tx" * 9 + "\n" + row(2, 9), r"a.conllu:4: word 2 'w2': its head is 9"),
    ],
)
def test_a_broken_tree_is_named_by_its_line(tmp_path, lines, message):
    (tmp_path / "a.conllu").write_text("# one\n" + lines)
    [sentence] = read_conllu(tmp_path / "a.conllu")  # its tags could be read
    with pytest.raises(DataError, match=message):
        _ = sentence.tree


ROW = "\tx" + "\t_" * 8 + "\n"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1\tx\t_\n", r"a.conllu:2: 3 columns with tabs between; CoNLL-U has ten"),
        ("1 x _ _ _ _ 0 root _ _\n", r"a.conllu:2: 1 column .*; it has spaces where tabs are expected"),
        ("1\t" + "\t_" * 8 + "\n", r"a.conllu:2: the column FORM is empty"),
        ("1" + ROW + "3" + ROW, r"a.conllu:3: the id '3' comes after '1'; expected 2, or a range"),
        ("2" + ROW, r"a.conllu:2: the id '2' comes after '0'; expected 1"),
        ("1" + ROW + "1" + ROW, r"a.conllu:3: the id '1' comes after '1'"),
        ("2-3" + ROW, r"a.conllu:2: the id '2-3' comes after '0'"),
        ("1-2" + ROW + "2" + ROW, r"a.conllu:3: the id '2' comes after '1-2'; expected 1"),
        ("1-2" + ROW + "1-3" + ROW, r"a.conllu:3: the id '1-3' comes after '1-2'"),
        ("1" + ROW + "3-2" + ROW, r"a.conllu:3: the id '3-2' comes after '1'"),
        ("1" + ROW + "1.2" + ROW, r"a.conllu:3: the id '1.2' comes after '1'"),
        ("x" + ROW, r"a.conllu:2: the id 'x' comes after '0'"),
        ("1-3" + ROW + "1" + ROW + "2-3" + ROW, r"a.conllu:4: a multiword token of the words 2-3 inside that of 1-3"),
        ("1" + ROW + "2-4" + ROW + "2" + ROW, r"a.conllu:3: a multiword token of the words 2-4; the sentence has 2"),
        ("1" + ROW + "# late\n", r"a.conllu:3: a comment inside a sentence"),
    ],
)
def test_a_broken_line_is_named(tmp_path, lines, message):
    (tmp_path / "a.conllu").write_text("# one\n" + lines)
    with pytest.raises(DataError, match=message):
        list(read_conllu(tmp_path / "a.conllu"))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_trees_are_those_whose_words_all_reach_the_root(size):
    """Cayley: there are n ** (n - 1) rooted trees of n words, which here have one root word each."""

    def reaches(word, heads):
        for _ in heads:
            word = heads[word] - 1 if word >= 0 else word
        return word < 0

    trees = 0
    for heads in product(range(size + 1), repeat=size):
        expected = heads.count(0) == 1 and all(reaches(word, heads) for word in range(size))
        try:
            check_heads(heads)
            found = True
        except NotATree:
            found = False
        assert found == expected, heads
        trees += found
    assert trees == size ** (size - 1)


def _sentence(word, *rows):
    """A whole sentence of one word, after it broken ones: lines as they are."""
    return f"1\t{word}\t_\tX\t_\t_\t0\troot\t_\t_\n\n" + "".join(row + "\n\n" for row in rows)


# Two words of columns UPOS, HEAD and DEPREL: a cycle, two roots, no head, a wrong id, spaces for tabs, a late comment.
BROKEN = [
    (1, "1\ta\t_\tX\t_\t_\t2\tdep\t_\t_\n2\tb\t_\tX\t_\t_\t1\tdep\t_\t_"),
    (2, "1\ta\t_\tX\t_\t_\t0\troot\t_\t_\n2\tb\t_\tX\t_\t_\t0\troot\t_\t_"),
    (1, "1\ta\t_\tX\t_\t_\t_\t_\t_\t_"),
    (2, "1\ta\t_\tX\t_\t_\t0\troot\t_\t_\n3\tb\t_\tX\t_\t_\t1\tdep\t_\t_"),
    (1, "1 a _ X _ _ 0 root _ _"),
    (2, "1\ta\t_\tX\t_\t_\t0\troot\t_\t_\n# late\n2\tb"),
    (1, "1-2\tab\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\t_\tX\t_\t_\t0\troot\t_\t_"),
]
SHAPELESS = BROKEN[3:]  # that are no CoNLL-U, whatever is read of them


@pytest.mark.parametrize(("line", "rows"), BROKEN)
def test_a_broken_sentence_is_named_or_left_out_and_counted(line, rows, tmp_path, capsys):
    path = tmp_path / "b.conllu"
    path.write_text(_sentence("one", rows) + _sentence("two", "1\ta", rows) + _sentence("three"))
    with pytest.raises(DataError, match=rf"b.conllu:{2 + line}: .*; --on-bad-row skip leaves such sentences out"):
        load_trees(path)
    assert [tree.words for tree in load_trees(path, on_bad_row="skip")] == [("one",), ("two",), ("three",)]
    assert f"b.conllu: bad sentences skipped: 3, the first: {path}:{2 + line}: " in capsys.readouterr().err
    splits = load_tree_splits(path, on_bad_row="skip")
    assert (len(splits.all()), splits.source["skipped"]) == (3, 3)


@pytest.mark.parametrize(("line", "rows"), SHAPELESS)
def test_tags_and_predictions_leave_broken_sentences_out_too(line, rows, tmp_path, capsys):
    path = tmp_path / "b.conllu"
    path.write_text(_sentence("one", rows) + _sentence("two"))
    with pytest.raises(DataError, match=rf"b.conllu:{2 + line}: .*; --on-bad-row skip leaves such sentences out"):
        read_tagged(path)
    found, report = read_tagged(path, on_bad_row="skip")
    assert ([*found.words], report.skipped) == ([("one",), ("two",)], 1)
    task = SimpleNamespace(name="tag")
    with pytest.raises(DataError, match=rf"b.conllu:{2 + line}: .*; --on-bad-row skip leaves such sentences out"):
        list(source_of(task, path, None, "stop", FileOptions(), None).rows())
    given = [one.words for one, _ in source_of(task, path, None, "skip", FileOptions(), None).rows()]
    assert given == [("one",), ("two",)]
    assert f"bad sentences skipped: 1, the first: {path}:{2 + line}: " in capsys.readouterr().err


def test_where_all_are_broken_the_first_is_told(tmp_path):
    path = tmp_path / "b.conllu"
    path.write_text("1\ta\n\n")
    with pytest.raises(DataError, match=r"no sentences for train; .*b.conllu:1: 2 columns with tabs between"):
        load_tree_splits(path, on_bad_row="skip")
    with pytest.raises(UserError, match="unknown value of --on-bad-row 'drop'"):
        Treebanks("b.conllu", on_bad_row="drop").read()


def test_a_tree_of_uneven_columns():
    with pytest.raises(UserError, match="2 words, 1 heads, 2 relations and 0 parts of speech"):
        Tree(("a", "b"), (0,), ("root", "dep"))
    assert len(Tree((), (), ())) == 0


@pytest.mark.data
def test_the_published_treebanks_are_read_whole_and_written_the_same(tmp_path):
    files = treebank_files("ud-english-ewt")
    assert set(files) == {"train", "valid", "test"}
    sentences = list(read_conllu(files["test"]))
    assert (len(sentences), sum(len(s.tree) for s in sentences)) == (2077, 25094)
    write_conllu(tmp_path / "test.conllu", sentences)
    assert (tmp_path / "test.conllu").read_bytes() == files["test"].read_bytes()
    assert [len(part) for part in load_treebank("pud-en").values()] == [1000]
    said = preview("pud-en", samples=1)
    assert "test 1,000 sentences, 21,180 words" in said
    with pytest.raises(UserError, match="unknown treebank 'pud'; did you mean 'pud-en'"):
        load_treebank("pud")


def test_rows_have_the_columns_of_the_format():
    assert ConlluRow._fields == ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
    assert [ConlluRow(i, "x").is_word for i in ("8", "8.1", "3-4")] == [True, False, False]
