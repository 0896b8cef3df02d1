"""A sentence that was rewritten: the new one, and how it came about."""

from dataclasses import dataclass
from typing import Any

from lingon.core.terminal import printable

SYSTEMS = ("retrieve", "template", "delete", "delete-retrieve")


@dataclass(frozen=True)
class Rewriting:
    """A sentence in another style.

    label, target: the style that it had, and the one that it was rewritten to. system: one of SYSTEMS. deleted: markers
    that were left out. retrieved: the sentence of the other style that helped, "" where none did; markers: its own.
    """

    text: str
    rewritten: str
    label: str
    target: str
    system: str
    deleted: tuple[str, ...] = ()
    retrieved: str = ""
    markers: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """Return the fields by name, the text first."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return found | {"deleted": list(self.deleted), "markers": list(self.markers)}

    def __str__(self) -> str:
        return printable(self.rewritten)
