"""What a task is: the protocol that bundles, `lingon evaluate` and `lingon predict` ask, whatever the task."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from lingon.metrics.scores import Scores

if TYPE_CHECKING:
    from torch import nn

    from lingon.data.tokenizers import Tokenizer
    from lingon.tasks.training import TrainContext, Training

    Part = nn.Module | Tokenizer


@runtime_checkable
class Prediction(Protocol):
    """Prediction of a task for one input. `str` of it is its line on the command line."""

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the input first: what JSON, a table and the command line write.

        A field may be a mapping with numbers by name, such as a probability for each label; `columns` says what a
        table makes of it.
        """
        ...


class Card(NamedTuple):
    """Card of a task in a bundle: a title, what it is, lines of facts, and a call to try."""

    title: str
    what: str
    facts: Sequence[str]
    code: str


@runtime_checkable
class Task(Protocol):
    """A value that a bundle saves and loads. A new task is one file with `TASK`, and one row in the registry.

    name: the key in the registry and in config.json. part_types: the parts that a bundle saves, each a module
    (`nn.Module`) or a `Tokenizer`, by name; a part's name is the name of its file. config_keys: the keys of
    config.json that are this task's own. A task may have `optional_parts` too: by the name of a module that not each of
    its bundles has, the types of what comes with it, itself among them.
    """

    name: ClassVar[str]
    part_types: ClassVar[Mapping[str, type]]
    config_keys: ClassVar[Sequence[str]]

    @property
    def parts(self) -> "Mapping[str, Part]":
        """The parts, by the names of `part_types`."""
        ...

    def config(self) -> dict[str, Any]:
        """Return what else it takes to make the task again, by the names of `config_keys`, as JSON writes it."""
        ...

    @classmethod
    def check_config(cls, config: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise DataError naming the key when a configuration from a file cannot be meant; before anything is loaded.

        sizes: the configuration of each module, by part.
        """
        ...

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: "Mapping[str, Part]") -> "Task":
        """Return the task of a checked configuration and its parts. Raises DataError when they do not fit."""
        ...

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return what the model card says of a task with this configuration. model: its name in the registry."""
        ...

    def evaluate(self, examples: Any) -> Scores:
        """Return the metrics on examples of the shape that the registry's row names."""
        ...


@runtime_checkable
class Predictor(Task, Protocol):
    """A task that gives one prediction for each input."""

    def predict(self, inputs: Sequence[Any]) -> Sequence[Prediction]:
        """Return a prediction for each input, in their order."""
        ...


@runtime_checkable
class Reporter(Task, Protocol):
    """A task whose evaluation is a page too: `lingon evaluate --page`."""

    def evaluate_with_page(
        self, examples: Any, path: Path, name: str, sections: Sequence[Mapping[str, Any]] = ()
    ) -> Scores:
        """Return what `evaluate` gives, and write it as an .html page with examples.

        name: of the model. sections: what else the page shows, each with a title, a note, and charts or rows.
        """
        ...


@runtime_checkable
class TokenScorer(Task, Protocol):
    """A task that gives the tokens of a text their log-probabilities: `lingon logprob`."""

    def logprobs(self, text: str) -> list[tuple[str, float]]:
        """Return each token of a text with its log-probability, natural logarithm."""
        ...


@runtime_checkable
class Exportable(Task, Protocol):
    """A task that `lingon export` writes for another runtime, as one graph (ids, mask) -> output.

    output_name: what files call the output, such as logits. output_shape: the names of its axes. answer_code: Python
    that prints an answer, of the output by its name (a NumPy array for a batch of one text) and `config`; it ends the
    sample program in the README of an export. agreement_name: what `output_agreement` is, in words.
    """

    model: "nn.Module"
    tokenizer: "Tokenizer"
    output_name: ClassVar[str]
    output_shape: ClassVar[Sequence[str]]
    answer_code: ClassVar[str]
    agreement_name: ClassVar[str]

    def graph(self) -> "nn.Module":
        """Return the module that is exported, (ids [B, T], mask [B, T]) -> [B, ...]: the model, or what wraps it.

        Raises UserError for a task that reads more than ids and a mask.
        """
        ...

    def token_ids(self, texts: Sequence[Any]) -> list[list[int]]:
        """Return the token ids of each text, or pair of texts, as the graph reads them."""
        ...

    def output_agreement(self, exact: Any, approximate: Any) -> float:
        """Return how far outputs of n texts [n, ...] give the answers of the exact ones, 1 where all do."""
        ...


@runtime_checkable
class ImageExportable(Task, Protocol):
    """A task on images that `lingon export` writes as one graph, images [B, C, H, W] from 0 to 1 -> output [B, ...].

    layout: a `lingon.data.image_layout.ImageLayout`, that of its images; config() has it as `image`. output_name,
    output_shape, answer_code: see `Exportable`; the shape is without the batch.
    """

    model: Any
    layout: Any
    output_name: ClassVar[str]
    output_shape: ClassVar[Sequence[str]]

    @property
    def answer_code(self) -> str: ...


@runtime_checkable
class TextModel(Task, Protocol):
    """A task of one causal model: `lingon export` writes it with its tokenizer and the ids that end a text.

    suppressed_ids: those that are no text and are never generated. chat_template: by which conversations are written
    for the model, a `lingon.data.tokenizers.chat_template.ChatTemplate`; None where it has none.
    """

    model: Any
    tokenizer: "Tokenizer"
    eos_ids: tuple[int, ...]
    chat_template: Any

    @property
    def suppressed_ids(self) -> Any:
        """The ids [n] that are never generated."""
        ...


@runtime_checkable
class SequenceExportable(Task, Protocol):
    """A task that `lingon export` writes as two graphs: one reads a source, the other says a token more of its target.

    model: a `lingon.models.encoder_decoder.EncoderDecoder`. source, target: tokenizers of the two sides. prefix_ids:
    follow the start of every target. eos_ids: end one. unknown: the id of what the vocabulary of the target lacks, None
    where it can write everything. no_text: ids that add nothing to a text. max_new_tokens: how many times the tokens of
    the source, and how many more, a target has at most.
    """

    model: Any
    source: "Tokenizer"
    target: "Tokenizer"
    prefix_ids: Sequence[int]
    max_new_tokens: ClassVar[tuple[int, int]]

    @property
    def eos_ids(self) -> Sequence[int]: ...
    @property
    def unknown(self) -> int | None: ...
    @property
    def no_text(self) -> frozenset[int]: ...

    def prompt(self) -> Sequence[int]:
        """Return the ids that a target begins with."""
        ...

    def forbidden_ids(self) -> Any:
        """Return the ids that are never written, as a tensor of integers."""
        ...


@runtime_checkable
class CaptionExportable(Task, Protocol):
    """A task that `lingon export` writes as two graphs: one reads an image, the other says a token more of its caption.

    model: a `lingon.models.captioner.ImageDecoder`. size: height and width of its images, in pixels. eos_ids: end a
    caption. no_text: ids that add nothing to a text.
    """

    model: Any
    tokenizer: "Tokenizer"

    @property
    def size(self) -> int: ...
    @property
    def eos_ids(self) -> Sequence[int]: ...
    @property
    def no_text(self) -> frozenset[int]: ...

    def forbidden_ids(self) -> Any:
        """Return the ids that are never written, as a tensor of integers."""
        ...


@runtime_checkable
class Trainable(Task, Protocol):
    """A task that `lingon train` trains. Beside its class stands `Settings`, what can be chosen for its training."""

    @classmethod
    def prepare(cls, data: Any, settings: Any, context: "TrainContext") -> "Training":
        """Return the task with fresh weights and all that its training takes.

        data: of the shape that the registry's row names: `Splits` of texts with labels, or `Documents`.
        settings: `Settings` of the task, checked and filled in.
        """
        ...


def columns(prediction: Prediction) -> dict[str, Any]:
    """Return the fields of a prediction as columns of a table, without the input, which the table has already.

    A field that is a mapping becomes a column for each of its names, called as one of them is: of `probabilities`,
    `probability_good` and `probability_bad`. A list becomes one cell, a|b.
    """
    _, *fields = prediction.row().items()
    found: dict[str, Any] = {}
    for name, value in fields:
        if isinstance(value, Mapping):
            found |= {f"{singular(name)}_{key}": one for key, one in value.items()}
        else:
            found[name] = _joined(value) if isinstance(value, list) else value
    return found


def _joined(values: list[Any]) -> str:
    """Write several labels as one cell, as they are read again: a|b, or as JSON where there are none or a | in one.

    What is no label, as a span, is JSON too.
    """
    plain = values and not any(isinstance(v, Mapping) or "|" in str(v) or str(v).startswith("[") for v in values)
    return "|".join(map(str, values)) if plain else json.dumps(values, ensure_ascii=False)


def singular(name: str) -> str:
    """Return the name of one of several.

    >>> singular("probabilities"), singular("scores")
    ('probability', 'score')
    """
    return name[:-3] + "y" if name.endswith("ies") else name.removesuffix("s")
