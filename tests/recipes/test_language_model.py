"""The language model's recipe, whole: every softmax, sweeps, several processes, and back to one."""

import gzip
import sys
from pathlib import Path

import pytest

import lingon
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.engine.log import read_metrics
from lingon.recipes import recipe_of
from lingon.recipes.as_command import as_command
from lingon.recipes.data_settings import RunningText
from lingon.recipes.estimate import estimate
from lingon.recipes.file_settings import Files
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.read_examples import Asked, read_examples
from lingon.recipes.train import train_task
from lingon.tasks.language_model.settings import Settings
from tests.engine.test_reliability import python

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "lingon")
SMALL = {
    "epochs": 1.0,
    "width": 16,
    "depth": 1,
    "context_length": 7,
    "batch_size": 4,
    "vocab": 300,
    "evals": 2,
    "dropout": 0.0,
}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A constructed text: sentences of a small grammar, each a document of its own."""
    path = tmp_path_factory.mktemp("text") / "mine.txt"
    who, does, what = ("the cat", "a dog", "my aunt"), ("sees", "hears", "likes"), ("a bird.", "the sea.", "old songs.")
    path.write_text("\n\n".join(f"{a} {b} {c}" for _ in range(20) for a in who for b in does for c in what))
    with pytest.MonkeyPatch.context() as patch:  # no streams of such texts in the user's cache
        patch.setenv("LINGON_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield str(path)


def run(text, folder, **given):
    given = {**SMALL, **({"dropout": None} if given.get("model") == "awd_lstm" else {}), **given}
    return train_task("language-model", RunningText([text]), Settings(**given), FolderSettings(out=str(folder)))


@pytest.mark.parametrize(
    "given",
    [
        {"model": "lstm", "softmax": "sampled", "samples": 11},
        {"model": "lstm", "softmax": "sampled", "samples": 11, "proposal": "log_uniform", "tokenizer": "words"},
        {"model": "lstm", "softmax": "adaptive"},
        {"model": "awd_lstm", "weight_average": "nt"},
        {"model": "decoder", "gradient_checkpointing": True, "set": ["heads=2", "kv_heads=1", "ffn_width=40"]},
        {"model": "gpt", "precision": "bfloat16", "accumulation_steps": 2, "tokenizer": "characters"},
    ],
    ids=lambda given: "-".join(str(v) for v in given.values() if isinstance(v, str)),
)
def test_every_way_ends_in_a_model_that_writes(text, tmp_path, given):
    record = run(text, tmp_path / "run", **given)
    assert 1 < record["test"]["perplexity"] < 100  # below even odds over the vocabulary
    model = lingon.load(tmp_path / "run")
    assert isinstance(model.generate("a", max_new_tokens=5), str)
    assert sum(x for _, x in model.logprobs("a dog")) < 0


def evaluated(model, data, part=None, cache=False):
    return model.evaluate(read_examples(model, Asked(data, part)), cache=cache)


def test_evaluation_with_a_cache_is_for_recurrent_models(text, tmp_path):
    run(text, tmp_path / "lstm", model="lstm", epochs=0.1), run(text, tmp_path / "gpt", steps=1)
    model = lingon.load(tmp_path / "lstm")
    plain, cached = (evaluated(model, text, "test", cache) for cache in (False, True))
    # A model that hardly learned: what came lately says more about this text of 27 sentences than it does.
    assert cached["perplexity"] < plain["perplexity"]
    assert cached["bits_per_byte"] < plain["bits_per_byte"]
    with pytest.raises(UserError, match="--cache remembers the states of an LSTM"):
        evaluated(lingon.load(tmp_path / "gpt"), text, "test", cache=True)


def test_a_packed_text_is_trained_on_and_evaluated_as_a_whole(text, tmp_path):
    plain, packed = Path(text), tmp_path / "mine.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    one, other = run(text, tmp_path / "plain", steps=1), run(str(packed), tmp_path / "packed", steps=1)
    assert (one["tokens"], one["test"]) == (other["tokens"], other["test"])
    model = lingon.load(tmp_path / "packed")
    whole, last = (evaluated(model, str(packed), part) for part in ("all", "test"))
    assert evaluated(model, text) == whole != last


@pytest.mark.data
@pytest.mark.long
def test_of_a_corpus_the_test_part_is_evaluated(text, tmp_path):
    run(text, tmp_path / "gpt", steps=1)
    model = lingon.load(tmp_path / "gpt")
    assert evaluated(model, "austen") == evaluated(model, "austen", "test")


def test_dropout_is_refused_where_it_would_do_nothing():
    with pytest.raises(UserError, match=r"--dropout is 0.5, which --model awd_lstm does not have.*--set word_dropout="):
        Settings(model="awd_lstm", dropout=0.5).checked()
    assert Settings(model="awd_lstm").checked().filled().dropout is None
    assert Settings(model="lstm").checked().filled().dropout == 0.3


def test_a_sweep_goes_by_perplexity(text, tmp_path):
    as_command(recipe_of("language-model"))(
        data=[text], text=None, accept_licence=False, **vars(Files()), **vars(Settings(**SMALL)),
        **vars(FolderSettings(out=str(tmp_path))),
        sweep=["lr=1e-6,1e-2"],
    )  # fmt: skip
    first, second = read_json(tmp_path / "sweep.json")
    assert (first["lr"], second["lr"]) == (1e-2, 1e-6)
    assert first["valid perplexity"] < second["valid perplexity"]


def flags(given):
    return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]


@pytest.mark.long  # in short: tests/engine/test_distributed.py
@pytest.mark.parametrize("how", [[], ["--fsdp"]], ids=["batches", "weights"])
def test_two_processes_are_one(text, tmp_path, how):
    one, two = tmp_path / "one", tmp_path / "two"
    given = SMALL | {"epochs": 2.0}
    train_task("language-model", RunningText([text]), Settings(**given), FolderSettings(out=str(one)))
    command = ["train", "language-model", f"--data={text}", *flags(given), f"--out={two}", *how]
    code, _, errors = python(*TORCHRUN, *command)
    assert code == 0, errors
    ours, theirs = read_metrics(two), read_metrics(one)
    assert [row["step"] for row in ours] == [row["step"] for row in theirs]
    for mine, their in zip(ours, theirs, strict=True):
        for name in mine.keys() & {"loss", "valid_loss"}:
            assert mine[name] == pytest.approx(their[name], abs=1e-5)
    assert read_json(two / "run.json")["test"] == pytest.approx(read_json(one / "run.json")["test"], abs=1e-3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"softmax": "adaptive"}, "for --model lstm, not gpt"),
        ({"fsdp": True, "compile": True}, "leave it out with --compile"),
        ({"fsdp": True, "model": "lstm"}, "leave it out with --model lstm"),
        ({"vocab": 100}, "--vocab is 100; .* a token for every byte"),
        ({"proposal": "unigrams"}, "did you mean 'unigram'"),
    ],
)
def test_what_does_not_go_together_is_said(given, message):
    with pytest.raises(UserError, match=message):
        Settings(**given).checked()


def test_a_plan_counts_what_the_training_then_takes(text, capsys):
    found = estimate(1000, 4, settings=Settings(**SMALL))
    assert found["tokens_per_second"] > 0
    assert [row["processes"] for row in found["processes"]] == [1, 2, 4]
    assert found["processes"][0]["ddp"] == found["memory"]["together"]
    assert "tokens/s here" in capsys.readouterr().out


def test_a_plan_of_a_large_model_measures_fewer_steps(monkeypatch, capsys):
    module = sys.modules[estimate.__module__]
    assert estimate(1000, 1, settings=Settings(**SMALL))["measured_steps"] == module.STEPS
    monkeypatch.setattr(module, "SECONDS", 1e-9)  # as if every step were long
    assert estimate(1000, 1, settings=Settings(**SMALL))["measured_steps"] == 1
    assert "over 1 step\n" in capsys.readouterr().out


def test_a_plan_too_large_for_the_machine_is_only_counted(capsys):
    found = estimate(1e9, settings=Settings(width=1024, depth=30, context_length=4096, batch_size=4096))
    assert found["tokens_per_second"] is None
    assert "does not fit into memory" in capsys.readouterr().out


def test_an_impossible_plan():
    with pytest.raises(UserError, match="--train-tokens is 0"):
        estimate(0)
