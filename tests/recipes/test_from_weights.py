"""Trainings that start from weights: bundles of ours and published decoders, in full and by adapters."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import lingon
from lingon.checkpoints.adapter import load_adapter, save_adapter
from lingon.checkpoints.huggingface.load import load_hub
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import DataError, UserError
from lingon.core.files import read_json
from lingon.data.documents import Documents
from lingon.data.tokenizers import words
from lingon.engine.log import read_metrics
from lingon.layers.lora import LoRA, adapters_in, add_lora, merge_lora
from lingon.models.from_config import from_config
from lingon.models.registry import build
from lingon.recipes.data_settings import RunningText
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.train import train_task
from lingon.tasks.language_model.settings import Settings
from tests.checkpoints.test_gguf import a_model, files_of, written
from tests.models.family_configs import CONFIGS

SENTENCE = "the dog saw the cat and the cat saw the dog again .\n"
SMALL = {"steps": 2, "width": 8, "depth": 1, "context_length": 8, "tokenizer": "words", "set": ["heads=2"], "lr": 0.01}
MORE = {"steps": 6}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "a.txt"
    path.write_text(SENTENCE * 200)
    with pytest.MonkeyPatch.context() as patch:  # no streams of such texts in the user's cache
        patch.setenv("LINGON_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield str(path)


@pytest.fixture(scope="module")
def finished(text, tmp_path_factory):
    """A run of two steps."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    run(text, folder, **SMALL)
    return str(folder)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A checkpoint of Llama's layout, with a tokenizer."""
    torch.manual_seed(0)
    tokenizer, model = words([SENTENCE]), from_config(CONFIGS["llama, tied"])
    return str(save_hub(model, tmp_path_factory.mktemp("hub") / "llama", tokenizer, eos_ids=[2]))


def run(text, folder, **given):
    settings = replace(Settings(), device="cpu", **given)
    return train_task("language-model", RunningText([text]), settings, FolderSettings(out=str(folder)))


def weights(folder):
    return load_file(Path(folder) / "bundle/model.safetensors")


def test_a_finished_run_is_trained_longer(text, finished, tmp_path):
    first = read_json(Path(finished) / "run.json")
    record = run(text, tmp_path / "more", from_=finished, **MORE)
    assert record["test"]["loss"] < first["test"]["loss"]
    assert record["pretrained"]["name"] == finished
    assert len(record["pretrained"]["sha256"]) == 64
    assert record["arguments"]["lr"] == 2e-3 / 4  # a quarter of the model's own
    more, before = lingon.load(tmp_path / "more"), lingon.load(finished)
    assert more.tokenizer.vocab == before.tokenizer.vocab
    assert more.model.config() == before.model.config()
    # With a rate of next to nothing, it is where the first one ended.
    run(text, tmp_path / "same", from_=finished, lr=1e-30, **MORE)
    for name, tensor in weights(tmp_path / "same").items():
        torch.testing.assert_close(tensor, weights(finished)[name], rtol=0, atol=1e-7)


def test_a_published_decoder_is_trained_and_kept(text, published, tmp_path):
    record = run(text, tmp_path / "run", from_=published, lr=0.01, **MORE)
    config = read_json(tmp_path / "run/bundle/config.json")
    assert (config["model"], config["eos_ids"]) == ("llama", [2])
    before = load_hub(published).language_model().evaluate([SENTENCE] * 20)
    assert record["test"]["loss"] < before["loss"]
    assert record["arguments"]["context_length"] == 61  # all that the model sees
    assert lingon.load(tmp_path / "run").evaluate([SENTENCE] * 20)["loss"] < before["loss"]


def test_adapters_are_merged_kept_alone_and_fit_their_base_alone(text, published, tmp_path):
    run(text, tmp_path / "run", from_=published, tuning="lora", lora_rank=2, lora_layers="all-linear", lr=0.01, **MORE)
    trained, before = weights(tmp_path / "run"), load_hub(published).model.state_dict()
    changed = {name for name, tensor in trained.items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in trained if ".attention." in name or ".feed_forward." in name}
    adapter = tmp_path / "run/adapter"
    assert (adapter / "adapter.safetensors").stat().st_size < (tmp_path / "run/bundle/model.safetensors").stat().st_size
    model = merge_lora(load_adapter(load_hub(published).model, adapter))
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, trained[name], rtol=0, atol=1e-6)
    other = load_hub(published).model
    with torch.no_grad():
        other.blocks[0].attention.out.weight[0, 0] += 1e-3
    with pytest.raises(UserError, match=f"adapter: the adapter was trained on other weights, '{published}'"):
        load_adapter(other, adapter)
    config = json.loads((adapter / "adapter.json").read_text())
    layer = next(iter(config["layers"]))
    for change, message in {
        "rank": ({"rank": 0}, "rank of LoRA is 0"),
        "format": ({"format": 2}, "adapter.json: not an adapter of format 1"),
        "a layer": ({"layers": {"x.y": [[0, 3]]}}, "unknown layer for LoRA 'x.y'"),
        "rows": ({"layers": {layer: [[0, 1000]]}}, f"the rows .* of {layer}, which has"),
        "no rows": ({"layers": {layer: [3]}}, "adapter.json: key 'layers': .* has no pairs of rows"),
        "a size": ({"rank": 1}, "tensor .* the model expects"),
    }.values():
        (adapter / "adapter.json").write_text(json.dumps(config | change))
        with pytest.raises(UserError, match=message):
            load_adapter(load_hub(published).model, adapter)
    with pytest.raises(UserError, match="has no adapters of LoRA"):
        save_adapter(other, tmp_path / "none")


