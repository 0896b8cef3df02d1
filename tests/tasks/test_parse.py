"""Dependency parsing: the loss, decoding, training by the command, what is predicted, and what is invalid."""

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.files.conllu import ConlluRow, ConlluSentence, format_conllu, sentence_of
from lingon.data.load_trees import load_tree_splits, load_trees
from lingon.data.tokenizers import wordpiece
from lingon.data.trees import Tree, TreeSplits
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.models.encoder_parser import EncoderParser
from lingon.models.registry import build
from lingon.tasks.embed import Embedder
from lingon.tasks.parse import Parser
from lingon.tasks.parse.objective import ParseObjective, parse_loss

RELATIONS = ["det", "nsubj", "obj", "obl:x", "punct", "root"]
TREE = Tree(("the", "dog", "saw", "a", "cat", "."), (2, 3, 0, 5, 3, 3), ("det", "nsubj", "root", "det", "obj", "punct"))
SMALL = Tree(("cat", "saw"), (2, 0), ("nsubj", "root"))
WORDS = ["the dog saw a cat ."]
SIZES = {"width": 8, "heads": 2, "depth": 1, "context_length": 16, "arc_width": 7, "relation_width": 5}


def parser(**sizes):
    torch.manual_seed(0)
    tokenizer = wordpiece(WORDS, 40)
    config = {"vocab_size": len(tokenizer.vocab), "classes": len(RELATIONS), **SIZES, **sizes}
    task = Parser(build("encoder_parser", config).eval(), tokenizer, RELATIONS)
    for layer in (task.model.arcs, task.model.relations):
        torch.nn.init.normal_(layer.weight, std=0.5)  # which begin at zero
    return task


def one_by_one(task, tree):
    """Logits of arcs [W, W + 1] and of relations to the true heads [W, R], from the formulas, without batches."""
    model = task.model
    ids = [task.tokenizer.encode(word) for word in tree.words]
    first, row = [], []
    for pieces in ids:
        first.append(len(row))
        row += pieces
    hidden = model.encoder(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.bool))[0]
    x = torch.cat([model.root.weight, hidden[first]])
    of = {name: F.leaky_relu(x @ layer.weight.T + layer.bias, 0.1) for name, layer in model.layers.items()}
    one = torch.ones(len(x), 1)
    arcs = torch.cat([of["dependent"], one], 1) @ model.arcs.weight[0] @ of["head"].T
    left, right = (torch.cat([of[f"relation_{side}"], one], 1) for side in ("dependent", "head"))
    relations = torch.einsum("il,olr,jr->ijo", left, model.relations.weight, right)
    return arcs[1:], torch.stack([relations[i + 1, head] for i, head in enumerate(tree.heads)])


def test_the_loss_is_that_of_heads_and_of_relations_to_true_heads():
    task = parser()
    expected = 0.0
    for tree in (TREE, SMALL):
        arcs, relations = one_by_one(task, tree)
        expected += F.cross_entropy(arcs, torch.tensor(tree.heads), reduction="sum")
        names = torch.tensor([RELATIONS.index(name) for name in tree.relations])
        expected += F.cross_entropy(relations, names, reduction="sum")
    (batch,) = task.batches([SMALL, TREE], max_tokens=99)  # padding and the other sentence change nothing
    found = parse_loss(ParseObjective(task.model), batch)
    torch.testing.assert_close(found.total, expected)
    assert found.count == 8


def test_a_relation_that_is_not_known_is_no_loss_but_its_head_is():
    task = parser()
    strange = Tree(SMALL.words, SMALL.heads, ("never:seen", "root"))
    losses = [
        parse_loss(ParseObjective(task.model), next(iter(task.batches([tree], max_tokens=99)))).total
        for tree in (SMALL, strange)
    ]
    relation = one_by_one(task, SMALL)[1][0].log_softmax(-1)[RELATIONS.index("nsubj")]
    torch.testing.assert_close(losses[0] - losses[1], -relation)


