"""lingon vectors: nearest neighbours, analogies, similarity, evaluation and bias of word vectors."""

import math
from typing import Annotated

import typer

from lingon.cli import vector_outputs
from lingon.cli.plain_typer import plain_typer
from lingon.cli.vector_options import (
    GLOVE,
    BadLine,
    Count,
    Frequent,
    Json,
    Missing,
    VectorsName,
    open_vectors,
    print_scores,
)
from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown
from lingon.core.strict_json import dumps
from lingon.core.terminal import printable

app = plain_typer("Query word vectors: nearest neighbours, analogies, similarity, map, evaluation, bias.")


@app.command("nearest")
def nearest_words(
    words: Annotated[list[str], typer.Argument(help="Query words.")],
    vectors: VectorsName = GLOVE,
    count: Count = 10,
    matching: Annotated[str | None, typer.Option(help="Restrict to words that match this regular expression.")] = None,
    most_frequent: Frequent = None,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
    as_json: Json = False,
) -> None:
    """Find the nearest neighbours of words by cosine similarity (exact search)."""
    import re

    try:
        pattern = re.compile(matching) if matching else None
    except re.error as error:
        raise UserError(f"--matching {matching!r} is not a regular expression ({error})") from None
    from lingon.word_vectors.queries import nearest

    keep = None if pattern is None else lambda word: pattern.fullmatch(word) is not None
    given = open_vectors(vectors, missing, on_bad_line)
    for word, found in zip(words, nearest(given, words, count, keep, most_frequent), strict=True):
        if not as_json:
            print(printable(word))
        print_scores(found, as_json, word=word)


@app.command()
def analogy(
    a: str,
    b: str,
    c: str,
    vectors: VectorsName = GLOVE,
    count: Count = 5,
    method: Annotated[str, typer.Option(help="Scoring: add (3CosAdd, default) or mul (3CosMul).")] = "add",
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
    as_json: Json = False,
) -> None:
    """Solve a word analogy: A is to B as C is to ...?"""
    from lingon.word_vectors.queries import analogy as answers

    found = answers(open_vectors(vectors, missing, on_bad_line), a, b, c, count, method)
    if not as_json:
        print(printable(f"{a} is to {b} as {c} is to"))
    print_scores(found, as_json, a=a, b=b, c=c, method=method)


@app.command()
def compare(
    first: str,
    second: str,
    vectors: VectorsName = GLOVE,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
) -> None:
    """Compute the cosine similarity of two words."""
    from lingon.word_vectors.queries import similarity

    print(f"{similarity(open_vectors(vectors, missing, on_bad_line), first, second):.4f}")


@app.command("odd-one-out")
def odd_one_out(
    words: Annotated[list[str], typer.Argument(help="Three or more words.")],
    vectors: VectorsName = GLOVE,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
    as_json: Json = False,
) -> None:
    """Find the word that does not match the others, by mean cosine similarity."""
    from lingon.word_vectors.queries import odd_one_out as ranked

    print_scores(ranked(open_vectors(vectors, missing, on_bad_line), words), as_json, words=words)


@app.command()
def evaluate(
    questions: Annotated[
        list[str] | None,
        typer.Argument(help="wordsim-353, simlex-999, google-analogies, or files. Default: these three."),
    ] = None,
    vectors: VectorsName = GLOVE,
    method: Annotated[str, typer.Option(help="Analogy scoring: add (3CosAdd, default) or mul (3CosMul).")] = "add",
    most_frequent: Frequent = None,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
    as_json: Json = False,
) -> None:
    """Evaluate word vectors on similarity ratings (Spearman) and analogies (accuracy), with coverage."""
    from lingon.word_vectors.queries.evaluate import STANDARD
    from lingon.word_vectors.queries.evaluate import evaluate as score

    given = open_vectors(vectors, missing, on_bad_line)
    for name in questions or STANDARD:
        found = score(given, name, method, most_frequent)
        print(dumps(found) if as_json else "\n".join(result_lines(found)))


def result_lines(found: dict) -> list[str]:
    """Return the result of a benchmark as lines of text."""
    if not found["asked"]:
        return [f"{found['questions']}: none of {found['of']:,} could be evaluated: each contains an unknown word"]
    asked = f"{found['asked']:,} of {found['of']:,} asked ({found['coverage']:.1%})"
    if "spearman" in found and math.isnan(found["spearman"]):
        return [f"{found['questions']}: no Spearman, all ratings or all cosines are equal, {asked}"]
    if "spearman" in found:
        low, high = found["interval"]
        rest = f"95 % from {low:.3f} to {high:.3f} (Fisher), {asked}; missing words {found['missing_words']}"
        return [f"{found['questions']}: Spearman {found['spearman']:.3f}, {rest}"]
    head = f"{found['questions']}: {found['accuracy']:.1%} right by 3Cos{found['method'].title()}, {asked}"
    lines = [f"{head}, {counted(found['words'], 'word')}; {found['accuracy_of_all']:.1%} of all"]
    return lines + [f"  {name:28} {c['accuracy']:6.1%} of {c['asked']:,}" for name, c in found["categories"].items()]


@app.command()
def bias(
    probe: Annotated[str, typer.Argument(help="flowers-insects, career-family, math-arts, science-arts, or own.")],
    vectors: VectorsName = GLOVE,
    x: Annotated[str | None, typer.Option(help="With own: first target words, separated by spaces.")] = None,
    y: Annotated[str | None, typer.Option(help="With own: second target words.")] = None,
    a: Annotated[str | None, typer.Option(help="With own: first attribute words.")] = None,
    b: Annotated[str | None, typer.Option(help="With own: second attribute words.")] = None,
    missing: Missing = None,
) -> None:
    """Run a word embedding association test (WEAT): effect size and p-value."""
    from lingon.word_vectors.queries import weat
    from lingon.word_vectors.queries.weat_words import PROBES, Probe

    if probe == "own":
        if x is None or y is None or a is None or b is None:
            raise UserError("with own, --x, --y, --a and --b are needed")
        chosen = Probe("your words", x, y, a, b)
    elif probe in PROBES:
        chosen = PROBES[probe]
    else:
        raise unknown("probe", probe, [*PROBES, "own"])
    X, Y, A, B = (words.split() for words in (chosen.X, chosen.Y, chosen.A, chosen.B))
    found = weat(open_vectors(vectors, missing), X, Y, A, B)
    how = f"all {found.divisions:,} divisions" if found.exact else f"{found.divisions:,} random divisions"
    print(f"{chosen.title}: effect {found.effect:.2f}, p {found.p:.2g} (one-sided, {how})")
    if found.missing:
        print(printable(f"without a vector: {', '.join(found.missing)}"))


app.command("map")(vector_outputs.draw_map)
app.command("align")(vector_outputs.align)
app.command("convert")(vector_outputs.convert)
