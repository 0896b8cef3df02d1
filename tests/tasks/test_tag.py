"""The task `tag`: what it says by hand, its training from nothing and from weights, its page, and what is refused."""

import csv
import json
import re
import threading
from dataclasses import replace
from itertools import product

import pytest
import torch

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.core.files import read_json
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences
from lingon.data.tokenizers import spaces, words
from lingon.layers.lora import adapters_in
from lingon.models.registry import build
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.train import train_task
from lingon.tasks.embed import Embedder
from lingon.tasks.tag import Tagger
from lingon.tasks.tag.allowed_tags import forbidden_transitions
from lingon.tasks.tag.page import write_page
from lingon.tasks.tag.scoring import metrics_of, scores_of
from lingon.tasks.tag.settings import Settings
from lingon.tasks.tag.tagged_text import Sentence, tagged_text
from tests.tasks.toy_sentences import Given, parts_of_speech, slots, splits

RUN = {"arguments": {"seed": 3}, "data": {"name": "toy"}}
BIO = ["B-place", "I-place", "O"]
SMALL = ["hidden=6", "char_width=3", "channels=4"]


def run(capsys, *arguments):
    app([str(a) for a in arguments], standalone_mode=False)
    return capsys.readouterr().out


def tagger(tags=BIO, labels=(), crf=False, seed=0):
    """A tagger with random weights, large enough for differences to show."""
    torch.manual_seed(seed)
    tokenizer = spaces([" ".join(sentence.words) for sentence in slots(30)])
    sizes = {"vocab_size": len(tokenizer.vocab), "tags": len(tags), "labels": len(labels), "crf": crf}
    sizes |= {"width": 7, "hidden": 5, "char_width": 3, "channels": 5}
    model = build("bilstm_crf", sizes)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.5)
    return Tagger(model.eval(), tokenizer, tags, labels)


def encoder(width=8):
    """An encoder with its tokenizer, as a published one is loaded."""
    torch.manual_seed(2)
    tokenizer = words([" ".join(s.words) for s in [*parts_of_speech(50), *slots(50)]]).with_template()
    model = build("bert", {"vocab_size": len(tokenizer.vocab), "width": width, "heads": 2, "context_length": 17})
    return Embedder(model, tokenizer)