def test_what_is_decoded_is_the_best_tree_with_one_root_relation():
    task = parser()
    for tree in (TREE, SMALL):
        arcs, _ = one_by_one(task, tree)
        (found,) = task.decoded([tree.words])
        n = len(tree)
        best, heads = -math.inf, None
        for candidate in np.ndindex(*[n + 1] * n) if n < 4 else [tuple(found.heads)]:
            try:
                Tree(tree.words, candidate, tree.relations)
            except UserError:
                continue
            score = sum(arcs[i, head].item() for i, head in enumerate(candidate))
            best, heads = max((best, heads), (score, list(candidate)))
        assert found.heads == heads
        relations = one_by_one(task, Tree(tree.words, tuple(heads), tree.relations))[1]
        root = RELATIONS.index("root")
        assert [name == "root" for name in found.relations] == [head == 0 for head in heads]
        for i, head in enumerate(heads):
            allowed = relations[i].clone()
            allowed[[j for j in range(len(RELATIONS)) if (j == root) != (head == 0)]] = -math.inf
            assert found.relations[i] == RELATIONS[int(allowed.argmax())]
            sure = arcs[i].softmax(-1)[head] * allowed.softmax(-1).max()
            assert found.probabilities[i] == pytest.approx(sure.item(), abs=1e-5)


def test_sentences_together_are_those_alone_also_long_and_empty_ones():
    task = parser()
    random = np.random.default_rng(0)
    sentences = [tuple(random.choice(["the", "dog", "saw", "cat"], n)) for n in (3, 0, 40, 1, 9)]
    together = task.decoded(sentences)
    for words, found in zip(sentences, together, strict=True):
        assert len(found.heads) == len(found.relations) == len(words)
        (alone,) = task.decoded([words])
        assert (found.heads, found.relations) == (alone.heads, alone.relations)
        Tree(words, tuple(found.heads), tuple(found.relations))
    assert task.decoded([]) == []


def test_a_sentence_of_five_thousand_words_gets_a_tree():
    (found,) = parser(depth=1).predict([["dog", "saw"] * 2500])
    assert len(found.tree) == 5000
    assert len(str(found).splitlines()) == 5001
    assert len(str(found)) < 2_000_000
    with pytest.raises(UserError, match="a sentence of 5,000 words is too long for a picture; it may have 300"):
        found.svg()


def test_forty_steps_learn_two_sentences():
    task = parser(dropout=0.0)
    task.model.train()
    fit(
        ParseObjective(task.model),
        task.batches([TREE, SMALL], max_tokens=99),
        parse_loss,
        adamw(task.model, 0.02),
        config=TrainConfig(steps=60),
    )
    found = task.evaluate([TREE, SMALL])
    assert (found["uas"], found["las"], found["clas"]) == (1.0, 1.0, 1.0)
    assert found.tables["per_relation"]["det"]["support"] == 2
    assert found.tables["per_length"]["1-10"]["las"] == 1.0
    assert found.main == "las"
    assert task.evaluator([TREE])(task.model)["las"] == 1.0


def test_dropout_is_one_mask_for_a_sentence_and_off_when_predicting():
    task = parser(dropout=0.5)
    x = torch.ones(3, 5, 400)
    dropped = task.model.train()._dropped(x)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(dropped[0], dropped[1])
    assert task.model.eval()._dropped(x) is x


def test_a_sentence_of_a_file_is_parsed_by_itself_too():
    task, sentence = parser(), sentence_of(["the", "cat", "saw"])
    assert task.predict(sentence) == task.predict([sentence])[0]


@pytest.mark.parametrize("word", ["a\tcat", "a\ncat", "cat\n"])
def test_a_word_that_would_break_the_lines_of_conllu_is_refused(word):
    with pytest.raises(UserError, match="a word has no tabs or line breaks inside"):
        parser().predict([["the", word]])


def test_a_book_on_one_line_is_refused_before_memory_is_taken():
    with pytest.raises(UserError, match="a sentence of 10,001 words, which begins 'saw saw saw saw saw'"):
        parser().predict("saw " * 10_001)
    tree = Tree(("saw",) * 10_001, (*range(10_001),), ("root",) * 10_001)
    with pytest.raises(UserError, match="divide the text into sentences"):
        parser().batches([tree], max_tokens=99)


