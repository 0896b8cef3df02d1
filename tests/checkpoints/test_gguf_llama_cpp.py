"""What Lingon writes, llama.cpp runs: the same tokens of a text, and the same probabilities of the next one."""

import pytest
import torch

from lingon.checkpoints.gguf.load import load_gguf
from lingon.checkpoints.gguf.save import save_gguf
from lingon.data.tokenizers.train import bpe
from lingon.models.from_config import from_config
from lingon.models.registry import build
from tests.checkpoints.conftest import worker_of
from tests.checkpoints.test_gguf_save import TEXTS, WRITTEN

pytestmark = pytest.mark.long
TOKENIZER = bpe(TEXTS, 300)
SIZE = len(TOKENIZER.vocab)
PROMPT = "the best of times, 1859  don't\n\u00e9!"
# Rows that llama.cpp's fast products can take, of 32 numbers.
ROTARY = {"hidden_size": 64, "intermediate_size": 96, "head_dim": 32, "num_attention_heads": 2}
ROTARY |= {"num_key_value_heads": 1, "max_position_embeddings": 64}
GPT2 = {"n_embd": 64, "n_head": 4, "n_positions": 64, "n_inner": 128}
OWN = {"vocab_size": SIZE, "width": 64, "depth": 2, "heads": 4, "context_length": 64}


@pytest.fixture(scope="module")
def llama_cpp():
    yield from worker_of("llama_cpp", "llama-cpp")


def a_model(name):
    if name in ("gpt", "decoder"):
        model = build(name, OWN | ({} if name == "gpt" else {"kv_heads": 2}))
    else:
        config = WRITTEN[name] | (GPT2 if name.startswith("gpt2") else ROTARY) | {"vocab_size": SIZE}
        config |= {key: new for key, new in (("query_pre_attn_scalar", 32), ("sliding_window", 64)) if key in config}
        model = from_config(config)
    torch.manual_seed(0)
    for p in model.parameters():
        if p.ndim > 1:
            torch.nn.init.normal_(p.data, std=0.15)
    return model.eval()


def our_logprobs(model):
    with torch.no_grad():
        return model(torch.tensor([TOKENIZER.encode(PROMPT)]))[0, -1].log_softmax(-1)


@pytest.mark.parametrize("name", ["gpt", "decoder", *WRITTEN])
def test_the_next_token_has_the_same_probabilities_there(name, llama_cpp, tmp_path):
    """Up to the half numbers and tables that llama.cpp computes with."""
    model = a_model(name)
    path = save_gguf(model, TOKENIZER, tmp_path / "a.gguf", (0,), "F32", "a")
    found = llama_cpp.ask("logprobs", {"path": str(path), "prompt": PROMPT, "size": SIZE})
    assert found["tokens"] == len(TOKENIZER.encode(PROMPT))
    ours, theirs = our_logprobs(model), torch.tensor(found["logprobs"])
    assert (ours - theirs).abs().max() < 0.005 * (ours.max() - ours.min())


@pytest.mark.parametrize("weight_type", ["F16", "Q8_0"])
def test_so_has_a_file_with_few_bits(weight_type, llama_cpp, tmp_path):
    path = save_gguf(a_model("decoder"), TOKENIZER, tmp_path / "a.gguf", (0,), weight_type, "a")
    theirs = torch.tensor(llama_cpp.ask("logprobs", {"path": str(path), "prompt": PROMPT, "size": SIZE})["logprobs"])
    ours = our_logprobs(load_gguf(path).model)
    most = {"F16": 0.005, "Q8_0": 0.02}[weight_type]  # it rounds what it multiplies with 8 bits too
    assert (ours - theirs).abs().max() < most * (ours.max() - ours.min())
