"""A bundle predicts what its classifier did; whatever is broken in it is refused by file and key."""

import copy
import json
import random
import shutil
import sys
import tracemalloc

import pytest
import torch

from lingon.checkpoints.bundle import find_bundle, read_config, save_bundle
from lingon.checkpoints.huggingface.load import load_hub
from lingon.checkpoints.load import load
from lingon.core.errors import DataError, UserError
from lingon.core.tensors import load_tensors, save_tensors
from lingon.data.tokenizers import words
from lingon.models.registry import build, get_entry
from lingon.tasks.classify import Classifier
from lingon.tasks.language_model import LanguageModel

CORPUS = ["a good film , a very good film", "a bad film", "dull and bad : not good"] * 3
TEXTS = ["good", "a very bad film", "", "\u65e5\u672c never seen", "good " * 50]
LABELS = ["down", "flat", "up"]
MODELS = {
    "bag": {"width": 7},
    "textcnn": {"width": 7, "kernels": [2, 3], "channels": 5},
    "textcnn, multichannel": {"width": 7, "kernels": [2], "channels": 5, "multichannel": True},
    "bilstm": {"width": 7, "hidden": 5, "depth": 2},
    "self_attentive": {"width": 7, "hidden": 5, "attention": 11, "hops": 2},
    "ngrams": {"order": 2, "buckets": 64},
    "ngrams, characters": {"order": 2, "buckets": 64},
}
RUN = {"arguments": {"seed": 3}, "data": {"name": "made up"}, "test": {"accuracy": 0.5}}


def classifier(name):
    torch.manual_seed(1)
    tokenizer = words(CORPUS)
    model = build(name.split(",")[0], {"vocab_size": len(tokenizer.vocab), "classes": 3, **MODELS[name]})
    if "characters" in name:
        model.read_characters(list(tokenizer.vocab))
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.5)
    return Classifier(model.eval(), tokenizer, LABELS, max_length=11)