def test_parts_of_a_folder_are_told_by_whole_words(tmp_path):
    row = "1\t{}\t_\t_\t_\t_\t0\troot\t_\t_\n\n"
    for name in ("latest-train", "contest_validation", "x-ud-test"):
        (tmp_path / f"{name}.conllu").write_text(row.format(name))
    splits = load_tree_splits(tmp_path)
    found = [part[0].words[0] for part in (splits.train, splits.valid, splits.test)]
    assert found == ["latest-train", "contest_validation", "x-ud-test"]


def test_sentences_that_are_trained_and_tested_on_are_told(treebank, capsys):
    load_tree_splits("a.conllu", test="a.conllu")
    assert "of 48 test sentences (" in capsys.readouterr().err
    load_tree_splits("a.conllu")
    assert capsys.readouterr().err == ""


def test_broken_weights_are_said():
    task = parser()
    torch.nn.init.constant_(task.model.arcs.weight, math.nan)
    with pytest.raises(NotFinite, match="the parser gave logits"):
        task.predict("the dog")
    assert math.isnan(task.evaluator([TREE])(task.model)["las"])


def test_a_text_is_divided_and_a_sentence_of_a_file_keeps_its_columns():
    task = parser()
    found = task.predict("Don't see  the cat.")
    assert found.words == ["Do", "n't", "see", "the", "cat", "."]
    assert list(found.row()) == ["text", "words", "heads", "relations"]
    *lines, last = found.formatted("conllu").splitlines()
    assert last == ""
    assert lines[0] == "# text = Don't see the cat."
    assert [line.split("\t")[9] for line in lines[1:]] == ["SpaceAfter=No", "_", "_", "_", "SpaceAfter=No", "_"]
    assert [int(line.split("\t")[6]) for line in lines[1:]] == found.heads
    first = str(found).splitlines()
    assert first[0] == "Don't see  the cat."
    assert first[1].endswith("  root")

    rows = (
        ConlluRow("1-2", "dogs"),
        ConlluRow("1", "dog", "dog", "NOUN", "NN", "Number=Sing", "0", "root", "0:root", "A=1"),
        ConlluRow("2", "s", "s", "PART", "_", "_", "1", "dep"),
        ConlluRow("2.1", "x", deps="1:dep"),
    )
    sentence = ConlluSentence(("# sent_id = 7",), rows)
    (found,) = task.predict([sentence])
    new = found.sentence
    assert (new.comments, new.rows[0], new.rows[3]) == (sentence.comments, rows[0], rows[3])
    assert new.rows[1] == rows[1]._replace(head=str(found.heads[0]), deprel=found.relations[0])
    assert task.predict([["the", "dog"]])[0].heads == task.predict("the dog").heads
    assert task.predict("").row() == {"text": "", "words": [], "heads": [], "relations": []}
    with pytest.raises(UserError, match="a sentence is a text or a list of words, not '3'"):
        task.predict([3])


@pytest.fixture
def treebank(tmp_path, monkeypatch):
    """A file of sentences with trees, in the working directory."""
    monkeypatch.chdir(tmp_path)
    nouns, verbs = ["dog", "cat", "man", "bird"], ["saw", "heard", "met"]
    trees = [
        Tree(("the", a, v, "the", b, "."), TREE.heads, ("det", "nsubj", "root", "det", "obj", "punct"))
        for a in nouns for v in verbs for b in nouns
    ]  # fmt: skip
    text = "".join(format_conllu(conllu(tree)) for tree in trees)
    (tmp_path / "a.conllu").write_text(text)
    return tmp_path


def conllu(tree):
    return sentence_of(tree.words).with_columns({"head": [*map(str, tree.heads)], "deprel": tree.relations})


FLAGS = ["--set", "heads=2", "--set", "depth=1", "--set", "arc_width=16", "--set", "relation_width=8", "--lr", "0.01"]


def run(*arguments):
    app([str(a) for a in arguments], standalone_mode=False)


