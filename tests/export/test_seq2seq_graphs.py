"""Graphs of encoder-decoders, and specifications for CTranslate2, give the logits of the models."""

import importlib.util

import pytest
import torch

from lingon.core.errors import UserError
from lingon.export.ctranslate2_spec import check_supported
from lingon.export.seq2seq_ctranslate2 import ctranslate2_difference, write_ctranslate2
from lingon.export.seq2seq_graph import EncoderGraph, decoder_graph
from lingon.export.seq2seq_onnx import seq2seq_difference, write_seq2seq_onnx
from lingon.models.attention_rnn import AttentionRNN
from lingon.models.config_sizes import ConfigReader
from lingon.models.hub_families import FAMILIES
from lingon.models.transformer import Transformer
from tests.models.seq2seq_configs import CONFIGS

SIZES = {"width": 12, "context_length": 29, "source_length": 31}
OURS = {
    "transformer": lambda: Transformer(23, 19, depth=2, decoder_depth=1, heads=3, **SIZES),
    "attention_rnn": lambda: AttentionRNN(23, 19, hidden=14, depth=2, score="additive", **SIZES),
    "attention_rnn, nothing fed": lambda: AttentionRNN(23, hidden=12, input_feeding=False, tied=False, **SIZES),
    "attention_rnn, gated": lambda: AttentionRNN(23, 19, hidden=14, depth=2, cell="gru", **SIZES),
    "attention_rnn, gated, nothing fed": lambda: AttentionRNN(
        23, hidden=10, cell="gru", score="dot", input_feeding=False, **SIZES
    ),
    "attention_rnn, copying": lambda: AttentionRNN(23, hidden=14, copy=True, **SIZES),
    "attention_rnn, gated, copying words": lambda: AttentionRNN(
        23, hidden=10, depth=2, cell="gru", copy=True, extended_vocab=5, tied=False, **SIZES
    ),
    "transformer, norms behind": lambda: Transformer(23, depth=1, heads=2, pre_norm=False, **SIZES),
}
NAMES = [*OURS, *CONFIGS]
SERVED = [name for name in NAMES if "t5" not in name and "rnn" not in name]


def task_of(name):
    """What an export asks of a translator, of a tiny model with random weights."""
    torch.manual_seed(7)
    family = name if name in OURS else CONFIGS[name]["model_type"]
    model = OURS[name]() if name in OURS else FAMILIES[family].builder()(ConfigReader(CONFIGS[name], family))
    for weight in model.parameters():
        weight.data += torch.randn_like(weight) * 0.1

    class Task:
        prefix_ids, unknown = (), None
        source, target = (
            type("Names", (), {"vocab": [f"token {i}" for i in range(part.num_embeddings)]})
            for part in (model.source_embedding, model.embedding)
        )

        def forbidden_ids(self):
            return torch.tensor([3])

    Task.model = model.eval()
    return Task()


@pytest.mark.parametrize("name", NAMES)
def test_graphs_that_hand_their_state_on_give_the_logits_of_the_model(name):
    model = task_of(name).model
    ids, mask = torch.randint(4, 18, (3, 7)), torch.arange(7) < torch.tensor([[7], [4], [1]])
    said = torch.randint(4, 18, (3, 5))
    with torch.inference_mode():
        state = model.new_state(model.encode(ids, mask))
        layers = len(state.keys)
        found = EncoderGraph(model)(ids, mask)
        memory, target = [*found[: 2 * layers]], [*found[2 * layers :]]
        step, logits = decoder_graph(model, state), []
        for column in said.split(1, 1):
            last, *target = step(column, mask, memory, target)
            logits.append(last)
        expected = model.head(model(ids, mask, said))
    torch.testing.assert_close(torch.stack(logits, 1), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_onnx_graphs_give_the_logits_of_the_model(tmp_path, name):
    task = task_of(name)
    assert seq2seq_difference(task, tmp_path, write_seq2seq_onnx(task, tmp_path)) < 1e-4


@pytest.mark.skipif(importlib.util.find_spec("ctranslate2") is None, reason="the package ctranslate2 is not installed")
@pytest.mark.parametrize("name", SERVED)
def test_ctranslate2_gives_the_log_probabilities_of_the_model(tmp_path, name):
    task = task_of(name)
    assert ctranslate2_difference(task, tmp_path, write_ctranslate2(task, tmp_path), exact=True) < 1e-4


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SERVED and "," not in name])
def test_other_models_are_refused_for_ctranslate2_by_name(name):
    with pytest.raises(UserError, match=f"'{name}' is not exported to ctranslate2"):
        check_supported(task_of(name).model, name)
