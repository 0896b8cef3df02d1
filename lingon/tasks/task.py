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
        """Raise DataError naming the key when a configuration from a file is invalid; before anything is loaded.

        sizes: the configuration of each module, by part.
        """
        ...

    @classmethod
    def from_config(cls, config: Mapping[str, Any], parts: "Mapping[str, Part]") -> "Task":
        """Return the task of a checked configuration and its parts. Raises DataError when they do not fit."""
        ...

    @classmethod
    def card(cls, model: str, config: Mapping[str, Any]) -> Card:
        """Return the model card of a task with this configuration. model: its name in the registry."""
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
class Trainable(Task, Protocol):
    """A task that `lingon train` trains. Beside its class stands `Settings`, what can be chosen for its training."""

    @classmethod
    def prepare(cls, data: Any, settings: Any, context: "TrainContext") -> "Training":
        """Return the task with fresh weights and all that its training takes.

        data: of the shape that the registry's row names: `Splits` of texts with labels, or `Documents`.
        settings: `Settings` of the task, checked and filled in.
        """
        ...


def columns(prediction: Prediction, keep_lists: bool = False) -> dict[str, Any]:
    """Return the fields of a prediction as columns of a table, without the input, which the table has already.

    A field that is a mapping becomes a column for each of its names, called as one of them is: of `probabilities`,
    `probability_good` and `probability_bad`. A list becomes one cell, a|b; keep_lists: it stays one, as JSON holds it.
    """
    _, *fields = prediction.row().items()
    found: dict[str, Any] = {}
    for name, value in fields:
        if isinstance(value, Mapping):
            found |= {f"{singular(name)}_{key}": one for key, one in value.items()}
        else:
            found[name] = _joined(value) if isinstance(value, list) and not keep_lists else value
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
