"""The task `embed`: vectors in the order of the texts, pooling, what is refused, scores by hand, real encoders."""

import json
import math

import numpy as np
import pytest
import torch

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.corpora.retrieval import Collection, SearchDocument
from lingon.data.examples import Examples
from lingon.data.load_pairs import load_pairs
from lingon.data.text_pairs import PositivePairs, ScoredPairs
from lingon.data.tokenizers import words
from lingon.metrics.correlation import spearman
from lingon.models.registry import build
from lingon.tasks.embed import Embedder


def run(capsys, *arguments):
    app([str(a) for a in arguments], standalone_mode=False)
    return capsys.readouterr().out


TEXTS = ["a warm film", "dull", "a film about a dull and warm day", "", "warm and dull", "a film"]


def embedder(pooling="mean", normalize=False, max_length=None, model="bert"):
    torch.manual_seed(0)
    tokenizer = words(TEXTS)
    sizes = {"width": 12, "heads": 3, "context_length": 11} if model == "bert" else {"width": 12}
    made = build(model, {"vocab_size": len(tokenizer.vocab), **sizes})
    for p in made.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    return Embedder(made.eval(), tokenizer, pooling, normalize, max_length)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("model", ["bert", "static"])
@torch.no_grad()
def test_vectors_stand_in_the_order_of_the_texts(pooling, model):
    task = embedder(pooling, model=model)
    found = task.encode(TEXTS, max_tokens=9)
    assert (found.shape, found.dtype) == ((6, task.width), np.float32)
    for text, vector in zip(TEXTS, found, strict=True):
        ids = task.tokenizer.encode(text)
        if not ids:
            assert not vector.any()
            continue
        hidden = task.model(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.bool))[0]
        wanted = {"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.max(0).values}[pooling]
        assert np.abs(vector - wanted.numpy()).max() < 1e-5
    assert task.encode([]).shape == (0, 12)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8", "auto"])
def test_a_layout_for_speed_gives_the_same_vectors(precision, monkeypatch):
    task = embedder(normalize=True)
    wanted = task.encode(TEXTS)
    monkeypatch.setattr("lingon.tasks.precision.WORTH", 1)
    found = task.encode(TEXTS, precision=precision)
    assert found.dtype == np.float32
    apart = {"float32": 1e-5, "bfloat16": 0.02, "int8": 0.05, "auto": 0.02}[precision]
    assert np.abs(found - wanted).max() < apart
    with torch.no_grad():
        task.model.blocks[1].feed_forward.down.weight.mul_(-7)
    assert np.abs(task.encode(TEXTS, precision=precision) - found).max() > 2 * apart  # no old weights are used


def test_normalized_vectors_have_length_one():
    plain, unit = embedder().encode(TEXTS), embedder(normalize=True).encode(TEXTS)
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    assert np.abs(unit * lengths - plain).max() < 1e-5
    assert np.linalg.norm(unit, axis=1) == pytest.approx([1, 1, 1, 0, 1, 1], abs=1e-5)  # no text, no direction


def test_long_texts_are_cut_and_that_is_said():
    task = embedder(max_length=2)
    with pytest.warns(UserWarning, match="3 of 6 texts are longer than 2 tokens; they are truncated"):
        found = task.encode(TEXTS)
    assert np.abs(found[2] - embedder().encode(["a film"])[0]).max() < 1e-5
    assert embedder(max_length=50).max_length == 11  # no more than the model reads


def test_scores_are_those_of_the_cosines():
    task = embedder()
    pairs = ScoredPairs(TEXTS[:3], TEXTS[4:6] + TEXTS[:1], [0.3, 0.9, 0.1])
    a, b = (task.encode(side).astype(np.float64) for side in (pairs.first, pairs.second))
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    ranks = np.argsort(np.argsort(cosines))
    found = task.evaluate(pairs)
    assert found["pearson"] == pytest.approx(np.corrcoef(cosines, pairs.scores)[0, 1], abs=1e-3)
    assert found["spearman"] == pytest.approx(1 - 6 * ((ranks - [1, 2, 0]) ** 2).sum() / (3 * 8))
    assert found.main == "spearman"
    constant = task.evaluate(ScoredPairs(["a"] * 3, ["a film"] * 3, [1.0, 2.0, 3.0]))
    assert math.isnan(constant["pearson"])


class Given(Embedder):
    """An encoder whose vectors are given, by text."""

    def __init__(self, table):
        self.table = {text: np.array(vector, np.float32) for text, vector in table.items()}

    def encode(self, texts, max_tokens=0, precision="float32"):
        return np.stack([self.table[text] for text in texts])


def angle(degrees):
    return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]


