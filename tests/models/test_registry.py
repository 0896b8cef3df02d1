"""Models are made by name and sizes; what a file could ask for wrongly is refused by name and at once."""

import inspect
import json
import random
import subprocess
import sys
import time

import pytest
import torch

from lingon.core.errors import UserError
from lingon.models.from_config import from_config
from lingon.models.hub_families import FAMILIES, families_for
from lingon.models.registry import LARGEST, MODELS, build, get_entry

SIZES = {"vocab_size": 11, "classes": 3}


def test_unknown_names_get_the_nearest():
    with pytest.raises(UserError, match="unknown model 'textcn'; did you mean 'textcnn'"):
        build("textcn", SIZES)
    with pytest.raises(UserError, match="unknown key of bag 'widtt'; did you mean 'width'"):
        build("bag", SIZES | {"widtt": 7})
    with pytest.raises(UserError, match="bag: key 'classes' is missing"):
        build("bag", {"vocab_size": 11})


@pytest.mark.parametrize("name", [None, 3, ["bag"], {"bag": 1}, "", "lingon.models.gpt", "os.system", "__class__"])
def test_a_name_is_looked_up_and_never_imported(name):
    before = set(sys.modules)
    with pytest.raises(UserError, match="unknown model"):
        build(name, SIZES)
    assert set(sys.modules) == before


@pytest.mark.parametrize("config", [None, 3, "width", [["vocab_size", 11]]])
def test_sizes_are_names_with_values(config):
    with pytest.raises(UserError, match="expected names with values"):
        build("bag", config)


@pytest.mark.parametrize(
    ("name", "key", "value", "expected"),
    [
        ("bag", "width", 0, "whole number from 1"),
        ("bag", "width", -7, "whole number from 1"),
        ("bag", "width", 7.0, "whole number"),
        ("bag", "width", "7", "whole number"),
        ("bag", "width", True, "whole number"),
        ("bag", "width", None, "whole number"),
        ("bag", "width", 4097, "1 to 4,096"),
        ("bag", "classes", 0, "from 1"),
        ("bag", "vocab_size", 2**31, "16,777,216"),
        ("bag", "dropout", 1, "a fraction from 0"),
        ("bag", "dropout", -0.1, "a fraction from 0"),
        ("bag", "dropout", float("nan"), "a fraction from 0"),
        ("bag", "word_dropout", 1.0, "a fraction from 0"),
        ("self_attentive", "penalty_weight", float("inf"), "a number from 0"),
        ("self_attentive", "hops", 257, "1 to 256"),
        ("bilstm", "depth", 10**9, "1 to 64"),
        ("textcnn", "kernels", [], "a list of 1 to 16"),
        ("textcnn", "kernels", [3] * 17, "a list of 1 to 16"),
        ("textcnn", "kernels", [3, 0], "a list of 1 to 16"),
        ("textcnn", "kernels", 3, "a list of 1 to 16"),
        ("textcnn", "multichannel", 1, "true or false"),
    ],
)
def test_a_wrong_value_is_named(name, key, value, expected):
    with pytest.raises(UserError, match=f"{name}: key '{key}' is .*expected .*{expected}"):
        build(name, SIZES | {key: value})


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("bag", {"vocab_size": 2**24, "width": 4096}),
        ("bilstm", {"vocab_size": 11, "hidden": 4096, "depth": 64}),
        ("textcnn", {"vocab_size": 11, "width": 4096, "channels": 4096, "kernels": [100] * 16}),
        ("ngrams", {"vocab_size": 2**24, "buckets": 2**24, "classes": 2**16}),
    ],
)
def test_a_model_too_large_is_refused_before_memory_is_taken(name, sizes):
    began = time.process_time()
    with pytest.raises(UserError, match=f"{name}: these sizes give [0-9,]+ parameters; at most {LARGEST:,}"):
        build(name, {"classes": 3} | sizes)
    assert time.process_time() - began < 10  # 64 layers of 4,096 would take minutes and 60 GB


