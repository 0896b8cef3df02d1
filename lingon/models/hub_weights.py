"""The names of the weights of a model in checkpoints of the Hugging Face layout."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from lingon.layers.residual import Sandwich


@dataclass(frozen=True)
class HubWeight:
    """A tensor of ours, and the tensors in the checkpoint that it is stacked from.

    sizes: rows of each of those. transposed: they are stored as [in, out].
    """

    ours: str
    theirs: tuple[str, ...]
    sizes: tuple[int, ...]
    transposed: bool = False


def gpt2_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of a GPT with its name in checkpoints of GPT-2. A tied output matrix is not stored."""
    parts = {
        "around_attention.pre_norm": "ln_1",
        "attention.qkv": "attn.c_attn",
        "attention.out": "attn.c_proj",
        "around_feed_forward.pre_norm": "ln_2",
        "feed_forward.up": "mlp.c_fc",
        "feed_forward.down": "mlp.c_proj",
    }
    names = {"embedding": "transformer.wte", "positions": "transformer.wpe", "norm": "transformer.ln_f"}
    blocks: Any = model.blocks
    for layer in range(len(blocks)):
        names |= {f"blocks.{layer}.{ours}": f"transformer.h.{layer}.{theirs}" for ours, theirs in parts.items()}
    linear = tuple(name for name in parts if name.startswith(("attention.", "feed_forward.")))
    for name, tensor in _weights(model):
        module, _, kind = name.rpartition(".")
        transposed = kind == "weight" and module.endswith(linear)
        theirs = "lm_head" if module == "output" else names[module]
        yield HubWeight(name, (f"{theirs}.{kind}",), (len(tensor),), transposed)


def decoder_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of a decoder with its name in checkpoints of the Llama kind. A tied one is not stored."""
    blocks: Any = model.blocks
    gemma = isinstance(blocks[0].around_feed_forward, Sandwich)
    parts = {
        "around_attention.pre_norm": "input_layernorm",
        "around_attention.post_norm": "post_attention_layernorm",
        "around_feed_forward.pre_norm": "pre_feedforward_layernorm" if gemma else "post_attention_layernorm",
        "around_feed_forward.post_norm": "post_feedforward_layernorm",
        "attention.query_norm": "self_attn.q_norm",
        "attention.key_norm": "self_attn.k_norm",
        "attention.out": "self_attn.o_proj",
        "feed_forward.down": "mlp.down_proj",
    }
    whole = {"embedding": "model.embed_tokens", "norm": "model.norm", "output": "lm_head"}
    for name, tensor in _weights(model):
        module, _, kind = name.rpartition(".")
        if module in whole:
            yield HubWeight(name, (f"{whole[module]}.{kind}",), (len(tensor),))
            continue
        _, layer, part = module.split(".", 2)
        at = f"model.layers.{layer}"
        if part == "attention.qkv":
            attention = blocks[int(layer)].attention
            sizes = tuple(n * attention.head_width for n in (attention.heads, attention.kv_heads, attention.kv_heads))
            yield HubWeight(name, tuple(f"{at}.self_attn.{x}_proj.{kind}" for x in "qkv"), sizes)
        elif part == "feed_forward.up":
            theirs = tuple(f"{at}.mlp.{x}_proj.{kind}" for x in ("gate", "up"))
            yield HubWeight(name, theirs, (len(tensor) // 2,) * 2)
        else:
            yield HubWeight(name, (f"{at}.{parts[part]}.{kind}",), (len(tensor),))


def encoder_weights(
    model: nn.Module, whole: Mapping[str, str], block: tuple[str, str], parts: Mapping[str, tuple[str, ...]]
) -> Iterator[HubWeight]:
    """Yield each weight of an encoder, without heads, with its name in checkpoints of its family.

    whole: names of modules outside the blocks, theirs by ours. block: a pattern for the name of our block, with a group
    for each number, and their name with {} for the numbers. parts: names of modules inside a block, theirs by ours.
    """
    pattern, at = block
    for name, tensor in _weights(model):
        module, _, kind = name.rpartition(".")
        if module in whole:
            yield HubWeight(name, (f"{whole[module]}.{kind}",), (len(tensor),))
            continue
        found = re.match(pattern, module)
        assert found is not None, module
        theirs = parts[module[found.end() :]]
        rows = (len(tensor) // len(theirs),) * len(theirs)
        yield HubWeight(name, tuple(f"{at.format(*found.groups())}{part}.{kind}" for part in theirs), rows)


def _weights(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    return model.named_parameters()  # a tied matrix occurs once, as the embedding