def test_positives_are_ranked_among_all_texts_that_do_not_belong():
    # Angles of the anchors a, b, c and of their positives; a has two, and the text n is a negative of c alone.
    angles = {"a": 0, "b": 50, "c": 90, "p": 20, "q": 60, "r": 41, "n": 80, "s": 10}
    task = Given({text: angle(degrees) for text, degrees in angles.items()})
    pairs = PositivePairs(["a", "b", "c", "a"], ["p", "q", "r", "s"], [(), (), ("n",), ()])
    # a, p: only r, q and n are others, all farther: rank 1. b, q at 10 degrees: r at 9 is nearer, rank 2.
    # c, r at 49 degrees: n at 10 and q at 30 are nearer, rank 3. a, s: rank 1.
    found = task.evaluate(pairs)
    assert found == {"mrr": pytest.approx((1 + 1 / 2 + 1 / 3 + 1) / 4), "accuracy": 0.5}
    assert found.main == "mrr"


def test_the_nearest_other_text_has_the_same_label():
    task = Given({"a": angle(0), "b": angle(10), "c": angle(25), "d": angle(80), "e": angle(85)})
    assert task.evaluate(Examples(list("abcde"), ["x", "x", "y", "y", "y"]))["accuracy"] == 4 / 5
    with pytest.raises(UserError, match="vectors are compared by single texts of one label each"):
        task.evaluate(Examples(["a", "b"], ["x", "y"], text_pairs=["c", "d"]))


def test_documents_are_found_by_their_vectors():
    documents = [SearchDocument("1", "", "a"), SearchDocument("2", "b", "c"), SearchDocument("3", "", " ")]
    task = Given({"a": [3, 0], "b c": [1, 1], "x": [0, 2], "y": [5, 1]})
    found = task.evaluate(Collection(documents, {"7": "x", "8": "y", "9": "z"}, {"7": {"1": 1, "3": 1}, "8": {"2": 1}}))
    # x: 2, 1, of 1 and 3, which is empty and not found; y: 1, 2, of 2.
    assert found["map"] == pytest.approx((1 / 2 / 2 + 1 / 2) / 2)
    assert found["mrr"] == 0.5
    assert found["recall_at_100"] == (1 / 2 + 1) / 2
    at = [1 / np.log2(3) / (1 + 1 / np.log2(3)), 1 / np.log2(3)]
    assert found["ndcg_at_10"] == pytest.approx(sum(at) / 2)
    with pytest.raises(UserError, match="2 documents and 0 queries with judgements"):
        task.evaluate(Collection(documents, {"7": "x"}, {}))


def test_collections_and_pairs_are_evaluated_from_the_command_line(tmp_path, capsys):
    folder = save_bundle(embedder(), "bert", tmp_path / "b", {"arguments": {"seed": 0}})
    (tmp_path / "corpus.jsonl").write_text('{"_id": "1", "text": "a film"}\n{"_id": "2", "text": "dull"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "a film"}\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\t1\t1\n")
    found = json.loads(run(capsys, "evaluate", folder, "--data", tmp_path, "--json"))
    assert found == {"ndcg_at_10": 1.0, "map": 1.0, "mrr": 1.0, "recall_at_100": 1.0, "precision_at_10": 0.1}
    (tmp_path / "p.csv").write_text("x,y,z\na film,a film ,2\nwarm,warm and dull,1\ndull,dull day,3\n")
    named = ("evaluate", folder, "--data", tmp_path / "p.csv", "--text", "x", "--text-pair", "y", "--json")
    assert json.loads(run(capsys, *named)).keys() == {"mrr", "accuracy"}
    assert json.loads(run(capsys, *named, "--label", "z")).keys() == {"spearman", "pearson"}
    with pytest.raises(UserError, match="is a collection for search; leave --text, --text-pair and --label out"):
        run(capsys, "evaluate", folder, "--data", tmp_path, "--text", "x")
    (tmp_path / "l.csv").write_text("text,label\na film,up\na warm film,up\ndull,down\ndull and warm,down\n")
    assert json.loads(run(capsys, "evaluate", folder, "--data", tmp_path / "l.csv", "--json")).keys() == {"accuracy"}


def test_what_is_no_list_of_texts_is_refused():
    task = embedder()
    assert (task.encode("a film") == task.encode(["a film"])[0]).all(), "one text has one vector"
    with pytest.raises(UserError, match="there are no pairs"):
        task.evaluate(ScoredPairs([], [], []))
    with pytest.raises(UserError, match="unknown pooling 'middle'"):
        embedder("middle")
    with pytest.raises(UserError, match="2 first texts, 1 second ones and 2 scores"):
        ScoredPairs(["a", "b"], ["c"], [1.0, 2.0])


def test_broken_weights_give_no_vectors():
    task = embedder()
    task.model.embedding.weight.data.fill_(torch.nan)
    with pytest.raises(NotFinite, match="the model gave vectors that are NaN"):
        task.encode(TEXTS)


def test_a_bundle_is_used_from_the_command_line(tmp_path, capsys):
    folder = save_bundle(embedder("cls", True, 5), "bert", tmp_path / "b", {"arguments": {"seed": 0}})
    (tmp_path / "pairs.csv").write_text("sentence1,sentence2,score\na film,a warm film,4\ndull,a film,1\nwarm,dull,2\n")
    found = json.loads(run(capsys, "evaluate", folder, "--data", tmp_path / "pairs.csv", "--json"))
    assert found["spearman"] == pytest.approx(
        lingon.load(folder).evaluate(load_pairs(tmp_path / "pairs.csv"))["spearman"]
    )
    line = json.loads(run(capsys, "predict", folder, "a film", "--format", "jsonl"))
    assert line["vector"] == lingon.load(folder).encode(["a film"])[0].tolist()
    assert "12 numbers]  a film" in run(capsys, "predict", folder, "a film")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pooling": "middle"}, "key 'pooling' is 'middle', expected mean or cls or max"),
        ({"normalize": 1}, "key 'normalize' is '1', expected true or false"),
        ({"max_length": 0}, "key 'max_length' is 0, expected 1 or more"),
    ],
)
def test_a_wrong_config_is_refused(change, message, tmp_path):
    folder = save_bundle(embedder(), "bert", tmp_path / "b", {})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(DataError, match=rf"config\.json: {message}"):
        lingon.load(folder)


