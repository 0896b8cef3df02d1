"""Programs as files: what is saved is what is loaded, and nothing else gets in."""

import builtins
import copy
import json
import random
import tracemalloc

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.program import (
    Variable,
    compile,
    conv1d,
    cross_entropy,
    embedding,
    gradient,
    load,
    max,
    relu,
    scan,
    softmax,
    tanh,
    where,
)
from lingon.program.storage import VERSION


def classifier():
    """Embedding, convolution, maximum over time, a linear layer, a loss and its gradient, and a loop."""
    rng = np.random.default_rng(0)
    ids, E = Variable("ids", ("B", "T"), "int64"), Variable("E")
    x = embedding(E, ids).swapaxes(1, 2)
    h = max(relu(conv1d(x, rng.normal(size=(7, 5, 3)), np.arange(7.0))), 2)
    logits = h @ rng.normal(size=(7, 2)) + float("inf") * 0.0 + where(h[:, :1] > float("-inf"), 0.0, 1.0)
    logits = h @ rng.normal(size=(7, 2)) + where(h[:, :1] > float("-inf"), 0.0, 1.0)
    loss = cross_entropy(logits, np.array([0, 1]))
    last, states = scan(lambda s, v: (tanh(s * 0.5 + v), s[0]), np.zeros(2), softmax(logits))
    return compile({"loss": loss, "dE": gradient(loss, E)[0], "last": last, "states": states, "head": h[0, ::-2]})


GIVEN = {"ids": np.array([[1, 2, 0, 2, 1], [0, 0, 1, 2, 2]]), "E": np.random.default_rng(1).normal(size=(3, 5))}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "f.json"
    classifier().save(path)
    return path


def test_saved_equals_loaded_to_the_last_bit(saved, tmp_path):
    f, g = classifier(), load(saved)
    a, b = f(**GIVEN), g(**GIVEN)
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])
        assert a[name].dtype == b[name].dtype
    assert str(f) == str(g)
    g.save(tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text())
    first = json.loads(saved.read_text())
    assert again["nodes"] == first["nodes"]


def test_forms_numbers_and_a_program_without_arrays(tmp_path):
    x = Variable("x", (3,), "float32")
    for built in (x + float("nan"), [x * float("inf"), x], {"y": x * -float("inf") + 2}):
        f = compile(built)
        f.save(tmp_path / "f.json")
        a, b = f(x=np.ones(3, np.float32)), load(tmp_path / "f.json")(x=np.ones(3, np.float32))
        assert type(a) is type(b)
        np.testing.assert_equal(a, b)
    assert not (tmp_path / "f.safetensors").exists()
    gradient(x * x, x).save(tmp_path / "g.json")
    np.testing.assert_array_equal(load(tmp_path / "g.json")(x=np.ones(3, np.float32)), [2, 2, 2])


