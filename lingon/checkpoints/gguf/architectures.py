"""The architectures of GGUF files: the table of those that are supported, and how each represents a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lingon.checkpoints.gguf.config import Metadata, read_gemma2, read_gemma3, read_gpt2, read_llama, read_qwen
from lingon.checkpoints.gguf.save_config import write_gemma2, write_gemma3, write_gpt2, write_llama, write_qwen3
from lingon.core.errors import DataError, UserError, unknown
from lingon.data.files.gguf import GGUF
from lingon.data.tokenizers.gguf import PieceRules, gguf_tokenizer
from lingon.data.tokenizers.text_check import abbreviate
from lingon.data.tokenizers.tokenizer import Tokenizer

# Names of tensors in a layer, by the names in the Hugging Face layout.
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
SANDWICH_NAMES = LAYER_NAMES | {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
GEMMA_PIECES = PieceRules(merge_by_id=True, plain_spaces=True, merge_user_pieces=True, space_prefix=False)


@dataclass(frozen=True)
class Architecture:
    """Rules of one architecture: how its files represent a model.

    read_config: converts the metadata to a config.json of the Hugging Face layout, whose "model_type" is a family of
    `lingon.models.hub_families`. write_config: converts a model and such a configuration to the metadata that llama.cpp
    reads. families: the model types that are written in this way. layer_names: of its tensors in a layer. norm_offset:
    added to the weights of norms in the file. rotary_pairs: rotary embeddings rotate the elements 2i and 2i + 1 of a
    head, instead of i and i + K/2. piece_rules, default_pre: arguments of `gguf_tokenizer`.
    """

    read_config: Callable[[Metadata], dict[str, Any]]
    write_config: Callable[[Any, Mapping[str, Any]], dict[str, Any]]
    families: tuple[str, ...]
    layer_names: Mapping[str, str]
    norm_offset: int = 0
    rotary_pairs: bool = False
    piece_rules: PieceRules | None = None
    default_pre: str | None = None


ARCHITECTURES: dict[str, Architecture] = {
    "gpt2": Architecture(read_gpt2, write_gpt2, ("gpt2",), LAYER_NAMES, default_pre="gpt-2"),
    "llama": Architecture(read_llama, write_llama, ("llama", "mistral"), LAYER_NAMES, rotary_pairs=True),
    "qwen2": Architecture(read_qwen, write_llama, ("qwen2",), LAYER_NAMES),
    "qwen3": Architecture(read_qwen, write_qwen3, ("qwen3",), LAYER_NAMES),
    "gemma2": Architecture(
        read_gemma2, write_gemma2, ("gemma2",), SANDWICH_NAMES, norm_offset=1, piece_rules=GEMMA_PIECES
    ),
    "gemma3": Architecture(
        read_gemma3, write_gemma3, ("gemma3_text",), SANDWICH_NAMES, norm_offset=1, piece_rules=GEMMA_PIECES
    ),
}


def architecture_of(file: GGUF) -> Architecture:
    """Return the architecture of a file. Raises DataError if it is not supported."""
    return ARCHITECTURES[_name(file)]


def architecture_for(family: str) -> tuple[str, Architecture]:
    """Return the name and rules of the architecture for writing a model type. Raises UserError if there is none."""
    for name, row in ARCHITECTURES.items():
        if family in row.families:
            return name, row
    raise UserError(f"llama.cpp has no architecture for {family!r} that Lingon writes")


def tokenizer_of(file: GGUF) -> Tokenizer:
    """Read the tokenizer of a file by the rules of its architecture. Raises DataError naming the metadata key."""
    architecture = architecture_of(file)
    return gguf_tokenizer(file, architecture.piece_rules, architecture.default_pre)


def read_config(file: GGUF) -> dict[str, Any]:
    """Return the configuration for `lingon.models.from_config.from_config`.

    Raises DataError naming the metadata key that is missing or not supported.
    """
    metadata = Metadata(file, _name(file))
    if metadata.get("expert_count"):
        raise DataError(
            f"{file.path}: a mixture of {abbreviate(metadata.get('expert_count'))} experts, which is not read"
        )
    same = {
        "vocab_size": file.info("token_embd.weight").shape[0],
        "tie_word_embeddings": "output.weight" not in file.tensors,
        **{f"{name}_token_id": _id(file, name) for name in ("bos", "eos")},
    }
    return same | architecture_of(file).read_config(metadata)


def _id(file: GGUF, name: str) -> int | None:
    value = file.metadata.get(f"tokenizer.ggml.{name}_token_id")
    return value if type(value) is int else None


def _name(file: GGUF) -> str:
    name = file.metadata.get("general.architecture")
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise DataError(f"{file.path}: {unknown('general.architecture', str(name), ARCHITECTURES)}")
    return name
