"""The common base of the parsers of both kinds of regular expression: position, groups, bounds of repetitions."""

from abc import ABC, abstractmethod
from typing import Any

from lingon.core.errors import UserError

MAX_REPETITIONS = 1000  # maximum count of a repetition; an automaton has states for each
MAX_GROUP_DEPTH = 50  # maximum nesting of groups


class PatternReader(ABC):
    """A recursive-descent parser of a pattern. kind: its name in messages."""

    kind = "regular expression"

    def __init__(self, pattern: str):
        self.text, self.at, self.depth = pattern, 0, 0

    @abstractmethod
    def alternatives(self) -> Any:
        """Read alternatives as a tree, up to the end or an unmatched parenthesis."""

    def outermost(self) -> Any:
        """Read the alternatives outside any group."""
        return self.alternatives()

    def parse(self) -> Any:
        """Read the whole pattern."""
        found = self.outermost()
        if self.at < len(self.text):
            raise self.error("a ) without its (")
        return found

    def error(self, what: str) -> UserError:
        """Return an error that shows the position."""
        return UserError(f"{self.kind} {self.text[:60]!r}, character {self.at}: {what}")

    def accept(self, sign: str) -> bool:
        """Consume the sign if it comes next; return whether it did."""
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def inside_group(self) -> Any:
        """Read the content of a group, after its opening parenthesis, up to its end."""
        self.depth += 1
        if self.depth > MAX_GROUP_DEPTH:
            raise self.error(f"more than {MAX_GROUP_DEPTH} groups inside each other")
        found = self.alternatives()
        if not self.accept(")"):
            raise self.error("a ( without its )")
        self.depth -= 1
        return found

    def check_bounds(self, least: int, most: int | None) -> None:
        """Raise UserError for invalid or too large bounds of a repetition."""
        if most is not None and least > most:
            raise self.error(f"at least {least} times and at most {most}")
        if max(least, most or 0) > MAX_REPETITIONS:
            raise self.error(f"more than {MAX_REPETITIONS} repetitions are not counted")
