"""Pictures that several lessons draw: a text whose words are coloured by a number each."""

from collections.abc import Sequence

BLUE_TO_RED = "RdBu_r"
SIZE = 9  # of the letters, in points
FILLED = 0.95  # share of the figure's width that the axis will have


def words_in_colour(
    axis,
    words: Sequence[str],
    weights: Sequence[float],
    *,
    colours: str = BLUE_TO_RED,
    low: float | None = None,
    high: float | None = None,
) -> None:
    """Writes words in lines, each on a ground whose colour tells its weight, on a matplotlib axis without ticks.

    low, high: the weights at the two ends of the colours; without them the ends are as far from 0 as any weight.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    columns = int(axis.figure.get_figwidth() * FILLED * 72 / (0.6 * SIZE))  # a character is 0.6 of its size wide
    largest = max((abs(weight) for weight in weights), default=0.0) or 1.0
    scale = Normalize(-largest if low is None else low, largest if high is None else high, clip=True)
    column = row = 0
    for word, weight in zip(words, weights, strict=True):
        if column and column + len(word) > columns:
            column, row = 0, row + 1
        ground = colormaps[colours](scale(weight))
        dark = 0.3 * ground[0] + 0.59 * ground[1] + 0.11 * ground[2] < 0.5
        box = {"facecolor": ground, "edgecolor": "none", "boxstyle": "square,pad=0.2"}
        ink = "white" if dark else "black"
        axis.text(column, -row, word, family="monospace", fontsize=SIZE, color=ink, bbox=box, va="center")
        column += len(word) + 1
    axis.set_xlim(-1, columns + 1)
    axis.set_ylim(-row - 0.8, 0.8)
    axis.axis("off")