def saved(folder, name="bag"):
    return save_bundle(classifier(name), name.split(",")[0], folder, RUN)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Bundles that no test changes, by name of the model."""
    folder = tmp_path_factory.mktemp("whole")
    return {name: saved(folder / name.replace(", ", "-"), name) for name in ("bag", "textcnn", "ngrams, characters")}


@pytest.fixture
def bundle(whole, tmp_path):
    """A bundle to break."""
    return shutil.copytree(whole["bag"], tmp_path / "sentiment")


def rewritten(bundle, change):
    """The bundle with its config.json changed in place."""
    config = json.loads((bundle / "config.json").read_text())
    change(config)
    (bundle / "config.json").write_text(json.dumps(config))
    return bundle


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_bundle_predicts_the_same(tmp_path, name):
    before = classifier(name)
    after = load(save_bundle(before, name.split(",")[0], tmp_path / "run" / "bundle", RUN).parent)
    assert after.predict(TEXTS) == before.predict(TEXTS)
    assert (after.labels, after.max_length, after.model.training) == (LABELS, 11, False)


def test_a_bundle_can_be_moved_and_saved_again_to_the_last_byte(bundle, tmp_path):
    moved = shutil.move(bundle, tmp_path / "elsewhere")
    again = save_bundle(load(moved), "bag", tmp_path / "again", RUN)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "run.json", "README.md"):
        assert (again / name).read_bytes() == (moved / name).read_bytes()


def test_the_card_says_what_it_is_and_how_well_it_does(bundle):
    card = (bundle / "README.md").read_text()
    for part in ("down or flat or up", "made up", "**accuracy** on held-out texts: 0.5000", "first 11 tokens"):
        assert part in card


OTHER_TYPES = [None, True, 1.5, -7, "x", [], {}, [None], {"a": 1}]
FITTING = {"max_length": [None], "lingon": ["x"], "config": [{}, {"a": 1}]}  # what is of the right type after all


def test_the_key_of_a_task_is_task_and_a_folder_with_the_older_kind_is_read(bundle):
    before = load(bundle).predict(TEXTS)
    assert json.loads((bundle / "config.json").read_text())["task"] == "classify"
    rewritten(bundle, lambda config: config.update(kind=config.pop("task")))
    assert load(bundle).predict(TEXTS) == before
    rewritten(bundle, lambda config: config.update(task="classify"))
    with pytest.raises(DataError, match="unknown key 'kind'"):
        load(bundle)


@pytest.mark.parametrize("key", ["format", "lingon", "task", "model", "config", "labels", "max_length"])
def test_every_key_of_the_config_is_checked(bundle, key):
    whole = json.loads((bundle / "config.json").read_text())
    assert key in whole
    rewritten(bundle, lambda config: config.pop(key))
    with pytest.raises(DataError, match=rf"config\.json: key '{key}' is missing"):
        load(bundle)
    for value in OTHER_TYPES:
        if value in FITTING.get(key, []):
            continue
        (bundle / "config.json").write_text(json.dumps(whole | {key: value}))
        with pytest.raises(DataError, match=rf"config\.json: .*{key}"):
            load(bundle)
    (bundle / "config.json").write_text(json.dumps(whole | {key + "s": 1}))
    with pytest.raises(DataError, match=rf"config\.json: unknown key '{key}s'; did you mean '{key}'"):
        load(bundle)


@pytest.mark.parametrize("name", ["bag", "textcnn", "ngrams, characters"])
def test_every_size_of_the_model_is_checked(whole, tmp_path, name):
    bundle = shutil.copytree(whole[name], tmp_path / "x")
    config = json.loads((bundle / "config.json").read_text())
    for key in config["config"]:
        for value in (None, "7", [], {}, [None], -7, 10**30):
            other = copy.deepcopy(config)
            other["config"][key] = value
            (bundle / "config.json").write_text(json.dumps(other))
            numbers = key in ("vocab_size", "classes") and isinstance(value, int)  # compared with tokens and labels
            with pytest.raises(DataError, match="tokenizer has" if key == "vocab_size" and numbers else f"'{key}'"):
                load(bundle)


WRONG = {
    "another kind": (lambda c: c.update(task="juggle"), "unknown task 'juggle'; known: classify"),
    "a newer format": (lambda c: c.update(format=2), "key 'format' is 2, this Lingon reads 1; update Lingon"),
    "an unknown model": (lambda c: c.update(model="bagg"), "unknown model 'bagg'; did you mean 'bag'"),
    "a module's name": (lambda c: c.update(model="os.path"), "unknown model 'os.path'"),
    "an unknown size": (lambda c: c["config"].update(widtt=7), "unknown key of bag 'widtt'; did you mean 'width'"),
    "no sizes": (lambda c: c.update(config={}), "bag: key 'vocab_size' is missing"),
    "one label": (lambda c: c.update(labels=["x"]), "'labels' must hold two or more different texts"),
    "equal labels": (lambda c: c.update(labels=["x", "y", "x"]), "'labels' must hold two or more different"),
    "a number among labels": (lambda c: c.update(labels=["x", "y", 3]), "'labels' must hold two or more different"),
    "half a pair": (lambda c: c.update(labels=["x", "y", "\ud83d"]), "'labels' holds half a surrogate pair"),
    "a label too many": (lambda c: c["labels"].append("x"), "4 labels for a model of 3 classes"),
    "no length": (lambda c: c.update(max_length=0), "'max_length' is 0, expected 1 or more"),
    "too wide": (lambda c: c["config"].update(width=4096), "parameters; at most .* which its weights file has"),
    "another model's name": (lambda c: c.update(model="bilstm"), "unknown key of bilstm 'word_dropout'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_config_is_refused_by_name(bundle, name):
    change, message = WRONG[name]
    with pytest.raises(DataError, match=rf"config\.json: .*{message}"):
        load(rewritten(bundle, change))


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{", "[" * 100_000, '{"format": ' + "1" * 5000 + "}", "\xff"])
def test_a_config_that_is_no_object_is_refused(bundle, text):
    (bundle / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"config\.json"):
        load(bundle)


@pytest.mark.parametrize("key", ["width", "labels", "model"])
def test_deep_nesting_is_refused(bundle, key):
    """At whatever depth reading it, showing it or neither is too much."""
    text = (bundle / "config.json").read_text()
    value = {"width": "7", "labels": json.dumps(LABELS, indent=1).replace("\n", "\n "), "model": '"bag"'}[key]
    assert f'"{key}": {value}' in text
    for depth in range(500, 1100, 5):
        (bundle / "config.json").write_text(text.replace(f'"{key}": {value}', f'"{key}": {"[" * depth + "]" * depth}'))
        with pytest.raises(DataError, match=r"config\.json") as error:
            load(bundle)
        assert len(str(error.value)) < 1000


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_cut_short_or_missing_is_named(bundle, name):
    file, content = bundle / name, (bundle / name).read_bytes()
    for length in (0, 1, 7, len(content) // 2, len(content) - 3):
        file.write_bytes(content[:length])
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            load(bundle)
    file.unlink()
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        load(bundle)


def test_a_tokenizer_that_does_not_fit_is_refused(bundle):
    words([*CORPUS, "one more"]).save(bundle / "tokenizer.json")
    tokens = len(classifier("bag").tokenizer.vocab)
    with pytest.raises(DataError, match=f"tokenizer has {tokens + 2} tokens, the model was made for {tokens}"):
        load(bundle)


WEIGHTS = {
    "narrower": (lambda w: w | {"out.weight": w["out.weight"][:, :5]}, r"config\.json: .*which its weights file has"),
    "turned": (
        lambda w: w | {"out.weight": w["out.weight"].T},
        r"'out.weight' is \[7, 3\], the model expects \[3, 7\]",
    ),
    "one missing": (
        lambda w: {k: t for k, t in w.items() if k != "out.bias"} | {"b": torch.ones(3)},
        "'out.bias' is m",
    ),
    "one more": (lambda w: w | {"out.biass": w["out.bias"]}, "unknown tensor 'out.biass'; did you mean 'out.bias'"),
    "NaN": (lambda w: w | {"out.bias": torch.tensor([0, torch.nan, 0])}, "'out.bias' holds NaN"),
    "integers": (lambda w: w | {"out.bias": torch.tensor([1, 2, 3])}, "'out.bias' is of torch.int64"),
    "8 bits": (lambda w: w | {"out.bias": w["out.bias"].to(torch.float8_e4m3fn)}, "'out.bias' is of torch.float8"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_of_another_model_are_refused(bundle, name):
    change, message = WEIGHTS[name]
    file = bundle / "model.safetensors"
    save_tensors(file, change(load_tensors(file)))
    with pytest.raises(DataError, match=message):
        load(bundle)


def test_a_spelling_that_leads_astray_is_refused(whole, tmp_path):
    bundle = shutil.copytree(whole["ngrams, characters"], tmp_path / "x")
    file = bundle / "model.safetensors"
    weights = load_tensors(file)
    weights["spelling_starts"] = weights["spelling_starts"].flip(0)
    save_tensors(file, weights)
    with pytest.raises(DataError, match=r"model\.safetensors: spelling_starts"):
        load(bundle)


def test_a_promise_of_many_numbers_takes_no_memory(bundle):
    """A header of a trillion numbers would lift the limit on the model's size, were it believed."""
    rewritten(bundle, lambda config: config["config"].update(width=4096))
    header = json.dumps({"w": {"dtype": "F32", "shape": [1000] * 4, "data_offsets": [0, 4 * 1000**4]}}).encode()
    (bundle / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4000))
    tracemalloc.start()
    with pytest.raises(DataError, match=r"model\.safetensors: declares 1,000,000,000,000 numbers"):
        load(bundle)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_a_missing_folder_suggests_the_nearest(bundle, tmp_path):
    with pytest.raises(UserError, match=r"no folder '(.*/)sentimnt'; did you mean '\1sentiment'"):
        load(tmp_path / "sentimnt")
    with pytest.raises(UserError, match="no folder"):
        load(tmp_path / "not" / "there" / "at all")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty' holds no bundle \(no config.json\)"):
        load(tmp_path / "empty")


