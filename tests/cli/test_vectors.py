"""lingon vectors: every command on a small file, what it prints, and what it says when it cannot."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from lingon.cli.app import app
from lingon.core.errors import UserError

WORDS = {
    "man": [1, 0, 0.1],
    "woman": [1, 1, 0.1],
    "king": [3, 0, 0.2],
    "queen": [3, 3, 0.2],
    "apple": [0, 0.1, 5],
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in WORDS.items()))
    return str(path)


def run(*arguments: str) -> str:
    """What a command prints; its error, when there is one."""
    found = CliRunner().invoke(app, ["vectors", *arguments], standalone_mode=False)
    if found.exception:
        raise found.exception
    return found.output


def test_nearest_in_words_and_json(file):
    lines = run("nearest", "king", "apple", "--vectors", file, "-k", "2").splitlines()
    assert [line.split()[0] for line in lines] == ["king", "man", "woman", "apple", "man", "woman"]
    found = json.loads(run("nearest", "king", "--vectors", file, "-k", "1", "--matching", "q.*", "--json"))
    assert found["word"] == "king"
    cosine = np.dot(WORDS["king"], WORDS["queen"]) / np.linalg.norm(WORDS["king"]) / np.linalg.norm(WORDS["queen"])
    assert found["found"] == [["queen", pytest.approx(cosine, abs=1e-5)]]
    with pytest.raises(UserError, match="is not a regular expression"):
        run("nearest", "king", "--vectors", file, "--matching", "(")


def test_analogy_compare_and_odd_one_out(file):
    for method in ("add", "mul"):
        assert "queen" in run("analogy", "man", "woman", "king", "--vectors", file, "-k", "1", "--method", method)
    assert run("compare", "king", "king", "--vectors", file) == "1.0000\n"
    assert run("odd-one-out", "king", "man", "apple", "--vectors", file).split()[0] == "apple"


@pytest.mark.parametrize(
    "command",
    [
        ("nearest", "king", "-k", "0"),
        ("analogy", "man", "woman", "king", "-k", "0"),
        ("analogy", "man", "woman", "king", "--method", "mul", "-k", "-2"),
        ("align", "a.txt", "b.txt", "-k", "-3"),
        ("evaluate", "--most-frequent", "-5"),
        ("evaluate", "--most-frequent", "0"),
        ("map", "--most-frequent", "0"),
    ],
)
def test_less_than_one_is_refused(command):
    name, value = command[-2].replace("-k", "--count"), command[-1]
    with pytest.raises(UserError, match=f"{name} is {value}; expected 1 or more"):
        run(*command)


def test_missing_words_by_each_rule(file):
    with pytest.raises(UserError, match="'kind' is not among the 5 words; did you mean 'king'"):
        run("compare", "kind", "king", "--vectors", file)
    assert run("compare", "nobody", "king", "--vectors", file, "--missing", "zero") == "0.0000\n"
    assert run("compare", "nobody", "king", "--vectors", file, "--missing", "unknown=king") == "1.0000\n"
    with pytest.raises(UserError, match="no subword vectors"):
        run("compare", "nobody", "king", "--vectors", file, "--missing", "subwords")
    with pytest.raises(UserError, match="rule for missing words"):
        run("compare", "nobody", "king", "--vectors", file, "--missing", "guess")


def test_evaluate_on_own_questions(file, tmp_path):
    (tmp_path / "q.txt").write_text(": royal\nman woman king queen\n: fruit\nman king woman pear\n")
    (tmp_path / "p.csv").write_text("king,queen,9\nman,woman,8\nking,apple,1\nking,pear,2\n")
    printed = run("evaluate", str(tmp_path / "q.txt"), str(tmp_path / "p.csv"), "--vectors", file)
    assert "100.0% right by 3CosAdd, 1 of 2 asked (50.0%)" in printed
    assert "3 of 4 asked (75.0%)" in printed
    assert "missing words left out" in run("evaluate", str(tmp_path / "p.csv"), "--vectors", file, "--missing", "error")
    with pytest.raises(UserError, match="unknown way to answer analogies"):
        run("evaluate", str(tmp_path / "p.csv"), "--vectors", file, "--method", "multiply")
    found = json.loads(run("evaluate", str(tmp_path / "p.csv"), "--vectors", file, "--json"))
    assert (found["asked"], found["coverage"]) == (3, 0.75)


def test_without_a_question_there_is_no_number(file, tmp_path):
    (tmp_path / "q.txt").write_text(": fruit\npear plum fig date\n")
    (tmp_path / "p.csv").write_text("pear,plum,9\nfig,date,8\n")
    (tmp_path / "one.csv").write_text("king,queen,9\npear,plum,2\n")
    names = [str(tmp_path / name) for name in ("q.txt", "p.csv", "one.csv")]
    none = lambda name: pytest.fail(f"{name} is no JSON")
    lines = run("evaluate", *names, "--vectors", file, "--json").splitlines()
    analogies, pairs, one = (json.loads(line, parse_constant=none) for line in lines)
    assert (analogies["accuracy"], pairs["spearman"], one["spearman"]) == (None, None, None)
    assert pairs["interval"] == [None, None]
    printed = run("evaluate", *names, "--vectors", file)
    assert "q.txt: none of 1 could be evaluated" in printed
    assert "p.csv: none of 2 could be evaluated" in printed
    assert "one.csv: no Spearman" in printed
    assert "nan" not in printed


def test_map_as_a_page_and_a_picture(file, tmp_path):
    for ending in ("html", "png"):
        assert "5 words by PCA" in run(
            "map", "--vectors", file, "--out", str(tmp_path / f"m.{ending}"), "--projection", "pca"
        )
        assert (tmp_path / f"m.{ending}").stat().st_size > 1000
    assert '"queen"' in (tmp_path / "m.html").read_text()
    with pytest.raises(UserError, match=r"expected one of \.html"):
        run("map", "--vectors", file, "--out", str(tmp_path / "m.doc"))


def test_convert_and_align(file, tmp_path):
    other, turned = str(tmp_path / "w.safetensors"), str(tmp_path / "t.npz")
    assert "5 words of width 3" in run("convert", file, other)
    assert "5 words in common, mean cosine 1.0000" in run("align", file, other, "--out", turned)
    assert run("compare", "man", "king", "--vectors", turned) == run("compare", "man", "king", "--vectors", file)


def test_anchors_are_counted(file, tmp_path):
    anchors = tmp_path / "anchors.txt"
    anchors.write_text("man king\nnobody\n")
    assert "2 of 3 anchors are in both" in run("align", file, file, "--anchors", str(anchors))
    anchors.write_text("nobody\nnothing\n")
    with pytest.raises(UserError, match="none of 2 anchors is in both"):
        run("align", file, file, "--anchors", str(anchors))
    anchors.write_bytes(b"king\n\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8 text"):
        run("align", file, file, "--anchors", str(anchors))


def test_no_file_is_lost_to_a_new_one(file, tmp_path):
    run_folder, other = tmp_path / "run", tmp_path / "w.npz"
    run_folder.mkdir()
    trained = run_folder / "vectors.safetensors"
    run("convert", file, str(trained))
    (tmp_path / "link.txt").symlink_to(file)
    before = trained.read_bytes()
    for source, out in ((file, file), (file, str(tmp_path / "link.txt")), (str(run_folder), str(trained))):
        with pytest.raises(UserError, match="is the input file"):
            run("convert", source, out, "--overwrite")
    for command in (("convert", file, str(trained)), ("align", file, file, "--out", str(trained))):
        with pytest.raises(UserError, match=r"already exists; .*--overwrite"):
            run(*command)
    with pytest.raises(UserError, match="is the input file"):
        run("align", file, str(run_folder), "--out", str(trained), "--overwrite")
    (tmp_path / "d.npz").mkdir()
    with pytest.raises(UserError, match="a folder; expected the name of a file"):
        run("convert", file, str(tmp_path / "d.npz"))
    assert trained.read_bytes() == before
    run("convert", file, str(other))
    assert "wrote" in run("convert", file, str(other), "--overwrite")


def test_the_ending_is_looked_at_before_any_work(tmp_path):
    with pytest.raises(UserError, match="unknown ending of a vector file"):
        run("convert", "no-such-vectors", str(tmp_path / "v.doc"))


def test_bias_of_your_own_words(file):
    sets = ("--x", "king man", "--y", "queen woman", "--a", "man king", "--b", "woman queen")
    assert "effect" in run("bias", "own", "--vectors", file, *sets)
    with pytest.raises(UserError, match="--x, --y, --a and --b are needed"):
        run("bias", "own", "--vectors", file)
    with pytest.raises(UserError, match="unknown probe"):
        run("bias", "career", "--vectors", file)
