"""All models by name, and construction of a model from a configuration, validated before memory is allocated.

To add a model, add a file with an `ENTRY`, and a row in MODELS. Neither this table nor the options of the command line
import torch: a model's file is imported when the model is requested.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from lingon.core.errors import UserError, unknown
from lingon.models.hub_families import FAMILIES
from lingon.models.option_types import check_options, options_of

Learn = Callable[[Any, list[str], Iterable[tuple[Any, Any]]], None]  # (model, vocabulary, ids and masks of texts)

if TYPE_CHECKING:
    from torch import nn

    from lingon.core.shapes import Tensor
    from lingon.program import Expression
else:
    Expression = Any  # `lingon.program` is imported only to export

Role = Literal[
    "classifier",
    "causal",
    "encoder",
    "seq2seq",
    "answerer",
    "parser",
    "tagger",
    "image-classifier",
    "detector",
    "segmenter",
    "captioner",
    "image-answerer",
    "image-generator",
    "stylizer",
]
LARGEST = 1 << 31  # maximum parameters of a model without a `limit`: 8 GiB in float32


@dataclass(frozen=True)
class ModelRow:
    """The module with a model's ENTRY, and the roles for which --model can name it; none for a part of models."""

    module: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing of ids for the exported graph of a model, which other languages must implement.

    graph: a function from the model to the module that is exported in its place. inputs: a function from the model, ids
    and mask [B, T] to its inputs. rule: a function from the model and the tokens of its vocabulary to the description
    of the inputs in config.json. mask: the description of the second input: its type, padding and content.
    """

    graph: Callable[[Any], "nn.Module"]
    inputs: Callable[[Any, "Tensor", "Tensor"], "tuple[Tensor, Tensor]"]
    rule: Callable[[Any, list[str]], dict[str, Any]]
    mask: Mapping[str, Any]


@dataclass(frozen=True)
class ModelEntry:
    """The entry of a model in the registry.

    make: builds the model with fresh weights; its parameters, with their ranges, are the configuration.
    defaults: training settings for this model, by name.
    optimizer: a name in `lingon.engine.training_parts`, a sparse one if gradients have few rows. by_optimizer: defaults
    for other optimizers. learn: a function that initializes a fresh model from the vocabulary and the training texts,
    such as its document frequencies, called with (model, tokens in the order of their ids, batches of ids and masks).
    derive: options that depend on others and on the training texts, such as the number of hash buckets. after_vectors:
    called with the model after pretrained vectors have been loaded into its embedding. load_frozen: loads published
    weights into the part of a fresh model that is never trained; only its layer `out` is, on the `vectors` of that
    part. recurrent: it carries a state of fixed size from batch to batch. autocast: half precision affects its
    computation. instead: for settings it does not have, what to use. preprocessing: of the ids outside its exported
    graph. program: that graph as an expression of `lingon.program`, (graph, ids, mask) -> logits; None: it cannot be
    exported as a program. hub_config, hub_weights: the config.json and the names of its weights in the Hugging Face
    layout, if it can be saved in it.
    """

    make: Callable[..., "nn.Module"]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    optimizer: str = "adamw"
    by_optimizer: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    learn: Learn | None = None
    derive: Callable[["DataStats", Mapping[str, Any]], dict[str, Any]] | None = None
    after_vectors: Callable[[Any], None] | None = None
    load_frozen: Callable[[Any], None] | None = None
    recurrent: bool = False
    autocast: bool = True
    instead: Mapping[str, str] = field(default_factory=dict)
    preprocessing: Preprocessing | None = None
    program: Callable[[Any, Expression, Expression], Expression] | None = None
    hub_config: Callable[[Any], dict[str, Any]] | None = None
    hub_weights: Callable[[Any], Iterable[Any]] | None = None

    @property
    def options(self) -> list[str]:
        """Return the names of the options."""
        return list(options_of(self.make))


@dataclass(frozen=True)
class DataStats:
    """Statistics of the training texts for building a model.

    words: estimated number of words. padding_idx: the id of padding; None if the tokenizer has none.
    """

    vocab_size: int
    words: int = 0
    padding_idx: int | None = 0


MODELS: dict[str, ModelRow] = {
    "ngrams": ModelRow("lingon.models.ngrams", ("classifier",)),
    "bag": ModelRow("lingon.models.bag_of_vectors", ("classifier",)),
    "textcnn": ModelRow("lingon.models.textcnn", ("classifier",)),
    "bilstm": ModelRow("lingon.models.bilstm", ("classifier",)),
    "self_attentive": ModelRow("lingon.models.self_attentive", ("classifier",)),
    "gpt": ModelRow("lingon.models.gpt", ("causal",)),
    "decoder": ModelRow("lingon.models.decoder", ("causal",)),
    "lstm": ModelRow("lingon.models.lstm", ("causal",)),
    "awd_lstm": ModelRow("lingon.models.awd_lstm", ("causal",)),
    "encoder": ModelRow("lingon.models.encoder_classifier", ("classifier",)),
    "bert": ModelRow("lingon.models.bert", ("encoder",)),
    "static": ModelRow("lingon.models.static", ("encoder",)),
    "encoder_parser": ModelRow("lingon.models.encoder_parser", ("parser",)),
    "encoder_tagger": ModelRow("lingon.models.encoder_tagger", ("tagger",)),
    "bilstm_crf": ModelRow("lingon.models.bilstm_crf", ("tagger",)),
    "masked_encoder": ModelRow("lingon.models.masked_encoder", ()),
    "encoder_answerer": ModelRow("lingon.models.encoder_answerer", ("answerer",)),
    "center_net": ModelRow("lingon.models.center_net", ("detector",)),
    "transformer": ModelRow("lingon.models.transformer", ("seq2seq",)),
    "resnet": ModelRow("lingon.models.resnet", ("image-classifier",)),
    "lenet": ModelRow("lingon.models.lenet", ("image-classifier",)),
    "vgg_probe": ModelRow("lingon.models.vgg_probe", ("image-classifier",)),
    "attention_rnn": ModelRow("lingon.models.attention_rnn", ("seq2seq",)),
    "image_answerer": ModelRow("lingon.models.image_answerer", ("image-answerer",)),
    "question_only": ModelRow("lingon.models.question_only", ("image-answerer",)),
    "caption_transformer": ModelRow("lingon.models.caption_transformer", ("captioner",)),
    "show_and_tell": ModelRow("lingon.models.show_and_tell", ("captioner",)),
    "style_network": ModelRow("lingon.models.style_network", ("stylizer",)),
    "unet": ModelRow("lingon.models.unet", ("segmenter",)),
    "diffusion": ModelRow("lingon.models.diffusion", ("image-generator",)),
    "dcgan": ModelRow("lingon.models.dcgan", ("image-generator",)),
    "vae": ModelRow("lingon.models.vae", ("image-generator",)),
    "feature_network": ModelRow("lingon.models.feature_network", ()),
}


def models_for(role: Role) -> list[str]:
    """Return the names of the models with a role, in the order of the table."""
    return [name for name, row in MODELS.items() if role in row.roles]


def get_entry(name: object) -> ModelEntry:
    """Return the entry of a model. Raises UserError for a name that is not in the table, without importing anything."""
    if not isinstance(name, str) or name not in MODELS:
        raise unknown("model", str(name), [*MODELS, *FAMILIES])
    return import_module(MODELS[name].module).ENTRY


def entry_of_model(model: "nn.Module") -> ModelEntry | None:
    """Return the entry in the module of a model's class; None for a model that is not in the registry."""
    return getattr(import_module(type(model).__module__), "ENTRY", None)