def change(saved, **new):
    record = json.loads(saved.read_text()) | new
    saved.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"version": VERSION + 1}, "newer than 1"),
        ({"version": "1"}, "whole number"),
        ({"format": "pickle"}, "not a program"),
        ({"surplus": 1}, "key 'surplus' is unknown"),
        ({"nodes": [{"op": "system", "inputs": []}]}, "node 0: unknown operator 'system'"),
        ({"nodes": [{"op": "exp", "inputs": [0]}]}, "node 0: takes node 0, which does not come before it.*cycle"),
        ({"nodes": [{"op": "exp", "inputs": [1]}, {"op": "exp", "inputs": [0]}]}, "cycle"),
        ({"nodes": [{"op": "exp", "inputs": [-1]}]}, "must be a list of places"),
        ({"nodes": {"a": 1}}, "must be a list"),
        ({"nodes": [{"op": "variable", "name": "x", "shape": [2**62], "dtype": "float32"}]}, "node 0 .*shape"),
        ({"nodes": [{"op": "variable", "name": "x", "shape": [2], "dtype": "object"}]}, "unknown dtype 'object'"),
        ({"nodes": [{"op": "variable", "name": "x y", "shape": None, "dtype": None}]}, "keyword"),
        (
            {
                "nodes": [
                    {"op": "constant", "number": 1},
                    {"op": "broadcast_to", "inputs": [0], "shape": [10**9, 10**9]},
                ]
            },
            r"node 1 \(broadcast_to\).*at most",
        ),
        ({"nodes": [{"op": "constant", "number": 10**30}]}, "has a number"),
        ({"nodes": [{"op": "constant", "array": "c99"}]}, "unknown constant 'c99'"),
        ({"nodes": [{"op": "constant", "number": 1}, {"op": "exp", "inputs": [0, 0]}]}, "takes 1 operands"),
        (
            {"nodes": [{"op": "constant", "number": 1}, {"op": "sum", "inputs": [0], "axis": "x", "keepdims": True}]},
            "axis = 'x'",
        ),
        ({"nodes": [{"op": "constant", "number": 1}, {"op": "sum", "inputs": [0]}]}, "expected"),
        ({"outputs": {}}, "outputs must name"),
        ({"outputs": {"y": 10**6}}, "output 'y' is 1000000"),
        ({"form": "one"}, "a single one"),
        ({"constants": {"file": "../f.safetensors", "sha256": ""}}, "must lie beside"),
        ({"constants": {"file": "other.safetensors", "sha256": ""}}, "no such file"),
        ({"constants": None}, "unknown constant"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(saved, new, message):
    change(saved, **new)
    with pytest.raises(DataError, match=message) as caught:
        load(saved)
    assert "f.json" in str(caught.value) or "safetensors" in str(caught.value)


def test_truncated_files_and_foreign_constants_are_refused(saved):
    text, constants = saved.read_text(), saved.with_suffix(".safetensors")
    for end in range(0, len(text) - 2, max_step := len(text) // 50):
        saved.write_text(text[:end])
        with pytest.raises(DataError):
            load(saved)
    assert max_step
    saved.write_text(text[: text.rindex("\n", 0, len(text) // 2)])
    with pytest.raises(DataError, match=r"not JSON .it ends too early"):
        load(saved)
    saved.write_text(text)
    constants.write_bytes(constants.read_bytes()[:-1])
    with pytest.raises(DataError, match="sha256 is another"):
        load(saved)
    constants.unlink()
    with pytest.raises(DataError, match="no such file"):
        load(saved)
    with pytest.raises(UserError, match=r"saved as a .json file"):
        load(saved.with_suffix(".pkl"))


def test_deep_nesting_and_many_nodes_are_refused(saved):
    saved.write_text("[" * 100_000)
    with pytest.raises(DataError):
        load(saved)
    change_nodes = {"op": "constant", "number": 1}
    record = {"format": "lingon.program", "version": 1, "form": "one", "outputs": {"y": 0}, "constants": None}
    saved.write_text(json.dumps(record | {"nodes": [change_nodes] * 100_001}))
    with pytest.raises(DataError, match="100,001 nodes"):
        load(saved)


ODD = [
    None,
    -1,
    0,
    1,
    2**40,
    2**63,
    10**30,
    1.5,
    "",
    "x",
    "exp",
    True,
    [],
    [1],
    [-1],
    [[]],
    {},
    {"op": "exp"},
    ["slice", 0, 0, 0],
]


def places(value, path=()):
    """The path of everything in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def mutated(record, rng):
    record = copy.deepcopy(record)
    for _ in range(rng.choice([1, 1, 2, 4])):
        *parents, last = rng.choice([p for p in places(record) if p])
        inner = record
        for key in parents:
            inner = inner[key]
        roll = rng.random()
        if roll < 0.2:
            del inner[last]
        elif roll < 0.4 and isinstance(inner, list):
            inner.insert(last, copy.deepcopy(rng.choice(inner)))
        else:
            inner[last] = rng.choice(ODD)
    return record


def fuzz(saved, seeds):
    record = json.loads(saved.read_text())
    loaded = longest = 0
    tracemalloc.start()
    for seed in seeds:
        saved.write_text(json.dumps(mutated(record, random.Random(seed))))
        try:
            f = load(saved)
            loaded += 1
            f(**{n: GIVEN.get(n, np.ones(3)) for n in f.inputs})
        except UserError as error:
            longest = builtins.max(longest, len(str(error)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert loaded
    assert longest < 3000
    assert peak < 64 << 20


def test_mutated_files_end_in_an_error_of_ours_or_run(saved):
    fuzz(saved, range(300))


@pytest.mark.long
def test_many_mutated_files(saved):
    fuzz(saved, range(300, 10_000))