def test_it_is_trained_and_used_by_the_commands_and_others_start_from_it(treebank, capsys):
    common = ["--data", "a.conllu", "--device", "cpu", "--evals", 2]
    run("train", "parse", *common, "--width", 16, "--epochs", 12, *FLAGS, "--dropout", 0.1, "--out", "r")
    said = capsys.readouterr().out
    assert "try next: lingon predict r 'A sentence.'" in said
    assert "trees are all right" in said
    record = json.loads((treebank / "r" / "run.json").read_text())
    assert record["data"]["train"] + record["data"]["valid"] + record["data"]["test"] == 48
    assert record["test"]["las"] > 0.95
    page = (treebank / "r" / "report.html").read_text()
    assert all(part in page for part in ("LAS by length", "Each relation", "nsubj", "Most confident and right"))
    assert 'aria-label="found: ' in page, "trees are drawn, right ones too"

    run("evaluate", "r", "--data", "a.conllu", "--split", "test", "--json")
    assert json.loads(capsys.readouterr().out)["las"] == record["test"]["las"]
    run("evaluate", "r", "--data", "a.conllu", "--split", "test", "--page", "tested.html")
    capsys.readouterr()
    page = (treebank / "tested.html").read_text()
    assert all(part in page for part in ("r: dependency parsing", "LAS by length", "nsubj", "Most confident and right"))
    (treebank / "some.conllu").write_text("# sent_id = 7\n1\tdog\tDOG\t_\t_\t_\t_\t_\t_\tA=1\n\n" * 2)
    run("predict", "r", "--file", "some.conllu", "--format", "conllu", "--page", "trees.html")
    wanted = "# sent_id = 7\n1\tdog\tDOG\t_\t_\t_\t0\troot\t_\tA=1\n\n"
    assert capsys.readouterr().out == wanted * 2
    assert (treebank / "trees.html").read_text().count("<svg") == 2
    run("predict", "r", "the dog", "a cat", "--page", "tree.html")
    assert len(capsys.readouterr().out.split("\n\n")) == 3
    with pytest.raises(UserError, match=r"'r' is a parser; .* can be exported"):
        run("export", "r", "--to", "onnx")

    # Its relations are known: all is kept. A tree with another relation: the scores of relations are fresh.
    again = lingon.train("parse", "a.conllu", from_="r", out="s", settings={"steps": 1, "lr": 1e-9, "device": "cpu"})
    assert again.evaluate(load_trees("a.conllu"))["las"] > 0.95
    (treebank / "b.conllu").write_text((treebank / "a.conllu").read_text().replace("\tpunct\t", "\tmark\t"))
    capsys.readouterr()
    more = lingon.train("parse", "b.conllu", from_="r", out="t", settings={"steps": 1, "lr": 1e-9, "device": "cpu"})
    assert (
        "r does not know all relations (mark, ...): its relation scores are initialized anew" in capsys.readouterr().err
    )
    found = more.evaluate(load_trees("b.conllu"))
    assert found["uas"] > 0.95
    assert "mark" in more.relations


@pytest.mark.parametrize("tuning", ["full", "frozen", "lora", "head-first"])
def test_it_starts_from_an_encoder_in_all_ways_but_one(treebank, tuning):
    torch.manual_seed(1)
    tokenizer = wordpiece(WORDS, 60)
    encoder = build("bert", {"vocab_size": len(tokenizer.vocab), "width": 16, "heads": 2, "context_length": 32})
    save_bundle(Embedder(encoder, tokenizer), "bert", treebank / "e", {"arguments": {}, "data": {"name": "x"}})
    settings = {"tuning": tuning, "steps": 2, "device": "cpu", "evals": 1}
    task = lingon.train("parse", "a.conllu", from_="e", settings=settings, out=tuning)
    kept = encoder.state_dict()["blocks.0.attention.out.weight"]
    same = torch.equal(task.model.encoder.state_dict()["blocks.0.attention.out.weight"], kept)
    assert same == (tuning == "frozen" or tuning == "lora")
    assert task.model.widths == (400, 100, 0.33)
    with pytest.raises(UserError, match="--tuning is contrastive, which is for classifiers"):
        lingon.train("parse", "a.conllu", from_="e", settings={"tuning": "contrastive"}, out="no")
    with pytest.raises(UserError, match="--width is 7, but --from e brings its model"):
        lingon.train("parse", "a.conllu", from_="e", settings={"width": 7}, out="no")


