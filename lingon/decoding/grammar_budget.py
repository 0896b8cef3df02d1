"""A limit of the work for compiling a grammar, counted in steps, so that every machine refuses the same grammars."""

from lingon.core.errors import UserError

STEPS = 1_500_000  # edges visited and states added to sets; well under a second and 100 MB
LETTERS = 100_000  # maximum characters of all values and names in a schema


class Budget:
    """Counts the steps for one grammar, and refuses it when they exceed the limit.

    The limit is on the expanded grammar, not its text: `((a?){1000}){40}` has 16 characters and 1.6 billion edges.
    """

    def __init__(self, steps: int | None = None):
        self.left = STEPS if steps is None else steps

    def spend(self, steps: int) -> None:
        """Count steps. Raises UserError when the limit is exceeded."""
        self.left -= steps
        if self.left < 0:
            raise too_large("it takes too long to build")


def too_large(why: str) -> UserError:
    """Return the error for a grammar that is too large."""
    return UserError(f"the grammar is too large: {why}; repeat less, allow fewer parts, or write it more simply")
