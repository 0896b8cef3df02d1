"""A bound on the work that a grammar may take, counted in steps, so that every machine refuses the same grammars."""

from lingon.core.errors import UserError

STEPS = 1_500_000  # well under a second and 100 MB: an edge looked at, a state put into a set
LETTERS = 100_000  # of all values and names that a schema lists


class Budget:
    """Count what is done for one grammar, and refuses the grammar when it is too much.

    What a grammar becomes is bounded here, not its text: `((a?){1000}){40}` has 16 letters and 1.6 billion edges.
    """

    def __init__(self, steps: int | None = None):
        self.left = STEPS if steps is None else steps

    def spend(self, steps: int) -> None:
        """Take steps. Raise UserError when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise too_large("it takes too long to build")


def too_large(why: str) -> UserError:
    """Return the error for a grammar that would take too much."""
    return UserError(f"the grammar is too large: {why}; repeat less, allow fewer parts, or write it more simply")