def test_a_weights_file_sets_the_limit():
    numbers = 11 * 7 + 3 * 7 + 3
    assert build("bag", SIZES | {"width": 7}, limit=numbers).out.weight.shape == (3, 7)
    with pytest.raises(UserError, match=f"{numbers} parameters; at most {numbers - 1}, which its weights file has"):
        build("bag", SIZES | {"width": 7}, limit=numbers - 1)


KEYS = [
    *("vocab_size", "classes", "width", "hidden", "depth", "dropout", "word_dropout", "kernels", "channels"),
    *("multichannel", "attention", "hops", "penalty_weight", "order", "buckets", "characters", "limit", "self", ""),
]


def value(dice, depth=0):
    """Any JSON value, often one that could be meant."""
    kinds = [
        lambda: dice.randint(1, 7),
        lambda: dice.choice([0, -1, 2**16, 2**31, 2**63, 10**12, 10**30, 1e308, -0.0, 0.5]),
        lambda: dice.random(),
        lambda: dice.choice([None, True, False, "", "7", "bag", "\ud7ff", "x" * 1000]),
        lambda: [value(dice, depth + 1) for _ in range(dice.randint(0, 4))] if depth < 3 else [],
        lambda: {dice.choice(KEYS): value(dice, depth + 1) for _ in range(2)} if depth < 3 else {},
    ]
    return dice.choice([kinds[0]] * 6 + kinds)()


def sizes_of(name):
    """The smallest sizes that a model must be given, of those that it has."""
    known = get_entry(name).options if name in MODELS else SIZES
    sizes = {**SIZES, "tags": 3, "width": 8, "image_height": 13, "image_width": 17}
    made_of = inspect.signature(get_entry(name).make).parameters if name in MODELS else {}
    if "channels" in made_of and made_of["channels"].default is inspect.Parameter.empty:
        sizes["channels"] = 3
    return {key: value for key, value in sizes.items() if key in known}


@pytest.mark.parametrize("count", [1000, pytest.param(5000, marks=pytest.mark.long)])
def test_random_configurations(count):
    """Each gives a model within the limit, or our error that names the model, the key or the number of numbers."""
    dice, made, refused = random.Random(0), 0, []
    for name in MODELS:
        build(name, sizes_of(name))
    before = set(sys.modules)
    for _ in range(count):
        name = dice.choice([*MODELS, *MODELS, "longt5", None])
        config = {key: value(dice) for key in dice.sample(KEYS, dice.randint(0, 4))}
        if dice.random() < 0.7:
            config = sizes_of(name) | config
        config = json.loads(json.dumps(config))
        try:
            model = build(name, config, limit=20_000)
        except UserError as error:
            refused.append(str(error))
        else:
            made += 1
            assert sum(t.numel() for t in model.state_dict().values()) <= 20_000
    assert made > count // 50
    assert len(refused) > count // 5
    named = ("unknown model", "key ", "parameters", "it must be", "heads", "width", "divided by")
    assert [message for message in refused if not any(part in message for part in named)] == []
    assert set(sys.modules) == before


def test_the_table_of_models_imports_none_of_them():
    look = "[m for m in sys.modules if m.startswith('lingon.models.') or m in ('torch', 'numba')]"
    code = f"import sys, lingon.models.registry; print({look})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    tables = ["lingon.models.hub_families", "lingon.models.option_types", "lingon.models.registry"]
    assert out.strip() == str(tables)


def test_the_seed_decides_the_weights():
    def weights():
        torch.manual_seed(5)
        return build("bag", SIZES).out.weight

    assert torch.equal(weights(), weights())


def test_every_published_family_is_a_row_whose_function_builds_it():
    """The table is the only list of families: each row finds its function, its class in `transformers` has its role."""
    ending = {"causal": ("LMHeadModel", "ForCausalLM"), "encoder": ("Model",)}
    ending |= {"seq2seq": ("ForConditionalGeneration", "MTModel")}
    assert {row.role for row in FAMILIES.values()} <= ending.keys()
    for name, row in FAMILIES.items():
        assert callable(row.builder()), name
        assert row.hub_class.endswith(ending[row.role]), name
        assert name in families_for(row.role)
    with pytest.raises(UserError, match="unknown model_type 'lllama'; did you mean 'llama'"):
        from_config({"model_type": "lllama"}, role="causal")
