"""Programs in ONNX: onnxruntime computes what the program does, for free sizes too."""

import numpy as np
import pytest

from lingon import program as p
from lingon.core.errors import UserError
from lingon.program import Variable, compile, gradient, scan
from lingon.program.elementwise import ELEMENTWISE
from lingon.program.expression import apply_operator
from lingon.program.onnx_elementwise import SAME
from lingon.program.onnx_nodes import NODE_RULES
from lingon.program.operators import OPERATORS

onnxruntime = pytest.importorskip("onnxruntime")
SMALL = np.random.default_rng(0).uniform(0.2, 3, (3, 5)).astype(np.float32)


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if n in SAME or n in NODE_RULES])
def test_elementwise_operators(name, tmp_path):
    op = OPERATORS[name]
    kind = "bool" if name.startswith(("bitwise", "invert", "logical")) else "float32"
    x, y = (Variable(n, ("A", "B"), kind) for n in "xy")
    first = x > 1.5 if name == "where" else x
    built = apply_operator(
        name,
        [first, x, y][: op.arity] if name == "where" else [x, y][: op.arity],
        {"dtype": "int32"} if name == "cast" else {},
    )
    given = {"x": SMALL.astype(kind), "y": SMALL[::-1].astype(kind)}
    f = compile(built)
    assert f.to_onnx(tmp_path / "f.onnx", **{n: given[n] for n in f.inputs}) <= 1e-4


def classifier(B="B", T="T"):
    rng = np.random.default_rng(0)
    w = lambda *shape: rng.normal(size=shape).astype(np.float32)
    ids = Variable("ids", (B, T), "int64")
    real = ids > 0
    x = p.embedding(w(11, 5), ids)
    mean = p.sum(p.masked_fill(x, ~real[:, :, None], 0.0), 1) / p.maximum(real.sum(1, keepdims=True), 1).astype(
        "float32"
    )
    conv = p.max(p.relu(p.conv1d(x.swapaxes(1, 2), w(7, 5, 3), w(7), padding=1)), 2)
    last, _ = scan(lambda h, v: (p.tanh(v @ w(5, 5) + h), h), mean, x.transpose(1, 0, 2))
    h = p.concatenate([mean, conv, last], 1).reshape(-1, 17)
    return compile(
        {"logits": p.layer_norm(h, w(17), w(17)) @ w(17, 2), "best": p.argmax(h, 1), "two": h[..., ::-2][0:2]}
    )


def test_a_classifier_with_a_loop_runs_in_onnxruntime_for_any_batch_and_length(tmp_path):
    f = classifier()
    assert f.to_onnx(tmp_path / "f.onnx") <= 1e-5
    session = onnxruntime.InferenceSession((tmp_path / "f.onnx").read_bytes())
    for batch, time in ((1, 1), (2, 7), (13, 5)):
        ids = np.random.default_rng(batch).integers(0, 11, (batch, time))
        for ours, theirs in zip(f(ids=ids).values(), session.run(None, {"ids": ids}), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_gradients_export_for_fixed_sizes(tmp_path):
    x, W = Variable("x", (3, 5), "float32"), Variable("W", (5, 7), "float32")
    loss = p.cross_entropy(p.tanh(x @ W), np.array([1, 0, 6]))
    f = compile([loss, *gradient((p.tanh(x @ W) ** 2).mean(), [x, W])])
    assert f.to_onnx(tmp_path / "f.onnx") <= 1e-5


def test_what_cannot_be_exported_is_refused_and_nothing_is_written(tmp_path):
    x = Variable("x", ("B", 5), "float32")
    with pytest.raises(UserError, match=r"with other free sizes the program fails, write -1.*20 numbers"):
        compile(x.reshape(15)).to_onnx(tmp_path / "f.onnx", x=np.ones((3, 5), np.float32))
    with pytest.raises(UserError, match=r"Expand has a size of the example in it.*write -1"):
        compile(gradient(x.sum(0), x)).to_onnx(tmp_path / "f.onnx")
    with pytest.raises(UserError, match="place cannot be written in ONNX"):
        compile(gradient(x[:, 1:], x)).to_onnx(tmp_path / "f.onnx")
    with pytest.raises(UserError, match="y was declared without shape and dtype"):
        compile(Variable("y") + 1).to_onnx(tmp_path / "f.onnx")
    assert not (tmp_path / "f.onnx").exists()