def test_an_adapter_of_other_sizes_is_refused(tmp_path):
    first, wider = (build("gpt", {"vocab_size": 31, "width": w, "heads": 2, "depth": 1}) for w in (8, 12))
    add_lora(first, LoRA(rank=2))
    first.norm.weight.requires_grad_(True)
    save_adapter(first, tmp_path / "a", "tiny")
    with pytest.raises(UserError, match=r"of another model: its norm.weight is \[8\], the model's \[12\]"):
        load_adapter(wider, tmp_path / "a")


FLAGS = ["train", "language-model", "--tuning", "lora", "--steps", "24", "--evals", "2", "--lr", "0.01"]


def test_a_training_of_adapters_that_is_killed_resumes_by_its_folder_and_ends_as_one_that_was_not(
    text, published, tmp_path
):
    flags = [*FLAGS, "--data", text, "--from", published, "--device", "cpu", "--out"]
    command([*flags, str(tmp_path / "whole")])
    done = command([*flags, str(tmp_path / "cut")], kill_at=11)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "cut/bundle").exists()
    command(["train", "language-model", "--resume", "--out", str(tmp_path / "cut")])
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(tensor, weights(tmp_path / "cut")[name]), name
    steps = [[row["step"] for row in read_metrics(tmp_path / name)] for name in ("whole", "cut")]
    assert steps[0] == steps[1]


def command(flags, kill_at=0):
    program = [sys.executable, "-m", "tests.recipes.killed_run", str(kill_at), *flags]
    paths = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(program, env=paths, capture_output=True, text=True, check=False)
    assert kill_at or not done.returncode, done.stderr
    return done


