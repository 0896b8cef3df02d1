"""lingon vectors map, align and convert: the commands that write files."""

from pathlib import Path
from typing import Annotated

import typer

from lingon.cli.vector_options import (
    GLOVE,
    BadLine,
    Count,
    Missing,
    Overwrite,
    VectorsName,
    one_or_more,
    open_vectors,
    print_scores,
)
from lingon.core.counted import counted


def draw_map(
    words: Annotated[list[str] | None, typer.Argument(help="Words to draw. Default: the most frequent ones.")] = None,
    vectors: VectorsName = GLOVE,
    out: Annotated[Path, typer.Option(help="Output: an .html page, or a .png, .svg or .pdf image.")] = Path("map.html"),
    most_frequent: Annotated[
        int, typer.Option(help="Number of most frequent words, when no words are given.", callback=one_or_more)
    ] = 1000,
    projection: Annotated[
        str | None,
        typer.Option(help="Projection: pca or tsne. Default: tsne if scikit-learn is installed."),
    ] = None,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
) -> None:
    """Draw a 2-D map of word vectors: one page with search and zoom, which works offline."""
    from lingon.word_vectors.map_page import draw_map as draw

    given = open_vectors(vectors, missing, on_bad_line)
    some = words or [word for word, _ in zip(given, range(most_frequent), strict=False)]
    used = draw(given, some, out, projection, f"{counted(len(some), 'word')} of {Path(vectors).name}")
    print(f"wrote {out}: {counted(len(some), 'word')} by {'t-SNE' if used == 'tsne' else 'PCA'}")


def align(
    source: Annotated[str, typer.Argument(help="Word vectors to rotate.")],
    target: Annotated[str, typer.Argument(help="Word vectors to align them to.")],
    out: Annotated[Path | None, typer.Option(help="Output file for the rotated vectors.")] = None,
    anchors: Annotated[
        Path | None, typer.Option(help="File of anchor words, one per line. Default: all shared words.")
    ] = None,
    count: Count = 10,
    overwrite: Overwrite = False,
) -> None:
    """Align the vectors of one run to those of another (orthogonal Procrustes), and list the largest changes."""
    from lingon.data.files.text_stream import stream_lines
    from lingon.word_vectors.files import check_target
    from lingon.word_vectors.queries import align as rotate
    from lingon.word_vectors.queries import self_similarity
    from lingon.word_vectors.queries.align import shared_words

    if out is not None:
        check_target(out, [source, target, *([anchors] if anchors else [])], overwrite)
    onto = open_vectors(target)
    given, words = open_vectors(source), None
    if anchors is not None:
        words = [word for line in stream_lines(anchors) for word in line.split()]
        both = len(shared_words(given, onto, words))
        print(f"{both:,} of {len(words):,} anchors are in both")
    found = rotate(given, onto, words)
    cosines = self_similarity(found, onto)
    print(
        f"{counted(len(cosines), 'word')} in common, mean cosine "
        f"{sum(x for _, x in cosines) / len(cosines):.4f}; lowest cosine:"
    )
    print_scores(cosines[:count], False)
    if out is not None:
        found.save(out)
        print(f"wrote {out}")


def convert(
    source: Annotated[str, typer.Argument(help="Word vectors: a name or a file.")],
    out: Annotated[Path, typer.Argument(help="Output file: .txt, .vec, .bin (also with .gz), .npz or .safetensors.")],
    on_bad_line: BadLine = "stop",
    overwrite: Overwrite = False,
) -> None:
    """Convert word vectors to another file format; .safetensors is memory-mapped and keeps subword vectors."""
    from lingon.word_vectors.files import check_target

    check_target(out, [source], overwrite)
    found = open_vectors(source, None, on_bad_line)
    found.save(out)
    print(f"wrote {out}: {counted(len(found), 'word')} of width {found.width}")