def test_a_failed_save_leaves_the_old_bundle(bundle):
    before = {file.name: file.read_bytes() for file in bundle.iterdir()}
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_bundle(classifier("bag"), "bag", bundle, {"test": {"loss": object()}})
    assert {file.name: file.read_bytes() for file in bundle.iterdir()} == before
    assert [file.name for file in bundle.parent.iterdir()] == [bundle.name]


def mutated(rng, config):
    """The text of a config with one to three things changed: a value, a key, or a byte of the file."""
    config = copy.deepcopy(config)
    for _ in range(rng.randint(1, 3)):
        place = config if rng.random() < 0.5 or not isinstance(config.get("config"), dict) else config["config"]
        if not place:
            continue
        key = rng.choice(sorted(place))
        act = rng.choice(["drop", "rename", "swap", "value", "value"])
        if act == "drop":
            del place[key]
        elif act == "rename":
            place[rng.choice(["", "os", "__class__", key + "s", key.upper()])] = place.pop(key)
        elif act == "swap":
            other = rng.choice(sorted(place))
            place[key], place[other] = place[other], place[key]
        else:
            place[key] = rng.choice(VALUES)
    text = json.dumps(config)
    if rng.random() < 0.2:
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(['"', "{", "]", "9", "", "\\", "NaN", "1e999", "\x00"]) + text[at + 1 :]
    return text


