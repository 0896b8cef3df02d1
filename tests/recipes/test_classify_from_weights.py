"""Classifiers that start from weights: a head on an encoder by every tuning, and bundles of ours gone on with."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import lingon
from lingon.checkpoints.adapter import load_adapter
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.data.batches import Values, text_batches
from lingon.data.tokenizers import wordpiece
from lingon.engine.evaluation import Best, Evaluation
from lingon.engine.log import read_metrics
from lingon.layers.lora import merge_lora
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.registry import build
from lingon.recipes.data_settings import LabelledTexts
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.train import train_task
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify.targets import TARGETS, Regression
from lingon.tasks.tuning_options import HEAD_PATH
from tests.engine.test_distributed import TORCHRUN
from tests.engine.test_reliability import python

GOOD, BAD = ("good", "fine", "warm", "kind"), ("bad", "dull", "poor", "cold")
QUICK = {"steps": 8, "evals": 2, "lr": 0.01}


def table(path, labels=("up", "down"), rows=3):
    pairs = [(word, labels[kind]) for kind, words in enumerate((GOOD, BAD)) for word in words]
    lines = [f"a {word} film {i} {'and long ' * (i % 3)},{label}\n" for i in range(rows * 4) for word, label in pairs]
    path.write_text("text,label\n" + "".join(lines))
    return str(path)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return table(tmp_path_factory.mktemp("data") / "mine.csv")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory, data):
    """A tiny BERT in the Hugging Face layout."""
    torch.manual_seed(0)
    texts = [line.split(",")[0] for line in Path(data).read_text().splitlines()[1:]]
    tokenizer = wordpiece(texts, 120).with_template()
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 12, "heads": 3, "context_length": 16, "dropout": 0.0}
    model = build("bert", sizes)
    for p in model.parameters():
        if p.ndim > 1:
            torch.nn.init.normal_(p.data, std=0.25)
    return str(save_hub(model, tmp_path_factory.mktemp("encoder") / "bert", tokenizer))


def run(data, folder, **given):
    settings = replace(Settings(), device="cpu", **given)
    return train_task("classify", LabelledTexts(data), settings, FolderSettings(out=str(folder)))


def weights(folder):
    return load_file(Path(folder) / "bundle/model.safetensors")


@pytest.fixture(scope="module")
def full(data, encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "full"
    run(data, folder, from_=encoder, layer_lr_decay=0.8, head_lr=0.02, **QUICK)
    return folder


@pytest.mark.parametrize("tuning", ["full", "lora"])
def test_refit_trains_anew_on_training_and_validation_texts(data, encoder, tmp_path, tuning, capsys):
    run(data, tmp_path / "once", from_=encoder, tuning=tuning, **QUICK)
    found = run(data, tmp_path / "again", from_=encoder, tuning=tuning, refit=True, **QUICK)
    assert "refit" in found["seconds"]
    assert found["valid"] == read_json(tmp_path / "once" / "run.json")["valid"]  # of the training that was validated
    once, again = weights(tmp_path / "once"), weights(tmp_path / "again")
    assert once.keys() == again.keys()  # adapters are merged in both
    assert any(not torch.equal(once[name], again[name]) for name in once)


def test_refit_of_contrastive_tuning_is_refused(data, encoder, tmp_path):
    with pytest.raises(UserError, match="--refit is not available for --tuning contrastive"):
        run(data, tmp_path / "x", from_=encoder, tuning="contrastive", refit=True, steps=4)


def test_an_encoder_gets_a_head_and_all_of_it_is_trained(data, encoder, full):
    facts, task = read_json(full / "run.json"), lingon.load(full)
    assert isinstance(task.model, EncoderClassifier)
    assert set(task.labels) == {"up", "down"}
    assert task.max_length == 16  # all that the encoder reads
    assert facts["pretrained"]["name"] == encoder
    assert (facts["arguments"]["model"], facts["arguments"]["batch_size"]) == ("encoder", 32)
    before = lingon.load(encoder).model.state_dict()
    after = {name.removeprefix("encoder."): tensor for name, tensor in weights(full).items()}
    assert all(not torch.equal(after[name], tensor) for name, tensor in before.items())
    assert task.evaluate(lingon.load_data(data).test)["accuracy"] == facts["test"]["accuracy"]
    assert task.predict(["a good film"]) == lingon.load(str(full)).predict(["a good film"])


def test_bfloat16_learns_as_float32_does(data, encoder, full, tmp_path):
    half = run(data, tmp_path / "half", from_=encoder, layer_lr_decay=0.8, head_lr=0.02, precision="bfloat16", **QUICK)
    exact = read_json(full / "run.json")
    assert abs(half["valid"]["loss"] - exact["valid"]["loss"]) < 0.02
    assert abs(half["test"]["accuracy"] - exact["test"]["accuracy"]) <= 0.05
    rows = [read_metrics(folder) for folder in (full, tmp_path / "half")]
    losses = [[row["valid_loss"] for row in each if "valid_loss" in row] for each in rows]
    assert len(losses[0]) == len(losses[1]) > 0
    assert losses[0] != losses[1]
    assert np.abs(np.subtract(*losses)).max() < 0.02


@pytest.mark.parametrize("kind", ["single-label", "multi-label", "regression", "ordinal"])
def test_losses_of_mixed_precision_are_of_float32(encoder, kind):
    torch.manual_seed(0)
    source = lingon.load(encoder)
    labels = {"multi-label": [("1",), (), ("1", "2")], "regression": [0.5, 1.0, 2.0]}.get(kind, ["1", "2", "3"])
    targets = Regression.of(labels) if kind == "regression" else TARGETS[kind](["1", "2", "3"])
    task = Classifier(EncoderClassifier(source.model, targets.outputs).eval(), source.tokenizer, targets, 16)
    found = task.encoded(["a good film", "bad", "a dull film and long"])
    batch = next(
        iter(text_batches(found.ids, columns={"labels": Values("labels", task.numbers(labels))}, max_tokens=99))
    )
    exact = task.loss(task.model, batch)
    with torch.autocast("cpu", torch.bfloat16):
        logits = task.model(batch.ids, batch.mask)
        half = task.loss(task.model, batch)
    assert (logits.dtype, half.total.dtype) == (torch.bfloat16, torch.float32)  # packed: rows are of several lengths
    assert half.total.item() == pytest.approx(targets.loss(logits.float(), batch.labels).total.item(), rel=1e-6)
    assert half.total.item() == pytest.approx(exact.total.item(), rel=0.02)


def test_a_frozen_encoder_stays_and_its_head_is_at_its_optimum(data, encoder, tmp_path):
    record = run(data, tmp_path / "run", from_=encoder, tuning="frozen")
    before, after = lingon.load(encoder).model.state_dict(), weights(tmp_path / "run")
    assert all(torch.equal(after[f"encoder.{name}"], tensor) for name, tensor in before.items())
    assert record["ended"] in ("converged", "not converged")
    assert record["test"]["accuracy"] > 0.9
    one = run(data, tmp_path / "one", from_=encoder, tuning="frozen", C=0.5)
    assert one["arguments"]["C"] == 0.5


def test_a_head_on_frozen_vectors_is_that_of_scikit_learn(data, encoder, tmp_path):
    sklearn = pytest.importorskip("sklearn.linear_model")
    run(data, tmp_path / "run", from_=encoder, tuning="frozen", C=1.0)
    splits, embedder = lingon.load_data(data), lingon.load(encoder)
    train_vectors = embedder.encode(splits.train.texts).astype("float64")
    mean = train_vectors.mean(0)
    scale = ((train_vectors - mean) ** 2).mean() ** 0.5
    theirs = sklearn.LogisticRegression(C=2.0, tol=1e-10, max_iter=10_000)  # of two classes: one row of weights
    theirs.fit((train_vectors - mean) / scale, splits.train.labels)
    wanted = theirs.predict_proba((embedder.encode(splits.test.texts) - mean) / scale)
    found = lingon.load(tmp_path / "run").predict(splits.test.texts)
    # But for the temperature, which was fitted to the validation texts.
    odds = np.log([[one.probabilities[label] for label in theirs.classes_] for one in found])
    ours, wanted = odds[:, 0] - odds[:, 1], np.log(wanted[:, 0] / wanted[:, 1])
    scale = (ours @ wanted) / (wanted @ wanted)
    assert scale > 0
    np.testing.assert_allclose(ours, scale * wanted, atol=2e-2 * np.abs(ours).max())


def test_adapters_of_an_encoder_are_merged_and_kept_alone(data, encoder, tmp_path):
    run(data, tmp_path / "run", from_=encoder, tuning="lora", lora_rank=2, **QUICK)
    before, after = lingon.load(encoder).model.state_dict(), weights(tmp_path / "run")
    changed = {name for name, tensor in before.items() if not torch.equal(after[f"encoder.{name}"], tensor)}
    assert changed == {f"blocks.{i}.attention.qkv.weight" for i in (0, 1)}
    qkv = "blocks.0.attention.qkv.weight"
    rows = (after[f"encoder.{qkv}"] - before[qkv]).abs().sum(1) > 0
    assert rows.tolist() == [True] * 12 + [False] * 12 + [True] * 12  # queries and values
    model = EncoderClassifier(lingon.load(encoder).model, 2)
    merge_lora(load_adapter(model, tmp_path / "run/adapter"))
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, after[name], rtol=0, atol=1e-6)
    assert (tmp_path / "run/adapter/adapter.safetensors").stat().st_size < 4000


def test_the_head_goes_to_its_optimum_first(data, encoder, tmp_path, capsys):
    run(data, tmp_path / "frozen", from_=encoder, tuning="frozen")
    still = run(data, tmp_path / "still", from_=encoder, tuning="head-first", steps=1, evals=1, lr=1e-30, dropout=0.0)
    assert "the head has converged, validation accuracy" in capsys.readouterr().err
    assert still["arguments"]["head_lr"] == 1e-30  # it has learned already
    ours, optimum = weights(tmp_path / "still"), weights(tmp_path / "frozen")
    for name, tensor in optimum.items():
        torch.testing.assert_close(ours[name], tensor, rtol=0, atol=1e-6)


def test_what_a_head_at_its_optimum_begins_with_stays_where_training_makes_it_worse(data, encoder, tmp_path):
    before = lingon.load(encoder).model.state_dict()["embedding.weight"]
    record = run(data, tmp_path / "worse", from_=encoder, tuning="head-first", steps=3, evals=1, lr=10.0, refit=True)
    seen = [row for row in read_metrics(tmp_path / "worse") if "valid_loss" in row]
    assert [row["step"] for row in seen] == [0, 3]
    assert seen[0]["valid_loss"] < seen[1]["valid_loss"]
    assert torch.equal(weights(tmp_path / "worse")["encoder.embedding.weight"], before)
    assert record["test"]["accuracy"] > 0.9  # the head was fitted to all texts in the end

    run(data, tmp_path / "better", from_=encoder, tuning="head-first", steps=80, evals=1, lr=0.001, metric="loss")
    seen = [row for row in read_metrics(tmp_path / "better") if "valid_loss" in row]
    assert seen[0]["valid_loss"] > seen[1]["valid_loss"]
    assert not torch.equal(weights(tmp_path / "better")["encoder.embedding.weight"], before)


def test_the_path_of_a_head_goes_on_while_the_loss_falls():
    evaluation = Evaluation(lambda _: {}, metric="micro_f1", patience=1, loss_is_progress=True)
    best, path = Best(), [(0.50, 0.97), (0.58, 0.93), (0.57, 0.88), (0.60, 0.90), (0.59, 0.95)]
    found = []
    for step, (f1, loss) in enumerate(path):
        best.update(evaluation, step, {"micro_f1": f1, "loss": loss})
        found.append(best.exhausted(evaluation))
    assert (best.step, found) == (3, [False, False, False, False, True])
    assert Best(**asdict(best)) == best


def test_a_head_of_numbers_goes_to_its_optimum_by_a_metric_that_is_better_the_lower(encoder, tmp_path, capsys):
    path = tmp_path / "numbers.csv"
    rows = [
        (f"a {word} film {i}", value + i / 1e3) for i in range(40) for word, value in (("warm", 3.0), ("dull", 1.0))
    ]
    path.write_text("text,label\n" + "".join(f"{text},{value}\n" for text, value in rows))
    record = run(str(path), tmp_path / "run", from_=encoder, tuning="head-first", steps=1, evals=1, lr=1e-30)
    assert "the head has converged, validation RMSE 0." in capsys.readouterr().err
    assert record["head_C"] > HEAD_PATH[0]  # the first of the path is far from 1 and 3
    assert record["test"]["rmse"] < 0.5


def test_heads_of_several_labels_go_to_their_optimum_first(encoder, tmp_path, capsys):
    path = tmp_path / "several.csv"
    kinds = [("warm", "film"), ("dull", "film"), ("warm", "book"), ("dull", "book")]
    rows = [(f"a {tone} {kind} {i}", f"{tone}|{kind}" if i % 4 else tone) for i in range(40) for tone, kind in kinds]
    path.write_text("text,label\n" + "".join(f"{text},{labels}\n" for text, labels in rows))
    record = run(str(path), tmp_path / "run", from_=encoder, tuning="head-first", steps=1, evals=1, lr=1e-30)
    assert "the head has converged, validation micro F1 0." in capsys.readouterr().err
    assert record["data"]["problem_type"] == "multi-label"
    assert record["test"]["micro_f1"] > 0.8


def test_a_refitted_head_has_the_regularisation_that_validation_chose(data, encoder, tmp_path, monkeypatch):
    from lingon.tasks.classify import prepare_pretrained

    asked, fit_head = [], prepare_pretrained.fit_head

    def fitted(classifier, data, settings):
        found = fit_head(classifier, data, settings)
        asked.append((len(data.train), settings.C, found))
        return found

    monkeypatch.setattr(prepare_pretrained, "fit_head", fitted)
    record = run(data, tmp_path / "run", from_=encoder, tuning="head-first", refit=True, steps=2, evals=1)
    (first, none, chosen), (more, given, used) = asked
    assert more > first
    assert none is None
    assert given == used == chosen == record["head_C"]


def test_where_vectors_of_all_texts_do_not_fit_the_head_trains_alone_for_a_fifth(data, encoder, tmp_path, monkeypatch):
    from lingon.engine import trainer
    from lingon.tasks.classify import prepare_pretrained

    monkeypatch.setattr(prepare_pretrained, "HELD", 0.0)

    before, moved = lingon.load(encoder).model.state_dict(), []
    count = trainer.Trainer.count

    def counted(self, found, batches):
        now = self.unwrapped.encoder.state_dict()
        moved.append(any(not torch.equal(now[name], tensor) for name, tensor in before.items()))
        return count(self, found, batches)

    monkeypatch.setattr(trainer.Trainer, "count", counted)
    run(data, tmp_path / "run", from_=encoder, tuning="head-first", steps=10, evals=2, lr=0.01)
    assert moved == [False] * 2 + [True] * 8  # a fifth of the steps


def test_few_labels_are_learned_by_comparing_texts(data, encoder, tmp_path):
    record = run(
        data, tmp_path / "run", from_=encoder, tuning="contrastive", lr=0.01, batch_size=16, epochs=6.0, evals=3
    )
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < losses[0]
    assert record["test"]["accuracy"] > 0.9
    before = lingon.load(encoder).model.state_dict()
    assert not torch.equal(weights(tmp_path / "run")["encoder.embedding.weight"], before["embedding.weight"])
    assert lingon.load(tmp_path / "run").evaluate(lingon.load_data(data).test)["accuracy"] == record["test"]["accuracy"]


def test_a_classifier_goes_on_with_its_labels_or_gets_a_new_head(data, full, tmp_path, capsys):
    record = run(data, tmp_path / "more", from_=str(full), lr=1e-30, steps=2, evals=1)
    for name, tensor in weights(tmp_path / "more").items():
        torch.testing.assert_close(tensor, weights(full)[name], rtol=0, atol=1e-7)
    assert record["pretrained"]["name"] == str(full)
    assert "the labels differ" not in capsys.readouterr().err
    other = table(tmp_path / "other.csv", ("yes", "no"))
    run(other, tmp_path / "new", from_=str(full), lr=1e-30, steps=2, evals=1)
    assert "(down, up): output.bias, output.weight are initialized anew" in capsys.readouterr().err
    task = lingon.load(tmp_path / "new")
    assert task.labels == ["no", "yes"]
    fresh = [n for n, t in weights(tmp_path / "new").items() if (t - weights(full)[n]).abs().max() > 1e-6]
    assert fresh == ["output.bias", "output.weight"]


def test_a_model_of_ours_without_an_encoder_goes_on_too(data, tmp_path, capsys):
    run(data, tmp_path / "first", model="textcnn", width=8, set=["channels=4"], steps=4, evals=1)
    record = run(data, tmp_path / "more", from_=str(tmp_path / "first"), steps=20, evals=2, dropout=0.25)
    assert record["arguments"]["model"] == "textcnn"
    assert lingon.load(tmp_path / "more").model.config()["dropout"] == 0.25
    assert record["test"]["loss"] < read_json(tmp_path / "first/run.json")["test"]["loss"]
    other = table(tmp_path / "other.csv", ("yes", "no"))
    run(other, tmp_path / "new", from_=str(tmp_path / "first"), steps=2, evals=1)
    assert "are initialized anew" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"--tuning is frozen, but .* is not a head on an encoder; choose full"):
        run(data, tmp_path / "x", from_=str(tmp_path / "first"), tuning="frozen")


def test_a_linear_model_is_trained_anew(data, tmp_path):
    run(data, tmp_path / "first")
    with pytest.raises(UserError, match="of the model ngrams, which is trained to its optimum from wherever it begins"):
        run(data, tmp_path / "x", from_=str(tmp_path / "first"))


WRONG = {
    "tokenizer": ({"tokenizer": "bpe"}, "--tokenizer is bpe, but --from .* brings its model and its tokenizer"),
    "vectors": ({"vectors": "glove-6b-50d"}, "--vectors is glove-6b-50d, but --from"),
    "length": ({"max_length": 17}, "--max-length is 17, but .* reads 16 tokens at most"),
    "C": ({"C": 1.0}, "--C is 1.0, but --from"),
    "a rate of an optimum": ({"tuning": "frozen", "lr": 0.1}, "--lr is 0.1, which --tuning frozen does not have"),
    "bits of an optimum": (
        {"tuning": "frozen", "precision": "bfloat16"},
        "--precision is bfloat16, which --tuning frozen does not have",
    ),
    "steps of an optimum": ({"tuning": "frozen", "steps": 3}, "--steps is 3, which --tuning frozen does not have"),
    "a layer": ({"tuning": "lora", "lora_layers": "c_attn"}, "unknown layer for LoRA 'c_attn'; known: all-linear, que"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_weights_have_decided_is_refused(name, data, encoder, tmp_path):
    given, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        run(data, tmp_path / "run", from_=encoder, **given)


def test_long_texts_are_said(data, encoder, tmp_path, capsys):
    run(data, tmp_path / "run", from_=encoder, max_length=6, steps=1, evals=1)
    assert "training texts are longer than --max-length 6" in capsys.readouterr().err


def test_a_language_model_is_no_source_of_a_classifier(data, tmp_path):
    settings = {"steps": 1, "width": 8, "depth": 1, "context_length": 8, "tokenizer": "characters", "set": ["heads=2"]}
    text = tmp_path / "a.txt"
    text.write_text("the dog saw the cat .\n" * 50)
    lingon.train("language-model", str(text), out=str(tmp_path / "lm"), settings=settings)
    with pytest.raises(UserError, match="is a language model; expected a classifier, or an encoder such as minilm-l6"):
        run(data, tmp_path / "x", from_=str(tmp_path / "lm"))


def test_an_estimator_of_scikit_learn_starts_from_weights(encoder):
    texts, labels = zip(*((f"a {w} film {i}", w in GOOD) for i in range(8) for w in GOOD + BAD), strict=True)
    lora = {"tuning": "lora", "lora_layers": "all-linear", "lora_rank": 4, "steps": 40}
    for settings, lr in (({"tuning": "frozen"}, None), (lora, 0.02)):
        found = lingon.LingonClassifier(from_=encoder, lr=lr, random_state=0, settings=settings).fit(texts, labels)
        assert (found.predict(list(texts)) == list(labels)).mean() > 0.9
        assert not any("lora" in name.lower() or name.endswith(".A") for name in found.classifier_.model.state_dict())
    assert lingon.LingonClassifier(from_=encoder).get_params()["from_"] == encoder


def test_run_json_is_json(full):
    assert json.loads((full / "run.json").read_text())["given"]["layer_lr_decay"] == 0.8


def test_few_texts_for_a_label_train_the_head_alone_unless_something_else_is_named(encoder, data, tmp_path, capsys):
    record = run(table(tmp_path / "few.csv", rows=2), tmp_path / "few", from_=encoder)
    assert record["arguments"]["tuning"] == "frozen"
    assert "46 training texts for 2 labels are few: only the head is trained" in capsys.readouterr().err
    assert run(data, tmp_path / "full", from_=encoder, **QUICK)["arguments"]["tuning"] == "full"  # steps are of descent
    again = run(data, tmp_path / "again", from_=str(tmp_path / "full"), epochs=1)
    assert again["arguments"]["tuning"] == "full"  # its encoder was trained for these labels
    settings = replace(Settings(), from_=encoder, model="encoder")
    assert settings.filled(LabelledTexts(data).read()).tuning == "full"  # 69 texts


TUNINGS = {
    "full": ("--layer-lr-decay", "0.7", "--head-lr", "0.02"),
    "lora": ("--lora-layers", "all-linear"),
    "head-first": (),
}


@pytest.mark.long
@pytest.mark.parametrize("tuning", TUNINGS)
def test_two_processes_train_from_weights_as_one(tuning, data, encoder, tmp_path):
    how = ("--tuning", tuning, *TUNINGS[tuning], "--dropout", "0", "--batch-size", "8", "--steps", "9", "--evals", "3")
    line = ("-m", "lingon", "train", "classify", "--data", data, "--from", encoder, "--device", "cpu", *how, "--out")
    for start, folder in (((), "one"), (TORCHRUN, "two")):
        code, _, errors = python(*start, *line, str(tmp_path / folder), "--lr", "0.01")
        assert code == 0, errors
    one, two = (read_metrics(tmp_path / folder) for folder in ("one", "two"))
    assert len(one) == len(two) >= 3
    for ours, theirs in zip(one, two, strict=True):
        for name in ("step", "valid_loss", "valid_accuracy"):
            assert ours.get(name) == pytest.approx(theirs.get(name), abs=1e-5)
    for name, tensor in weights(tmp_path / "one").items():
        if tensor.ndim > 1:  # the gradient of a key's bias is zero but for rounding, and Adam makes steps of that
            torch.testing.assert_close(tensor, weights(tmp_path / "two")[name], atol=1e-3, rtol=0)
