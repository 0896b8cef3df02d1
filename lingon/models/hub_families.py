"""The table of the families of published models in the Hugging Face layout.

To add a family, add a function of a `ConfigReader` in the file named by its row, and the row. No torch is imported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

    from lingon.models.config_sizes import ConfigReader


@dataclass(frozen=True)
class HubFamily:
    """Where a family is built, and the names in its checkpoints.

    module, function: build the model from its config.json. hub_class: its class in `transformers`, the first of
    "architectures" in config.json. role: what the model can be used for. tokenizers: for an encoder-decoder, the
    function of `lingon.data.tokenizers.seq2seq_files` that reads its tokenizers. languages: its possible layouts in
    `lingon.tasks.translate.languages`.
    """

    module: str
    function: str
    hub_class: str
    role: Literal["causal", "encoder", "seq2seq"] = "causal"
    tokenizers: str = ""
    languages: tuple[str, ...] = ()

    def builder(self) -> "Callable[[ConfigReader], nn.Module]":
        """Return the function that builds the model with fresh weights; imports its module."""
        return getattr(import_module(self.module), self.function)


T5, BART = "lingon.models.t5", "lingon.models.bart"
DECODERS, ENCODERS = "lingon.models.decoder_families", "lingon.models.encoder_families"
# By the "model_type" of config.json.
FAMILIES: dict[str, HubFamily] = {
    "gpt2": HubFamily(DECODERS, "gpt2", "GPT2LMHeadModel"),
    "llama": HubFamily(DECODERS, "llama", "LlamaForCausalLM"),
    "mistral": HubFamily(DECODERS, "mistral", "MistralForCausalLM"),
    "qwen2": HubFamily(DECODERS, "qwen2", "Qwen2ForCausalLM"),
    "qwen3": HubFamily(DECODERS, "qwen3", "Qwen3ForCausalLM"),
    "gemma2": HubFamily(DECODERS, "gemma2", "Gemma2ForCausalLM"),
    "gemma3_text": HubFamily(DECODERS, "gemma3", "Gemma3ForCausalLM"),
    "bert": HubFamily(ENCODERS, "bert", "BertModel", "encoder"),
    "roberta": HubFamily(ENCODERS, "roberta", "RobertaModel", "encoder"),
    "xlm-roberta": HubFamily(ENCODERS, "roberta", "XLMRobertaModel", "encoder"),
    "distilbert": HubFamily(ENCODERS, "distilbert", "DistilBertModel", "encoder"),
    "electra": HubFamily(ENCODERS, "electra", "ElectraModel", "encoder"),
    "albert": HubFamily("lingon.models.albert", "albert", "AlbertModel", "encoder"),
    "mpnet": HubFamily("lingon.models.mpnet", "mpnet", "MPNetModel", "encoder"),
    "deberta-v2": HubFamily("lingon.models.deberta", "deberta", "DebertaV2Model", "encoder"),
    "modernbert": HubFamily("lingon.models.modernbert", "modernbert", "ModernBertModel", "encoder"),
    "t5": HubFamily(T5, "t5", "T5ForConditionalGeneration", "seq2seq", "t5_tokenizers"),
    "mt5": HubFamily(T5, "mt5", "MT5ForConditionalGeneration", "seq2seq", "mt5_tokenizers"),
    "bart": HubFamily(BART, "bart", "BartForConditionalGeneration", "seq2seq", "bart_tokenizers"),
    "mbart": HubFamily(
        BART, "mbart", "MBartForConditionalGeneration", "seq2seq", "mbart_tokenizers", ("MBART", "MBART50")
    ),
    "marian": HubFamily(BART, "marian", "MarianMTModel", "seq2seq", "marian_tokenizers", ("MARIAN",)),
    "m2m_100": HubFamily(
        BART, "m2m_100", "M2M100ForConditionalGeneration", "seq2seq", "m2m_100_tokenizers", ("M2M100", "NLLB")
    ),
}
# Encoder-decoders that resemble one of these: their weights would fit, or nearly, but compute something else.
NEIGHBOURS: tuple[str, ...] = (
    "umt5",
    "longt5",
    "switch_transformers",
    "pegasus",
    "pegasus_x",
    "bigbird_pegasus",
    "prophetnet",
    "led",
)
NEIGHBOURS += ("blenderbot", "blenderbot-small", "fsmt", "mvp", "plbart", "nllb-moe", "whisper", "speech_to_text")
NEIGHBOURS += ("encoder-decoder",)


def is_encoder(model_type: object) -> bool:
    """Return whether a `model_type` is that of a family of encoders."""
    return isinstance(model_type, str) and model_type in families_for("encoder")


def is_seq2seq(model_type: object) -> bool:
    """Return whether a `model_type` is that of an encoder-decoder: of a family, or of a neighbour that is refused."""
    return isinstance(model_type, str) and (model_type in families_for("seq2seq") or model_type in NEIGHBOURS)


def families_for(role: str) -> list[str]:
    """Return the model types with a role ("causal", "encoder", "seq2seq"), in the order of the table."""
    return [name for name, family in FAMILIES.items() if family.role == role]
