"""All models by name, and the way from a configuration back to a model, checked before memory is taken.

A new model is one file with an `ENTRY`, and one row in MODELS. Neither this table nor the options of the command line
import torch: a model's file is imported when the model is asked for.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from lingon.core.errors import UserError, unknown
from lingon.models.hub_families import FAMILIES
from lingon.models.option_types import check_options, options_of

Learn = Callable[[Any, list[str], Iterable[tuple[Any, Any]]], None]  # of a model, a vocabulary, ids and masks of texts

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
LARGEST = 1 << 31  # numbers in a model, without a `limit`: 8 GiB in float32


@dataclass(frozen=True)
class ModelRow:
    """Where a model stands: the module that has its ENTRY, and what --model can name it for; nothing, for a part."""

    module: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Preprocessing:
    """What is done to ids before the exported graph of a model reads them; another language must do it too.

    graph: gives the module that is exported in place of the model. inputs: what it reads, of the model, ids and
    mask [B, T]. rule: of the model and the tokens of its vocabulary, what config.json says of how inputs are made.
    mask: what it says of the second input: its type, its padding and what it holds.
    """

    graph: Callable[[Any], "nn.Module"]
    inputs: Callable[[Any, "Tensor", "Tensor"], "tuple[Tensor, Tensor]"]
    rule: Callable[[Any, list[str]], dict[str, Any]]
    mask: Mapping[str, Any]


@dataclass(frozen=True)
class ModelEntry:
    """A model as others need to know it.

    make: gives the model with fresh weights; its parameters, with their ranges, are the configuration.
    defaults: settings of its training that suit it, by name.
    optimizer: its name in `lingon.engine.training_parts`, a sparse one where the gradient has few rows. by_optimizer:
    defaults that go with another one. learn: what a model with fresh weights takes from the vocabulary and the training
    texts before it is trained, such as document frequencies, as (model, tokens in the order of their ids, batches of
    ids and masks). derive: options that follow from others and from the training texts, such as the number of hash
    buckets. after_vectors: what is done to the model when pretrained vectors have been put into its embedding.
    load_frozen: puts published weights into the part of a model with fresh weights that is never trained; its layer
    `out` alone is, on the `vectors` of that part. recurrent: it carries a state of one size from batch to batch.
    autocast: half precision changes how it is computed. instead: for a setting it does not have, what to use.
    preprocessing: what is done to the ids outside of its exported graph. program: that graph as an expression of
    `lingon.program`, (graph, ids, mask) -> logits; None: it is not exported as a program. hub_config, hub_weights: the
    config.json and the names of the weights of a model in the Hugging Face layout, where it has a place there.
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
        """Return the names of what can be configured."""
        return list(options_of(self.make))


@dataclass(frozen=True)
class DataStats:
    """What is known of the training texts when a model is made.

    words: an estimate of their number. padding_idx: the id of padding; None where the tokenizer has none.
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
    """Return the entry of a model. Raises UserError for a name that is not in the table; nothing else is imported."""
    if not isinstance(name, str) or name not in MODELS:
        raise unknown("model", str(name), [*MODELS, *FAMILIES])
    return import_module(MODELS[name].module).ENTRY


def entry_of_model(model: "nn.Module") -> ModelEntry | None:
    """Return the entry of the file that a model's class is in; None for a model that is not of the registry."""
    return getattr(import_module(type(model).__module__), "ENTRY", None)


def name_of(model: "nn.Module") -> str:
    """Return the name by which `build` makes a model again of its `config()`: its family, or its row of MODELS.

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

    Both may come from a file, so nothing is believed of them. name: one of MODELS, or of the published FAMILIES, which
    have the keys of their own config.json. config: a mapping, the options as `config()` of the model gives them.
    limit: the most numbers its weights may hold, as when they are to be read from a file that has so many. Raises
    UserError that names the model, key or value.
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
    """Return whether a configuration has the keys of a family: `bert` is a model of ours too, with options of ours."""
    return name not in MODELS or (isinstance(config, Mapping) and "model_type" in config)


def _of_family(name: str, config: object, limit: int | None) -> "nn.Module":
    from lingon.models.from_config import from_config

    if isinstance(config, Mapping):
        config = {**config, "model_type": name}
    return from_config(config, LARGEST if limit is None else limit)
