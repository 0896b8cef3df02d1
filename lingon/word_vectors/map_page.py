"""A map of words: their vectors laid out in the plane, as one page that searches and zooms, or as a picture."""

import importlib.util
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown
from lingon.core.shapes import Float
from lingon.pages.page import data_of, keep_other_files, render
from lingon.word_vectors.queries.nearest import nearest, unit_rows
from lingon.word_vectors.word_vectors import WordVectors

ENDINGS = (".html", ".png", ".svg", ".pdf")
MOST = 20_000  # words of a page: more make it slow to draw and empty to look at
NEIGHBOURS = 6  # of each word, shown when it is pointed at


def pca(table: Float[np.ndarray, "n D"], seed: int = 0) -> Float[np.ndarray, "n 2"]:
    """Return the two directions in which the vectors differ most; the larger side of each axis is positive."""
    centred = table.astype(np.float64) - table.mean(0, dtype=np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    found = np.zeros((len(table), 2))
    axes = centred @ vectors[:, ::-1][:, :2]
    found[:, : axes.shape[1]] = axes
    # The sign of a direction is arbitrary; fixed, so that the same vectors give the same map everywhere.
    return found * np.where(-found.min(0) > found.max(0), -1, 1)


def tsne(table: Float[np.ndarray, "n D"], seed: int = 0) -> Float[np.ndarray, "n 2"]:
    """Neighbours stay neighbours, distances mean little (van der Maaten and Hinton, 2008), by scikit-learn."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(table) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", metric="cosine", random_state=seed, n_jobs=1).fit_transform(table)


PROJECTIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {"pca": pca, "tsne": tsne}


def projection(name: str | None, words: int) -> str:
    """Return the projection to use: t-SNE when nothing is said and scikit-learn is there, else PCA."""
    there = importlib.util.find_spec("sklearn") is not None
    if name is None:
        return "tsne" if there and 5 <= words <= 5000 else "pca"
    if name not in PROJECTIONS:
        raise unknown("projection", name, PROJECTIONS)
    if name == "tsne" and not there:
        raise UserError("t-SNE needs scikit-learn: pip install scikit-learn, or choose --projection pca")
    return name


def draw_map(
    vectors: WordVectors, words: Sequence[str], out: Path, by: str | None = None, title: str = "words", seed: int = 0
) -> str:
    """Draw words to an .html page that needs no network, or to a .png, .svg or .pdf picture (extra: plots).

    by: pca or tsne; see `projection`. Returns the projection that was used. Raises UserError for fewer than three words
    or too many, for words without a vector and for another ending.
    """
    out, words = Path(out), list(dict.fromkeys(words))
    if out.suffix not in ENDINGS:
        raise UserError(f"--out {str(out)!r} ends in {out.suffix!r}; expected one of {', '.join(ENDINGS)}")
    if not 3 <= len(words) <= MOST:
        raise UserError(f"a map of {counted(len(words), 'word')}; expected 3 to {MOST:,}")
    keep_other_files(out)
    used = projection(by, len(words))
    places = PROJECTIONS[used](unit_rows(vectors.of(words)), seed)
    places = (places - places.min(0)) / np.maximum(np.ptp(places, axis=0), 1e-12)
    (_page if out.suffix == ".html" else _picture)(vectors, words, places, out, title)
    return used


def _page(vectors: WordVectors, words: list[str], places: np.ndarray, out: Path, title: str) -> None:
    among = WordVectors(words, vectors.of(words))
    near = nearest(among, words, min(NEIGHBOURS, len(words) - 1))
    place = {word: i for i, word in enumerate(words)}
    data = {
        "words": words,
        "x": np.round(places[:, 0], 5).tolist(),
        "y": np.round(places[:, 1], 5).tolist(),
        "near": [[place[word] for word, _ in some] for some in near],
    }
    render("map.html", out, {"title": title, "data": data_of(data), "count": len(words)})


def _picture(vectors: WordVectors, words: list[str], places: np.ndarray, out: Path, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 9), layout="constrained")
    axis = figure.subplots()
    axis.plot(*places.T, ".", markersize=2, alpha=0.5)
    for i in _not_too_near(places, words):
        axis.annotate(words[i].replace("$", "\\$"), places[i], fontsize=7)
    axis.set(title=title, xticks=[], yticks=[])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(out, dpi=150)


def _not_too_near(places: np.ndarray, words: list[str], letter: float = 0.0054, line: float = 0.0144) -> list[int]:
    """Points whose names have room beside those before them; so the commonest when they come first.

    letter, line: the width of a letter and the height of a line, as shares of the picture.
    """
    found: list[int] = []
    taken: set[tuple[int, int]] = set()
    for i, (x, y) in enumerate(places):
        columns = range(int(x / letter), int(x / letter) + len(words[i]) + 2)
        rows = range(int(2 * y / line), int(2 * y / line) + 3)
        cells = {(column, row) for column in columns for row in rows}
        if not cells & taken:
            taken |= cells
            found.append(i)
    return found