WRONG_TABLES = {
    "a side missing": ("sentence1,sentence2,score\na,,1\n", r"pairs.csv:2: no text in column 'sentence2'"),
    "no number": ("sentence1,sentence2,score\na,b,high\n", r"pairs.csv:2: 'high' in column 'score' is not a number"),
    "other columns": ("x,y,z\na,b,1\n", "not obvious which columns are the two texts of a pair, of x, y, z"),
    "infinite": ("sentence1,sentence2,score\na,b,inf\n", "'inf' in column 'score' is not a number"),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_wrong_tables_of_pairs_are_refused(name, tmp_path):
    content, message = WRONG_TABLES[name]
    (tmp_path / "pairs.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        load_pairs(tmp_path / "pairs.csv")


def test_bad_rows_can_be_left_out(tmp_path, capsys):
    (tmp_path / "pairs.tsv").write_text("first\tsecond\trating\na\tb\t1\nc\t\t2\nd\te\tx\nf\tg\t3\n")
    assert load_pairs(tmp_path / "pairs.tsv", on_bad_row="skip") == ScoredPairs(["a", "f"], ["b", "g"], [1.0, 3.0])
    assert "pairs from columns 'first' and 'second', scores 'rating'" in capsys.readouterr().err


def test_a_corpus_of_pairs_is_named_when_it_is_misspelt():
    with pytest.raises(UserError, match="'stbs' is neither a corpus of pairs nor a file; did you mean 'stsb'"):
        load_pairs("stbs")


@pytest.mark.data
def test_stsb_is_whole():
    assert [len(load_pairs("stsb", part)) for part in ("train", "valid", "test")] == [5749, 1500, 1379]


@pytest.mark.data
def test_a_table_of_vectors_scores_on_stsb_as_it_does_elsewhere():
    assert lingon.load("wordllama").evaluate(load_pairs("stsb"))["spearman"] == pytest.approx(0.7588, abs=5e-5)


@pytest.mark.data
@pytest.mark.long
@pytest.mark.parametrize(("name", "wanted"), [("minilm-l6", 0.8203), ("minilm-l3", 0.8241)])
def test_published_encoders_score_on_stsb_as_they_do_elsewhere(name, wanted):
    assert lingon.load(name).evaluate(load_pairs("stsb"))["spearman"] == pytest.approx(wanted, abs=5e-5)


@pytest.mark.data
@pytest.mark.long
def test_other_precisions_score_nearly_the_same_on_stsb():
    task, pairs = lingon.load("minilm-l6"), load_pairs("stsb")
    texts = pairs.first + pairs.second
    exact = task.encode(texts)
    for precision, cosine, apart in (("bfloat16", 0.9999, 5e-4), ("int8", 0.99, 5e-3)):
        found = task.encode(texts, precision=precision)
        kept = (found * exact).sum(1)
        assert (kept.mean() if precision == "int8" else kept.min()) > cosine
        cosines = (found[: len(pairs)] * found[len(pairs) :]).sum(1)
        assert spearman(cosines.tolist(), pairs.scores).rho == pytest.approx(0.8203, abs=apart)
