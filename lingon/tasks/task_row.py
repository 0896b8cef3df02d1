"""What the table of tasks says of each: a row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lingon.models.registry import Role

DataShape = Literal[
    "labelled texts",
    "running text",
    "pairs of texts",
    "questions",
    "trees",
    "tagged sentences",
    "parallel texts",
    "conversations",
    "labelled images",
    "images with boxes",
    "images with masks",
    "captioned images",
    "questions on images",
    "images",
]


@dataclass(frozen=True)
class TaskRow:
    """A task as the commands need to know it.

    help: what `lingon train` does with it. metric: the one that a sweep compares models by.
    module: the file that has its TASK. settings: the file that has its `Settings`, where that is another one; it
    imports no torch. role: of the models that it takes. data: the shape of its examples, by which
    `lingon evaluate` reads them. inputs: what it predicts of. noun: what a trained one is called. commands: those of
    the command line that take one, beside `evaluate`; usage: the one to try first, with {} for the bundle. trained:
    `lingon train` trains it. makes_images: a prediction is a picture, with `save`.
    """

    module: str
    role: "Role"
    data: DataShape
    noun: str
    commands: tuple[str, ...]
    usage: str
    help: str
    metric: str
    settings: str | None = None
    trained: bool = True
    inputs: Literal["texts", "images", "questions on images"] = "texts"
    makes_images: bool = False

    @property
    def a_noun(self) -> str:
        """Return the noun with its article, as messages need it."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"
