"""Weights read from ONNX files that the library `onnx` wrote; damaged files are refused, whatever is wrong."""

import contextlib
import random

import numpy as np
import pytest

from lingon.core.errors import DataError
from lingon.data.files.onnx_weights import pytorch_weights

onnx = pytest.importorskip("onnx")
draw = np.random.default_rng(0)
TABLE, BIAS, MATRIX, OTHER = (draw.normal(size=s).astype(np.float32) for s in ((5, 3), (7,), (3, 7), (7, 3)))


def file(raw=True):
    """A graph as PyTorch exports one: names of parameters, but not of transposed matrices."""
    from onnx import TensorProto, helper, numpy_helper

    def tensor(name, array):
        if raw:
            return numpy_helper.from_array(array, name)
        return helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.flatten().tolist())

    whole = helper.make_tensor("model.shape", TensorProto.INT64, [2], [-1, 3])
    tensors = [tensor("model.0.table.weight", TABLE), tensor("model.0.dense.bias", BIAS), whole]
    tensors += [tensor("onnx::MatMul_31", MATRIX), tensor("onnx::MatMul_32", OTHER)]
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_31"], ["y"], name="/model/model.0/dense/MatMul"),
        helper.make_node("MatMul", ["y", "onnx::MatMul_32"], ["z"], name="/model/model.0/out/MatMul"),
        helper.make_node("MatMul", ["y", "y"], ["w"], name="/model/model.0/self/MatMul_1"),
        helper.make_node("Relu", ["z"], ["v"], name="/model/model.0/act/Relu"),
    ]
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 3])
    graph = helper.make_graph(nodes, "main", [value], [], initializer=tensors)
    return helper.make_model(graph).SerializeToString()


@pytest.mark.parametrize("raw", [True, False])
def test_weights_have_the_names_of_the_layers(raw):
    found = pytorch_weights(file(raw), "m.onnx")
    wanted = {"table.weight": TABLE, "dense.bias": BIAS, "dense.weight": MATRIX.T, "out.weight": OTHER.T}
    assert found.keys() == {f"model.0.{name}" for name in wanted}
    for name, array in wanted.items():
        assert np.array_equal(found[f"model.0.{name}"], array)
        assert found[f"model.0.{name}"].flags.c_contiguous


def test_a_file_that_is_damaged_is_refused_or_read():
    whole, dice = file(), random.Random(0)
    for end in range(0, len(whole) - 1, 7):
        with pytest.raises(DataError, match=r"m\.onnx: not a complete ONNX file"):
            pytorch_weights(whole[:end], "m.onnx")
    for _ in range(500):
        data = bytearray(whole)
        data[dice.randrange(len(data))] = dice.randrange(256)
        with contextlib.suppress(DataError):
            pytorch_weights(bytes(data), "m.onnx")
    with pytest.raises(DataError, match="not a complete ONNX file"):
        pytorch_weights(b"", "m.onnx")