FILES = ("config.json", "model.safetensors", "tokenizer has")
VALUES = [
    *(None, True, False, 0, 1, 2, 3, 7, -1, 2**31, 10**9, 10**12, 10**30, 0.5, 1e308, float("nan"), float("inf")),
    *("", "bag", "ngrams", "classify", "os.system", "antigravity", "this", "\ud83d", "x" * 10_000, "../../x"),
    *([], [3], ["x", "y", "z"], [[[]]], {}, {"width": 7}, {"__class__": "os"}),
]


@pytest.mark.parametrize("name", ["bag", "textcnn"])
def test_a_thousand_mutations_give_our_error_or_a_classifier(whole, tmp_path, name):
    bundle = shutil.copytree(whole[name], tmp_path / "x")
    for known in ("bag", "ngrams"):  # a name that is mutated into another model's is no import by name
        get_entry(known)
    config = read_config(bundle / "config.json")
    load(bundle).predict(TEXTS)
    before, rng, refused = set(sys.modules), random.Random(7), []
    for _ in range(1000):
        (bundle / "config.json").write_text(mutated(rng, config), encoding="utf-8")
        try:
            loaded = load(bundle)
        except UserError as error:
            refused.append(str(error))
        else:
            assert len(loaded.labels) == loaded.model.out.weight.shape[0] == 3
    assert 500 < len(refused) < 1000  # the rest harms nothing, such as another max_length or dropout
    assert [m for m in refused if len(m) > 1000 or not any(file in m for file in FILES)] == []
    assert set(sys.modules) == before


def test_an_end_beyond_the_vocabulary_is_refused_when_loading(tmp_path):
    tokenizer = words(CORPUS)
    size = len(tokenizer.vocab)
    task = LanguageModel(build("gpt", {"vocab_size": size, "width": 8, "depth": 1, "heads": 2}), tokenizer)
    bundle = save_bundle(task, "gpt", tmp_path / "g", RUN)
    assert load(rewritten(bundle, lambda config: config.update(eos_ids=[size - 1]))).eos_ids == (size - 1,)
    rewritten(bundle, lambda config: config.update(eos_ids=[0, size]))
    with pytest.raises(
        DataError, match=rf"config.json: key 'eos_ids' has {size}, expected ids from 0 to {size - 1}, wh"
    ):
        load(bundle)


@pytest.mark.parametrize("name", ["models/typo", "owner/name"])
def test_a_folder_that_is_not_there_never_asks_the_network(name, monkeypatch):
    def asked(*given, **more):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("huggingface_hub.snapshot_download", asked)
    with pytest.raises(UserError, match=rf"there is no folder '{name}' \(a model of the hub is named hf:{name}\); "):
        load(name)
    with pytest.raises(UserError, match=rf"there is no folder '{name}', and .* looks like hf:owner/name"):
        load_hub(name)


def test_a_folder_that_is_not_there_suggests_models_alone(tmp_path):
    for name in ("notes", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(UserError, match="there is no folder") as told:
        find_bundle(tmp_path / "qqqqqqqqqqqq")
    assert "known: run," in str(told.value)
    assert "notes" not in str(told.value)