def test_data_is_a_file_a_folder_or_a_treebank_and_divided_the_same_way(treebank):
    splits = load_tree_splits("a.conllu")
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (34, 4, 10)
    assert not {t.words for t in splits.test} & {t.words for t in splits.train + splits.valid}
    assert load_trees("a.conllu", "test") == splits.test
    assert len(load_trees("a.conllu")) == len(splits.all()) == 48
    folder = treebank / "UD_Mine"
    folder.mkdir()
    text = (treebank / "a.conllu").read_text()
    for part, count in (("train", 20), ("dev", 3), ("test", 5)):
        (folder / f"x-ud-{part}.conllu").write_text("\n\n".join(text.split("\n\n")[:count]) + "\n\n")
    splits = load_tree_splits(folder)
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (20, 3, 5)
    assert splits.source["files"]["valid"]["name"] == "x-ud-dev.conllu"
    assert len(load_trees(folder)) == 5
    assert len(load_trees(folder, "valid")) == 3
    assert len(load_tree_splits("a.conllu", test=folder / "x-ud-test.conllu").test) == 5
    (folder / "y-train.conllu").write_text("")
    with pytest.raises(DataError, match=r"several files for train: x-ud-train.conllu, y-train.conllu; keep one"):
        load_tree_splits(folder)
    with pytest.raises(UserError, match=r"'b.conllu' is neither a treebank nor a file"):
        load_trees("b.conllu")
    (treebank / "c.conllu").write_text("1\ta" + "\t_" * 8 + "\n\n")
    with pytest.raises(DataError, match=r"c.conllu:1: word 1 'a': it has no head"):
        load_tree_splits("c.conllu")
    (treebank / "d.conllu").write_text("\n# nothing\n\n")
    with pytest.raises(DataError, match=r"d.conllu: no sentences"):
        load_tree_splits("d.conllu")


@pytest.mark.data
def test_a_treebank_to_test_on_is_not_trained_on():
    with pytest.raises(UserError, match="'pud-en' has no training part, only test; test on it: lingon evaluate BUNDLE"):
        load_tree_splits("pud-en")
    with pytest.raises(UserError, match="'pud-en' has no part 'valid', only test"):
        load_trees("pud-en", "valid")
    assert len(load_trees("pud-en")) == 1000
    assert len(load_trees("ud-english-ewt", "valid")) == 2001


def test_pages_and_pictures(tmp_path):
    task = parser()
    found = task.predict(["the dog", "a cat saw ."])
    assert "<svg" in task.write_page(tmp_path / "a.html", found, "mine").read_text()
    assert task.write_page(tmp_path / "a.svg", found[:1], "mine").read_text() == found[0].svg()
    with pytest.raises(UserError, match=r"2 sentences; an .svg is of one"):
        task.write_page(tmp_path / "a.svg", found, "mine")
    with pytest.raises(UserError, match=r"ends in '.pdf', expected .html"):
        task.write_page(tmp_path / "a.pdf", found, "mine")
    with pytest.raises(UserError, match="there is no sentence with a word"):
        task.write_page(tmp_path / "a.html", task.predict([""]), "mine")


def test_what_cannot_be_meant():
    task = parser()
    for names in ([], ["a", "a"]):
        with pytest.raises(UserError, match="a parser needs different relations"):
            Parser(task.model, task.tokenizer, names)
    with pytest.raises(DataError, match="key 'relations' must hold different printable names"):
        Parser.check_config({"relations": ["a", 3]}, {"model": {}})
    with pytest.raises(DataError, match="1 relations for a model of 6; keys 'relations' and 'classes'"):
        Parser.check_config({"relations": ["a"]}, {"model": {"classes": 6}})
    with pytest.raises(UserError, match="evaluate takes a list of trees, not TreeSplits; give one part"):
        task.evaluate(TreeSplits([], [], [], "x"))
    with pytest.raises(UserError, match="there are no sentences with words"):
        task.evaluate([Tree((), (), ())])
    assert isinstance(task.model, EncoderParser)
