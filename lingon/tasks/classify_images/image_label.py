"""What a classifier says of one image."""

from dataclasses import dataclass, field
from typing import Any

from lingon.core.terminal import printable
from lingon.core.terminal_columns import padded


@dataclass(frozen=True)
class ImageLabel:
    """The likeliest label of an image, and a probability for each label.

    image: its path, or a number for an array. source: the path or array itself, from which a page draws it.
    """

    image: str
    label: str
    probability: float
    probabilities: dict[str, float]
    source: Any = field(default=None, repr=False, compare=False)

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the image first."""
        names = ("image", "label", "probability", "probabilities")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        return f"{padded(self.label, 10)} {self.probability:6.1%}  {printable(self.image)}"