def test_a_run_is_not_resumed_from_other_weights(text, finished, tmp_path):
    run(text, tmp_path / "run", from_=finished, **MORE)
    facts = read_json(tmp_path / "run/run.json")
    facts["pretrained"]["sha256"] = "0" * 64
    (tmp_path / "run/run.json").write_text(json.dumps({**facts, "test": None}))
    del facts["test"]
    (tmp_path / "run/run.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"its weights are not those that the run in .* started from"):
        train_task(
            "language-model",
            RunningText([text]),
            replace(Settings(), device="cpu", from_=finished, **MORE),
            FolderSettings(out=str(tmp_path / "run"), resume=True),
        )


WRONG = {
    "tokenizer": ({"tokenizer": "words"}, "--tokenizer is words, but --from .* brings its model and its tokenizer"),
    "width": ({"width": 12}, "--width is 12, but --from"),
    "model": ({"model": "decoder"}, "--model is decoder, but --from"),
    "set": ({"set": ["heads=4"]}, "--set is .*, but --from"),
    "frozen": ({"tuning": "frozen"}, "--tuning is frozen, which is for an encoder with a head; choose full or lora"),
    "unknown tuning": ({"tuning": "lorra"}, "unknown tuning 'lorra'; did you mean 'lora'"),
    "rank of another tuning": ({"lora_rank": 4}, "--lora-rank is 4, which applies only with --tuning lora"),
    "no rank": ({"tuning": "lora", "lora_rank": 0}, "--lora-rank is 0; expected 1 or more"),
    "alpha": ({"tuning": "lora", "lora_alpha": 0.0}, "--lora-alpha is 0.0; expected more than 0"),
    "a layer": ({"tuning": "lora", "lora_layers": "q_proj"}, "unknown layer for LoRA 'q_proj'; known: all-linear, que"),
    "decay": ({"layer_lr_decay": 1.2}, "--layer-lr-decay is 1.2; expected a fraction over 0, up to 1"),
    "head": ({"head_lr": 0.1}, "--head-lr is 0.1, but a language model has no head of its own"),
    "context": ({"context_length": 400}, "--context-length is 400, but .* sees 256 tokens at most"),
    "adaptive": ({"softmax": "adaptive"}, "--softmax is adaptive, which is a part of the model"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_weights_have_decided_is_refused(name, text, finished, tmp_path):
    given, message = WRONG[name]
    if name == "context":
        torch.manual_seed(0)
        tokenizer = words([SENTENCE])
        model = build("gpt", {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "depth": 1})
        finished = str(save_hub(model, tmp_path / "gpt", tokenizer))
    with pytest.raises(UserError, match=message):
        run(text, tmp_path / "run", from_=finished, **{**MORE, **given})
    assert not (tmp_path / "run/bundle").exists()


@pytest.mark.parametrize("name", ["tuning", "lora_rank", "lora_layers", "head_lr"])
def test_settings_of_weights_count_with_from_only(name):
    value = {"tuning": "lora", "lora_rank": 3, "lora_layers": "query", "head_lr": 0.1}[name]
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')} is {value}, which applies only with --from"):
        replace(Settings(), **{name: value}).checked()


def test_a_dropout_is_changed_where_the_model_has_one(text, finished, published, tmp_path):
    run(text, tmp_path / "run", from_=finished, dropout=0.3, **MORE)
    assert lingon.load(tmp_path / "run").model.config()["dropout"] == 0.3
    with pytest.raises(UserError, match=r"--dropout is 0.3, but .* has none; leave it out"):
        run(text, tmp_path / "other", from_=published, dropout=0.3, **MORE)


def test_layers_below_learn_more_slowly(text, finished, tmp_path):
    run(text, tmp_path / "run", from_=finished, layer_lr_decay=1e-9, lr=0.01, **MORE)
    moved = {n: float((t - weights(finished)[n]).abs().max()) for n, t in weights(tmp_path / "run").items()}
    assert moved["norm.weight"] > 1e-4
    assert max(value for name, value in moved.items() if name.startswith(("embedding", "positions"))) < 1e-9


def test_blocks_are_recomputed_where_it_is_asked_for(text, tmp_path):
    from lingon.engine.world import World
    from lingon.tasks.language_model.prepare import prepare
    from lingon.tasks.training import TrainContext

    data = Documents(lambda part: iter([SENTENCE * 20]), ["recomputed"])
    for wanted in (True, False):
        settings = replace(Settings(), gradient_checkpointing=wanted, device="cpu", **SMALL).checked().filled()
        context = TrainContext(tmp_path, World(0, 1), torch.device("cpu"), lambda name, words: ([], None))
        module = prepare(data, settings, context).module
        assert any(type(m).__name__ == "CheckpointWrapper" for m in module.modules()) == wanted


def test_what_is_not_there_is_one_clear_line(text, tmp_path):
    with pytest.raises(UserError, match="there is no folder 'runs/nothing'"):
        run(text, tmp_path / "a", from_="runs/nothing", **MORE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no bundle"):
        run(text, tmp_path / "b", from_=str(tmp_path / "empty"), **MORE)
    assert not (tmp_path / "a").exists()


def test_a_gguf_file_is_trained_longer_and_is_no_classifier(text, tmp_path):
    file = str(written(tmp_path, *files_of("gemma3", a_model("gemma3"), tmp_path)))
    run(text, tmp_path / "run", from_=file, steps=2, lr=0.01)
    before, after = lingon.load(file).model.state_dict(), weights(tmp_path / "run")
    assert before.keys() >= after.keys()
    assert any(not torch.equal(before[name], tensor) for name, tensor in after.items())
    assert read_json(tmp_path / "run/run.json")["pretrained"]["name"] == file
    with pytest.raises(UserError, match="is a language model; expected a classifier, or an encoder such as minilm-l6"):
        lingon.train("classify", text, from_=file, out=str(tmp_path / "other"))


def test_a_name_of_the_hub_without_network(text, tmp_path, monkeypatch):
    def unreachable(name, **how):
        raise OSError("no route to host\nand a second line")

    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "snapshot_download", unreachable)
    with pytest.raises(
        UserError, match=r"^hf:owner/name could not be fetched from the hub \(no route to host\); without a net"
    ):
        run(text, tmp_path / "a", from_="hf:owner/name", **MORE)


def test_from_python(text, finished, tmp_path):
    found = lingon.train("language-model", text, from_=finished, out=str(tmp_path / "run"), settings=MORE)
    assert found.model.config()["width"] == 8
    assert read_json(tmp_path / "run/run.json")["given"]["from_"] == finished
    with pytest.raises(UserError, match="settings has 'from_', which is an argument of train itself"):
        lingon.train("language-model", text, settings={"from_": finished})


def test_an_adapter_folder_that_is_none(tmp_path):
    with pytest.raises((DataError, OSError)):
        load_adapter(build("gpt", {"vocab_size": 31, "width": 8, "heads": 2}), tmp_path)
    assert adapters_in(build("gpt", {"vocab_size": 31, "width": 8, "heads": 2})) == {}
