"""Protocols of tasks that `lingon export` writes for another runtime."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from lingon.tasks.task import Task

if TYPE_CHECKING:
    from torch import nn

    from lingon.data.tokenizers import Tokenizer


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
    """A classifier that `lingon export` writes as one graph, images [B, C, H, W] from 0 to 1 -> logits [B, labels].

    layout: a `lingon.data.image_layout.ImageLayout`, that of its images; config() has it as `image`. targets: a
    `lingon.tasks.classify.targets.SingleLabel`, by which logits become probabilities; config() has it as `targets`.
    """

    model: Any
    layout: Any
    targets: Any


@runtime_checkable
class DetectionExportable(Task, Protocol):
    """A task that `lingon export` writes as one graph, images [B, 3, H, W] from 0 to 1 -> boxes, scores and classes.

    image_size: H and W. graph: gives boxes [B, K, 4], scores [B, K] and the numbers of classes [B, K], best first.
    """

    model: Any
    image_size: tuple[int, int]

    def graph(self) -> "nn.Module": ...

    def rules(self) -> dict[str, Any]:
        """Return, by name, how an image gets into its size, and which boxes are objects."""
        ...


@runtime_checkable
class SegmentExportable(Task, Protocol):
    """A task that `lingon export` writes as one graph, images [B, 3, H, W] from 0 to 1 -> logits [B, C, H, W].

    size: H and W.
    """

    model: Any
    size: int

    def rules(self) -> dict[str, Any]:
        """Return, by name, how an image gets into its size, and how large a mask is found by interpolation."""
        ...


@runtime_checkable
class TextModel(Task, Protocol):
    """A task of one causal model: `lingon export` writes it with its tokenizer and the ids that end a text.

    suppressed_ids: those that are not text and are never generated. chat_template: by which conversations are written
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