def trained(folder, settings, make=parts_of_speech, **flags):
    return train_task("tag", Given(splits(make)), settings, FolderSettings(out=str(folder), **flags))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The folder of a run: slots and intents of the toy language, learned without mistakes."""
    folder = tmp_path_factory.mktemp("runs") / "places"
    trained(folder, Settings(width=12, set=SMALL, dropout=0.1, epochs=12, lr=0.02, evals=2), slots)
    return folder


@torch.no_grad()
def scores_by(task, sentence):
    """What the model of a task gives for one sentence."""
    (batch,) = task.batches(TaggedSentences([sentence]), max_tokens=99)
    return task.model(batch.ids, batch.mask, batch.first, batch.words, batch.characters)


def test_spans_have_the_characters_of_the_text():
    text = "Fly  to New York, now"
    offsets = [(0, 3), (5, 7), (8, 11), (12, 16), (16, 17), (18, 21)]
    sentence = Sentence(text, [text[a:b] for a, b in offsets], offsets)
    found = tagged_text(sentence, ["O", "O", "B-place", "I-place", "O", "B-time"], True, ("book", 0.875), "NER")
    assert [(s.start, s.end, s.text, s.type) for s in found.spans] == [
        (8, 16, "New York", "place"),
        (18, 21, "now", "time"),
    ]
    assert str(found) == "book          87.5%  Fly  to [New York](place), [now](time)"
    assert list(found.row()) == ["text", "label", "probability", "spans", "words", "tags"]
    assert found.pieces() == [("Fly  to ", ""), ("New York", "place"), (", ", ""), ("now", "time")]
    lines = found.formatted("conllu").splitlines()
    assert lines[:2] == ["# text = Fly to New York, now", "# label: book"]
    assert lines[5] == "4\tYork\t_\t_\t_\t_\t_\t_\t_\tNER=I-place|SpaceAfter=No"
    assert (
        found.formatted("conll")
        == "# label: book\n"
        + "".join(f"{word}\t{tag}\n" for word, tag in zip(sentence.words, found.tags, strict=True))
        + "\n"
    )


def test_tags_of_words_are_shown_behind_their_words():
    found = tagged_text(Sentence.of_words(["a", "cat", "."]), ["DET", "NOUN", "PUNCT"], False)
    assert (str(found), found.text) == ("a/DET cat/NOUN ./PUNCT", "a cat .")
    touching = tagged_text(
        Sentence("I don't", ["I", "do", "n't"], [(0, 1), (2, 4), (4, 7)]), ["PRON", "AUX", "PART"], False
    )
    assert str(touching) == "I/PRON do/AUX n't/PART"
    assert found.row() == {"text": "a cat .", "words": ["a", "cat", "."], "tags": ["DET", "NOUN", "PUNCT"]}
    assert found.formatted("conllu").splitlines()[2] == "2\tcat\t_\tNOUN\t_\t_\t_\t_\t_\t_"


def test_i_begins_no_span():
    found = forbidden_transitions(["B-a", "B-b", "I-a", "I-b", "O"])
    assert (found.start < 0).tolist() == [False, False, True, True, False]
    allowed = {("B-a", "I-a"), ("I-a", "I-a"), ("B-b", "I-b"), ("I-b", "I-b")}
    names = ["B-a", "B-b", "I-a", "I-b", "O"]
    for i, before in enumerate(names):
        for j, after in enumerate(names):
            assert (found.pairs[i, j] < 0) == (after[0] == "I" and (before, after) not in allowed)
    assert forbidden_transitions(["NOUN", "VERB"]) is None


@pytest.mark.parametrize("crf", [False, True])
def test_what_is_said_keeps_to_the_scheme_and_is_the_likeliest_that_does(crf):
    """Against all sequences of tags, of the scores that the model gives."""
    task = tagger(crf=crf)
    with torch.no_grad():
        task.model.head.output.bias[1] += 3  # it would say I- where none has begun
    sentences, free = [sentence.words for sentence in slots(15)], 0
    for words_of, tags in zip(sentences, task.decoded(sentences).tags, strict=True):
        scores = scores_by(task, TaggedSentence(words_of, ("O",) * len(words_of))).tags[0]
        start, pairs, end = (
            task.model.head.crf.transitions if crf else (torch.zeros(3), torch.zeros(3, 3), torch.zeros(3))
        )
        paths = torch.tensor([*product(range(3), repeat=len(words_of))])
        values = scores[torch.arange(len(words_of)), paths].sum(1) + start[paths[:, 0]] + end[paths[:, -1]]
        values = values + pairs[paths[:, :-1], paths[:, 1:]].sum(1)
        begun = torch.cat([torch.full((len(paths), 1), 2), paths[:, :-1]], 1)
        legal = ~((paths == 1) & (begun == 2)).any(1)
        assert tags == paths[values.masked_fill(~legal, -torch.inf).argmax()].tolist()
        free += paths[values.argmax()].tolist() != tags
    assert free  # without the scheme it would have said something else


def test_scores_by_hand():
    true = [("B-a", "I-a", "O"), ("B-b",)]
    said = [["B-a", "I-a", "O"], ["B-a"]]
    found = metrics_of(true, said, True, (["x", "y"], ["y", "y"]), 0.5)
    assert found == {
        "sentence_accuracy": 0.0, "label_accuracy": 0.5, "f1": 0.5, "precision": 0.5, "recall": 0.5,
        "accuracy": 0.75, "loss": 0.5,
    }  # fmt: skip
    whole = scores_of(true, said, True, (["x", "y"], ["x", "y"]), 0.5)
    assert (whole.main, whole["sentence_accuracy"]) == ("sentence_accuracy", 0.5)
    assert whole.tables["per_type"]["b"]["recall"] == 0
    words_only = scores_of([("N", "V", "N")], [["N", "N", "N"]], False, None, 0.5)
    assert (words_only.main, words_only["accuracy"]) == ("accuracy", pytest.approx(2 / 3))
    assert words_only.tables["per_tag"]["N"]["precision"] == pytest.approx(2 / 3)
    assert words_only.tables["per_tag"]["V"]["recall"] == 0


def test_the_loss_is_a_mean_over_words_of_tags_and_labels():
    task = tagger(labels=["book", "ask"])
    sentences = slots(7)
    total = words_seen = 0.0
    for sentence in sentences:
        scores = scores_by(task, sentence)
        own = scores.tags[0].log_softmax(-1)
        count = len(sentence.words)
        total -= sum(float(own[i, BIO.index(tag)]) for i, tag in enumerate(sentence.tags))
        total -= count * float(scores.labels[0].log_softmax(-1)[["book", "ask"].index(sentence.label)])
        words_seen += count
    assert task.evaluate(sentences)["loss"] == pytest.approx(total / words_seen, rel=1e-5)


def test_a_run_learns_slots_and_intents(places, capsys):
    record = read_json(places / "run.json")
    assert record["test"]["sentence_accuracy"] == 1
    assert record["test"]["f1"] == 1
    task = lingon.load(places)
    found = task.predict("fly to New York now")
    assert (found.label, [(s.text, s.type) for s in found.spans]) == ("book", [("New York", "place")])
    assert task.predict([["where", "is", "Rome"], ""])[0].label == "ask"
    assert task.predict([""])[0].tags == []
    page = (places / "report.html").read_text()
    assert "<p>None.</p>" in page.split("Most confident and wrong")[1].split("Most confident and right")[0]
    assert "how many spans are so" in page
    assert task.evaluate(splits(slots).test) == pytest.approx(record["test"])
    lines = run(capsys, "predict", places, "where is Paris now").splitlines()
    assert lines[0].endswith("where is [Paris](place) now")
    row = json.loads(run(capsys, "predict", places, "where is Paris now", "--format", "jsonl"))
    assert row["spans"] == [{"start": 9, "end": 14, "text": "Paris", "type": "place"}]


def test_many_sentences_are_said_as_one_by_one(places):
    task = lingon.load(places)
    sentences = [list(s.words) for s in slots(1500, 5)]
    many = task.predict(sentences)  # enough of them for the layout for speed
    assert [found.tags for found in many[:50]] == [task.predict([one])[0].tags for one in sentences[:50]]


def test_eight_threads_say_what_one_says(places):
    task = lingon.load(places)
    texts = [" ".join(s.words) for s in slots(40, 6)]
    alone, found = task.predict(texts), {}
    threads = [threading.Thread(target=lambda i=i: found.update({i: task.predict(texts)})) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(one == alone for one in found.values())


def test_vectors_of_words_are_known_beyond_the_training_sentences(tmp_path):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("".join(f"{word} {i} 1 {i}\n" for i, word in enumerate(["cat", "horse", "the", "Horse", "saw"])))
    record = trained(tmp_path / "run", Settings(set=SMALL, vectors=str(vectors), freeze=True, epochs=1, steps=3))
    task = lingon.load(tmp_path / "run")
    known = list(task.tokenizer.vocab)
    assert {"cat", "horse"} <= set(known)
    assert "Horse" not in known
    assert task.model.embedding.weight[known.index("horse")].tolist() == [1, 1, 1]
    assert task.tokenizer.encode("HORSE") == [known.index("horse")]
    assert record["coverage"] == pytest.approx(4 / len(known))
    with pytest.raises(UserError, match=r"--width is 5, the vectors of .* have 3; leave --width out"):
        trained(tmp_path / "other", Settings(width=5, vectors=str(vectors)))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """An encoder in a bundle, to start from."""
    return str(save_bundle(encoder(), "bert", tmp_path_factory.mktemp("encoder") / "b", RUN))


@pytest.mark.parametrize("tuning", [None, "frozen", "lora", "head-first"])
@pytest.mark.parametrize("crf", [False, True])
def test_an_encoder_gets_a_head(tuning, crf, source, tmp_path):
    settings = Settings(from_=source, tuning=tuning, crf=crf, epochs=1, steps=6, layer_lr_decay=0.9, evals=1)
    record = trained(tmp_path / "run", settings, slots)
    assert record["arguments"]["head_lr"] > record["arguments"]["lr"] or tuning == "frozen"
    task = lingon.load(tmp_path / "run")
    assert (task.tags, task.labels) == (BIO, ["ask", "book"])
    assert (task.model.head.crf is not None) == crf
    assert not list(adapters_in(task.model))
    assert (tmp_path / "run" / "adapter").exists() == (tuning == "lora")
    before, after = encoder().model.blocks[0], task.model.encoder.blocks[0]
    same = all(torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))
    assert same == (tuning == "frozen")


@pytest.mark.parametrize("characters", [None, True, False])
def test_characters_are_read_beside_an_encoder_that_is_blind_to_capitals(characters, source, tmp_path):
    settings = Settings(from_=source, characters=characters, steps=2, evals=1)
    trained(tmp_path / "run", settings, slots)
    task = lingon.load(tmp_path / "run")
    assert (task.model.characters is not None) == (characters is not False)
    trained(
        tmp_path / "again", replace(settings, from_=str(tmp_path / "run"), steps=1, lr=1e-9, characters=None), slots
    )
    again = lingon.load(tmp_path / "again").model
    torch.testing.assert_close(again.head.output.weight, task.model.head.output.weight)
    if characters:
        with pytest.raises(UserError, match="--characters counts with --from"):
            replace(settings, from_=None).checked()


def test_a_tagger_goes_on_with_its_tags_or_gets_another_head(places, source, tmp_path, capsys):
    first = lingon.load(places).model
    trained(tmp_path / "same", Settings(from_=str(places), steps=1, lr=1e-9), slots)
    again = lingon.load(tmp_path / "same").model
    torch.testing.assert_close(again.head.output.weight, first.head.output.weight)
    trained(tmp_path / "other", Settings(from_=str(places), steps=1, lr=1e-9))
    assert "the tags differ from those of" in capsys.readouterr().err
    other = lingon.load(tmp_path / "other")
    torch.testing.assert_close(other.model.lstm.forwards[0].weight_hh_l0, first.lstm.forwards[0].weight_hh_l0)
    assert other.tags == ["ADJ", "DET", "NOUN", "VERB"]
    trained(tmp_path / "a", Settings(from_=source, steps=2), slots)
    trained(tmp_path / "b", Settings(from_=str(tmp_path / "a"), steps=2, max_length=9))
    assert lingon.load(tmp_path / "b").model.max_length == 9


def test_a_stopped_run_ends_as_one_that_was_not(source, tmp_path, monkeypatch):
    from lingon.tasks.tag import prepare

    settings = Settings(from_=source, epochs=1, steps=8, evals=2, refit=True, device="cpu")
    trained(tmp_path / "whole", settings, slots)
    seen, loss = [], prepare.tag_loss

    def stopped(module, batch):
        seen.append(1)
        if len(seen) == 6:
            raise KeyboardInterrupt
        return loss(module, batch)

    with monkeypatch.context() as patch:
        patch.setattr(prepare, "tag_loss", stopped)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "stopped", settings, slots)
    trained(tmp_path / "stopped", settings, slots, resume=True)
    whole, again = (lingon.load(tmp_path / name).model.state_dict() for name in ("whole", "stopped"))
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def columns(path, sentences):
    """Write sentences as columns of words and tags."""
    blocks = ("".join(f"{w} {t}\n" for w, t in zip(s.words, s.tags, strict=True)) for s in sentences)
    path.write_text("\n".join(blocks))
    return path


def test_the_command_line_trains_evaluates_and_tags_files(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, test = columns(tmp_path / "a.conll", slots(90)), columns(tmp_path / "b.conll", slots(20, 3))
    small = ["--width", 5, *(flag for size in SMALL for flag in ("--set", size))]
    flags = ["--epochs", 2, "--no-crf", "--refit", "--device", "cpu", "--out", "r", *small]
    said = run(capsys, "train", "tag", "--data", data, "--test", test, *flags)
    assert "try next: lingon predict r 'A sentence.'" in said
    found = json.loads(run(capsys, "evaluate", "r", "--data", test, "--json"))
    assert found["f1"] == pytest.approx(read_json("r/run.json")["test"]["f1"])
    assert found["per_type"]["place"]["support"] == 20
    lines = run(capsys, "predict", "r", "--file", test, "--format", "conll").split("\n\n")[:-1]
    assert [[row.split("\t")[0] for row in block.splitlines()] for block in lines] == [
        list(s.words) for s in slots(20, 3)
    ]
    with pytest.raises(
        UserError, match=r"classifiers, image classifiers, .*chat models, captioners and segmenters can be exported"
    ):
        run(capsys, "export", "r", "--to", "onnx")
    (tmp_path / "lines.txt").write_text("fly to Rome\nwhere is Paris\n")
    assert len(run(capsys, "predict", "r", "--file", "lines.txt").splitlines()) == 2
    assert "2 rows with spans, words and tags" in run(capsys, "predict", "r", "--file", "lines.txt", "--out", "o.csv")
    rows = [
        json.loads(row) for row in run(capsys, "predict", "r", "--file", "lines.txt", "--format", "jsonl").splitlines()
    ]
    with open("o.csv", newline="", encoding="utf-8") as file:
        cells = [*csv.DictReader(file)]
    assert [json.loads(cell["spans"]) for cell in cells] == [row["spans"] for row in rows]
    assert [cell["tags"].split("|") for cell in cells] == [row["tags"] for row in rows]


def test_what_else_is_in_a_conllu_file_stays(places, tmp_path, capsys):
    text = "# sent_id = 7\n# text = fly to Rome\n1\tfly\tfly\tVERB\t_\t_\t0\troot\t_\tNER=O|Gloss=x\n"
    text += "2\tto\tto\tADP\t_\t_\t3\tcase\t_\t_\n3\tRome\tRome\tPROPN\t_\t_\t1\tobl\t_\t_\n\n"
    (tmp_path / "a.conllu").write_text(text)
    found = run(capsys, "predict", places, "--file", tmp_path / "a.conllu", "--format", "conllu")
    expected = text.replace("NER=O|Gloss=x", "NER=O|Gloss=x").replace("case\t_\t_", "case\t_\tNER=O")
    assert found == expected.replace("obl\t_\t_", "obl\t_\tNER=B-place")


def test_a_page_shows_spans_in_colours(places, tmp_path, capsys):
    run(capsys, "predict", places, "fly to New <York>", "--page", tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text()
    assert "place" in page
    assert "&lt;" in page
    assert "<York>" not in page
    with pytest.raises(UserError, match=r"--page .* ends in '.txt', expected .html"):
        run(capsys, "predict", places, "fly", "--page", tmp_path / "p.txt")


def test_an_evaluation_is_a_page(places, tmp_path):
    task, some = lingon.load(places), splits(slots).test
    assert task.evaluate_with_page(some, tmp_path / "p.html", "mine") == task.evaluate(some)
    page = (tmp_path / "p.html").read_text()
    assert all(part in page for part in ("<h1>mine: ", "Most confident and right", "how many spans are so"))
    with pytest.raises(UserError, match=r"ends in '.txt', expected .html"):
        task.evaluate_with_page(some, tmp_path / "p.txt", "mine")
    with pytest.raises(UserError, match="evaluate_with_page takes TaggedSentences"):
        task.evaluate_with_page([], tmp_path / "p.html", "mine")


def test_a_page_predicts_nothing_twice(places, tmp_path, capsys, monkeypatch):
    from lingon.tasks.tag import Tagger

    counts, predict = [], Tagger.predict
    monkeypatch.setattr(Tagger, "predict", lambda task, texts: (counts.append(len(texts)), predict(task, texts))[1])
    (tmp_path / "in.txt").write_text("fly to Rome\nwhere is Rome\n")
    of_file = ("--file", tmp_path / "in.txt", "--page", tmp_path / "p.html")
    for flags in (of_file, (*of_file, "--out", tmp_path / "o.jsonl")):
        counts.clear()
        run(capsys, "predict", places, *flags)
        assert sum(counts) == 2
        assert "2 sentences" in (tmp_path / "p.html").read_text()


def test_a_type_has_one_colour_on_every_page(tmp_path):
    def hue(tags):
        words = [chr(97 + i) for i in range(len(tags))]
        sentence = Sentence(" ".join(words), words, [(2 * i, 2 * i + 1) for i in range(len(tags))], None)
        page = write_page(tmp_path / "p.html", [tagged_text(sentence, tags, True)], "m", ["dish", "person", "place"])
        return re.findall(r"--hue: (\d+)\">(\w+)</mark>", page.read_text())

    assert hue(["B-place", "B-person"]) == [("138", "person"), ("275", "place")]
    assert hue(["B-person", "O", "B-place"]) == hue(["B-place", "B-person"])
    assert hue(["B-place"]) == [("275", "place")]


def test_a_file_is_written_back_and_shown_on_a_page_at_once(places, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("fly to Rome\n")
    flags = ("--file", tmp_path / "in.txt", "--out", tmp_path / "o.jsonl", "--page", tmp_path / "p.html")
    assert "1 row with label" in run(capsys, "predict", places, *flags)
    assert "1 sentence" in (tmp_path / "p.html").read_text()
    with pytest.raises(UserError, match="is a folder; expected a file"):
        run(capsys, "predict", places, "--file", tmp_path)


def test_sentences_are_written_as_conllu_and_conll(places, capsys):
    found = run(capsys, "predict", places, "fly to Rome", "where is Rome", "--format", "conllu")
    assert found.count("# text = ") == 2
    assert "\n\n# text" in found
    assert found.endswith("\n\n")
    assert run(capsys, "predict", places, "fly to Rome", "--format", "conll").splitlines()[-2:] == ["Rome\tB-place", ""]
    with pytest.raises(UserError, match="format 'xml'"):
        run(capsys, "predict", places, "fly", "--format", "xml")


def test_what_cannot_be_tagged_is_refused(places):
    task = tagger()
    with pytest.raises(UserError, match="a sentence is a text or a list of words, not 7"):
        task.predict([7])
    with pytest.raises(
        UserError, match="evaluate takes TaggedSentences, words with tags, not TaggedSplits; give one part"
    ):
        task.evaluate(splits(slots))
    with pytest.raises(UserError, match="this tagger knows none of them, but B-place, I-place, O"):
        task.evaluate(TaggedSentences([TaggedSentence(("a",), ("X",))]))
    with pytest.raises(UserError, match="there are no sentences to evaluate on"):
        task.evaluate(TaggedSentences([TaggedSentence((), ())]))
    with pytest.raises(UserError, match="different tags"):
        Tagger(task.model, task.tokenizer, ["a", "a"])
    with torch.no_grad():
        task.model.head.output.bias.fill_(float("nan"))
    with pytest.raises(NotFinite):
        task.predict("fly")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(tuning="contrastive", from_="x"), "--tuning is contrastive, which is for classifiers"),
        (Settings(model="encoder_tagger", vectors="glove-6b-50d"), "choose --model bilstm_crf"),
        (Settings(metric="perplexity"), "metric 'perplexity'"),
        (Settings(set=["tags=3"]), "--set 'tags=3'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, message, tmp_path):
    with pytest.raises(UserError, match=message):
        trained(tmp_path / "run", settings)


def test_weights_that_are_no_tagger_are_refused(places, source, tmp_path):
    with pytest.raises(UserError, match=r"--max-length is 99, but .* reads 17 tokens at most"):
        trained(tmp_path / "run", Settings(from_=source, max_length=99))
    with pytest.raises(UserError, match=r"--tuning is lora, but .* is not a head on an encoder"):
        trained(tmp_path / "run", Settings(from_=str(places), tuning="lora"))
    with pytest.raises(UserError, match="metric of these tags 'f1'"):
        trained(tmp_path / "run", Settings(metric="f1"))
    one = TaggedSentences([TaggedSentence(("a", "b"), ("X", "X"))] * 9)
    with pytest.raises(UserError, match=r"all 18 words have the tag 'X'; a tagger needs two or more tags"):
        train_task("tag", Given(replace(splits(), train=one)), Settings(), FolderSettings(out=str(tmp_path / "x")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tags": ["B-place", "O"]}, "2 tags for a model of 3; key 'tags'"),
        ({"tags": ["O", "O", "x"]}, "key 'tags' must hold different printable names, 1 or more"),
        ({"labels": "yes"}, "key 'labels' is 'yes', expected a list of names"),
        ({"labels": ["yes"]}, "1 labels for a model of 0; key 'labels'"),
    ],
)
def test_a_broken_configuration_names_its_key(change, message, tmp_path):
    folder = save_bundle(tagger(), "bilstm_crf", tmp_path / "b", RUN)
    config = read_json(folder / "config.json") | change
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=message):
        lingon.load(folder)
