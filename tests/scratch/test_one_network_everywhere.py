"""The network of lesson 04, trained in scratch, gives the same numbers in torch and in every form that it leaves in."""

import numpy as np
import pytest
import torch

import lingon
import lingon.scratch as scratch
from lingon import program as p
from lingon.data.corpora import load_pictures
from lingon.export.torch_program import run_torch, write_torch
from lingon.export.trace import trace
from tests.scratch.test_digits import network, train

pytestmark = pytest.mark.data
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def digits():
    return load_pictures("digits")


@pytest.fixture(scope="module")
def trained(digits):
    scratch.manual_seed(0)
    return train(scratch, network(scratch), digits.train.flat, digits.train.labels, epochs=3)


@pytest.fixture(scope="module")
def logits(trained, digits):
    """What scratch finds for the test digits, which is the truth here."""
    with scratch.no_grad():
        found = trained(scratch.tensor(digits.test.flat)).numpy()
    assert (found.argmax(1) == digits.test.labels).mean() > 0.9  # else the network would say nothing
    return found


@pytest.fixture(scope="module")
def in_torch(trained):
    model = network(torch)
    model.load_state_dict({name: torch.tensor(value.numpy()) for name, value in trained.state_dict().items()})
    return model.eval()


@pytest.fixture(scope="module")
def as_program(trained):
    """The same network as expressions."""
    weights = {name: value.numpy() for name, value in trained.state_dict().items()}
    x = p.Variable("x", ("B", 784), "float32")
    hidden = p.relu(x @ weights["0.weight"].T + weights["0.bias"])
    return p.compile(hidden @ weights["2.weight"].T + weights["2.bias"])


def test_in_torch(in_torch, digits, logits):
    with torch.no_grad():
        np.testing.assert_allclose(in_torch(torch.from_numpy(digits.test.flat)).numpy(), logits, **CLOSE)


def test_as_a_program_and_from_its_file(as_program, digits, logits, tmp_path):
    np.testing.assert_allclose(as_program(x=digits.test.flat), logits, **CLOSE)
    as_program.save(tmp_path / "network.json")
    np.testing.assert_allclose(p.load(tmp_path / "network.json")(x=digits.test.flat), logits, **CLOSE)


def test_as_an_onnx_model(as_program, digits, logits, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    as_program.to_onnx(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession((tmp_path / "network.onnx").read_bytes())
    for rows in (1, 7, len(logits)):
        (found,) = session.run(None, {"x": digits.test.flat[:rows]})
        np.testing.assert_allclose(found, logits[:rows], **CLOSE)


def test_as_an_exported_file_of_torch(in_torch, digits, logits, tmp_path):
    x = torch.from_numpy(digits.test.flat)
    write_torch(trace(in_torch, (x[:7],)), tmp_path / "network.pt2")
    run = run_torch(tmp_path / "network.pt2")
    with torch.no_grad():
        for rows in (2, 7, len(logits)):
            np.testing.assert_allclose(run(x[:rows]).numpy(), logits[:rows], **CLOSE)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:hybridize")  # whether it pays is the machine's matter; the numbers are not
def test_as_a_compiled_program(in_torch, digits, logits):
    x = torch.from_numpy(digits.test.flat)
    found = lingon.hybridize(in_torch, x[:50])(x)
    np.testing.assert_allclose(found.detach().numpy(), logits, **CLOSE)