def name_of(model: "nn.Module") -> str:
    """Return the name with which `build` makes a model again from its `config()`: its family, or its row of MODELS.

    Raises UserError for a model that has neither.
    """
    configured: Any = model
    family = configured.config().get("model_type")
    if family in FAMILIES:
        return family
    for name, row in MODELS.items():
        if row.module == type(model).__module__:
            return name
    raise UserError(f"{type(model).__name__} is neither a model of the registry nor of a published family")


def build(name: object, config: object, limit: int | None = None) -> "nn.Module":
    """Return the model of that name with fresh weights.

    Both may come from a file, so they are not trusted. name: one of MODELS, or of the published FAMILIES, with the keys
    of their config.json. config: a mapping, the options as returned by the model's `config()`. limit: maximum number of
    parameters, such as the number in the file they are read from. Raises UserError that names the model, key or value.
    """
    from lingon.core.shapes_alone import shapes_alone

    if isinstance(name, str) and name in FAMILIES and _is_published(name, config):
        return _of_family(name, config, limit)
    make = get_entry(name).make
    options = check_options(str(name), make, config)
    with shapes_alone():
        numbers = sum(math.prod(t.shape) for t in make(**options).state_dict().values())
    if numbers > (LARGEST if limit is None else limit):
        most = f"{LARGEST:,}" if limit is None else f"{limit:,}, which its weights file has"
        raise UserError(f"{name}: these sizes give {numbers:,} parameters; at most {most}")
    return make(**options)


def _is_published(name: str, config: object) -> bool:
    """Return whether a configuration is that of a published family: `bert` is also a model with options of our own."""
    return name not in MODELS or (isinstance(config, Mapping) and "model_type" in config)


def _of_family(name: str, config: object, limit: int | None) -> "nn.Module":
    from lingon.models.from_config import from_config

    if isinstance(config, Mapping):
        config = {**config, "model_type": name}
    return from_config(config, LARGEST if limit is None else limit)
