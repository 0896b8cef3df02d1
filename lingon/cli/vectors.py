"""lingon vectors: questions to word vectors, from the command line."""

import math
from pathlib import Path
from typing import Annotated

import typer

from lingon.core.errors import UserError, unknown
from lingon.core.strict_json import dumps
from lingon.core.terminal import printable

plain = {"rich_markup_mode": None, "pretty_exceptions_enable": False, "no_args_is_help": True}
app = typer.Typer(help="Ask word vectors: nearest words, analogies, likeness, a map, scores, bias.", **plain)


def one_or_more(parameter: typer.CallbackParam, value: int | None) -> int | None:
    """A number as it is. Raises UserError for one below 1, before any file is opened."""
    if value is not None and value < 1:
        raise UserError(f"{parameter.opts[0]} is {value}; expected 1 or more")
    return value


Vectors = Annotated[
    str, typer.Option("--vectors", help="A name (lingon data list), or a file of word2vec, GloVe, fastText or ours.")
]
Missing = Annotated[
    str | None,
    typer.Option(
        help="Words that are not there: error, zero, subwords, or unknown=WORD. subwords for files with them."
    ),
]
BadLine = Annotated[str, typer.Option(help="stop at a line that cannot be read, or skip it.")]
Count = Annotated[int, typer.Option("--count", "-k", help="How many answers.", callback=one_or_more)]
Frequent = Annotated[
    int | None, typer.Option(help="Only the first so many words of the file, the commonest.", callback=one_or_more)
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file that is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
GLOVE = "glove-6b-50d"


def opened(source: str, missing: str | None = None, on_bad_line: str = "stop"):
    """The vectors of a name or file, with the rule for missing words that was asked for."""
    from lingon.word_vectors.word_vectors import WordVectors, subwords, unknown_word, zero

    rules = {"zero": zero, "subwords": subwords, "error": None}
    if missing is None or missing in rules:
        found = WordVectors.open(source, rules.get(missing), on_bad_line)
        if missing == "error":
            found.missing = None  # also for files whose own rule is their parts of words
        if missing == "subwords" and found.parts is None:
            raise UserError(f"{source}: has no vectors of parts of words, as files of fastText (.bin) do")
        return found
    if not missing.startswith("unknown="):
        raise unknown("rule for missing words", missing, [*rules, "unknown=WORD"])
    found = WordVectors.open(source, unknown_word(missing.removeprefix("unknown=")), on_bad_line)
    if missing.removeprefix("unknown=") not in found:
        raise UserError(found.lacks(missing.removeprefix("unknown=")))
    return found


def show(found: list[tuple[str, float]], as_json: bool, **asked: object) -> None:
    """Prints words with a number each."""
    if as_json:
        print(dumps(asked | {"found": [[word, round(x, 6)] for word, x in found]}))
        return
    for word, number in found:
        print(f"  {printable(word):24} {number:.4f}")


@app.command("nearest")
def nearest_words(
    words: Annotated[list[str], typer.Argument(help="One or more words.")],
    vectors: Vectors = GLOVE,
    count: Count = 10,
    matching: Annotated[str | None, typer.Option(help="Only words that match this regular expression.")] = None,
    most_frequent: Frequent = None,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
    as_json: Json = False,
) -> None:
    """The nearest words by cosine, exactly."""
    import re

    try:
        keep = re.compile(matching).fullmatch if matching else None
    except re.error as error:
        raise UserError(f"--matching {matching!r} is no regular expression ({error})") from None
    from lingon.word_vectors.queries import nearest

    given = opened(vectors, missing, on_bad_line)
    for word, found in zip(words, nearest(given, words, count, keep, most_frequent), strict=True):
        if not as_json:
            print(printable(word))
        show(found, as_json, word=word)


@app.command()
def analogy(
    a: str,
    b: str,
    c: str,
    vectors: Vectors = GLOVE,
    count: Count = 5,
    method: Annotated[str, typer.Option(help="add (3CosAdd) or mul (3CosMul).")] = "add",
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
    as_json: Json = False,
) -> None:
    """A is to B as C is to which word?"""
    from lingon.word_vectors.queries import analogy as answers

    found = answers(opened(vectors, missing, on_bad_line), a, b, c, count, method)
    if not as_json:
        print(printable(f"{a} is to {b} as {c} is to"))
    show(found, as_json, a=a, b=b, c=c, method=method)


@app.command()
def compare(
    first: str,
    second: str,
    vectors: Vectors = GLOVE,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
) -> None:
    """The cosine of two words."""
    from lingon.word_vectors.queries import similarity

    print(f"{similarity(opened(vectors, missing, on_bad_line), first, second):.4f}")


@app.command("odd-one-out")
def odd_one_out(
    words: Annotated[list[str], typer.Argument(help="Three or more words.")],
    vectors: Vectors = GLOVE,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
    as_json: Json = False,
) -> None:
    """The word that does not belong, with the mean cosine of each to the others."""
    from lingon.word_vectors.queries import odd_one_out as ranked

    show(ranked(opened(vectors, missing, on_bad_line), words), as_json, words=words)


@app.command("map")
def draw(
    words: Annotated[list[str] | None, typer.Argument(help="Words; the commonest when none is given.")] = None,
    vectors: Vectors = GLOVE,
    out: Annotated[Path, typer.Option(help="An .html page, or a .png, .svg or .pdf picture.")] = Path("map.html"),
    most_frequent: Annotated[
        int, typer.Option(help="How many of the commonest words, when none is given.", callback=one_or_more)
    ] = 1000,
    projection: Annotated[str | None, typer.Option(help="pca or tsne; tsne where scikit-learn is installed.")] = None,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
) -> None:
    """Draw words in the plane: one page that searches and zooms, without a network."""
    from lingon.word_vectors.map_page import draw_map

    given = opened(vectors, missing, on_bad_line)
    some = words or [word for word, _ in zip(given, range(most_frequent), strict=False)]
    used = draw_map(given, some, out, projection, f"{len(some):,} words of {Path(vectors).name}")
    print(f"wrote {out}: {len(some):,} words by {'t-SNE' if used == 'tsne' else 'PCA'}")


@app.command()
def evaluate(
    questions: Annotated[
        list[str] | None, typer.Argument(help="wordsim-353, simlex-999, google-analogies, or files; all three if none.")
    ] = None,
    vectors: Vectors = GLOVE,
    method: Annotated[str, typer.Option(help="For analogies: add (3CosAdd) or mul (3CosMul).")] = "add",
    most_frequent: Frequent = None,
    missing: Missing = None,
    on_bad_line: BadLine = "stop",
    as_json: Json = False,
) -> None:
    """Score vectors on rated pairs (Spearman) and analogies (accuracy), with coverage."""
    from lingon.word_vectors.queries.evaluate import STANDARD
    from lingon.word_vectors.queries.evaluate import evaluate as score

    given = opened(vectors, missing, on_bad_line)
    for name in questions or STANDARD:
        found = score(given, name, method, most_frequent)
        print(dumps(found) if as_json else "\n".join(scored(found)))


def scored(found: dict) -> list[str]:
    """A result as lines for people."""
    if not found["asked"]:
        return [f"{found['questions']}: none of {found['of']:,} could be asked: each has a word that is not known"]
    asked = f"{found['asked']:,} of {found['of']:,} asked ({found['coverage']:.1%})"
    if "spearman" in found and math.isnan(found["spearman"]):
        return [f"{found['questions']}: no Spearman, all ratings or all cosines are equal, {asked}"]
    if "spearman" in found:
        low, high = found["interval"]
        rest = f"95 % from {low:.3f} to {high:.3f} (Fisher), {asked}; missing words {found['missing_words']}"
        return [f"{found['questions']}: Spearman {found['spearman']:.3f}, {rest}"]
    head = f"{found['questions']}: {found['accuracy']:.1%} right by 3Cos{found['method'].title()}, {asked}"
    lines = [f"{head}, {found['words']:,} words; {found['accuracy_of_all']:.1%} of all"]
    return lines + [f"  {name:28} {c['accuracy']:6.1%} of {c['asked']:,}" for name, c in found["categories"].items()]


@app.command()
def align(
    source: Annotated[str, typer.Argument(help="The vectors to turn.")],
    target: Annotated[str, typer.Argument(help="The vectors to turn them onto.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the turned vectors.")] = None,
    anchors: Annotated[
        Path | None, typer.Option(help="Words to fit the turn to, one a line; all shared if none.")
    ] = None,
    count: Count = 10,
    overwrite: Overwrite = False,
) -> None:
    """Turn vectors of one run onto those of another (orthogonal Procrustes), and show what changed most."""
    from lingon.data.files.text_stream import lines_in
    from lingon.word_vectors.files import check_target
    from lingon.word_vectors.queries import agreement
    from lingon.word_vectors.queries import align as turned
    from lingon.word_vectors.queries.align import shared_words

    if out is not None:
        check_target(out, [source, target, *([anchors] if anchors else [])], overwrite)
    onto = opened(target)
    given, words = opened(source), None
    if anchors is not None:
        words = [word for line in lines_in(anchors) for word in line.split()]
        both = len(shared_words(given, onto, words))
        print(f"{both:,} of {len(words):,} anchors are in both")
    found = turned(given, onto, words)
    cosines = agreement(found, onto)
    print(
        f"{len(cosines):,} words in common, mean cosine {sum(x for _, x in cosines) / len(cosines):.4f}; least alike:"
    )
    show(cosines[:count], False)
    if out is not None:
        found.save(out)
        print(f"wrote {out}")


@app.command()
def bias(
    probe: Annotated[str, typer.Argument(help="flowers-insects, career-family, math-arts, science-arts, or own.")],
    vectors: Vectors = GLOVE,
    x: Annotated[str | None, typer.Option(help="With own: words with spaces between them.")] = None,
    y: Annotated[str | None, typer.Option(help="With own: the other targets.")] = None,
    a: Annotated[str | None, typer.Option(help="With own: attributes.")] = None,
    b: Annotated[str | None, typer.Option(help="With own: the other attributes.")] = None,
    missing: Missing = None,
) -> None:
    """The word embedding association test: which words lean to which, with a p-value."""
    from lingon.word_vectors.queries import weat
    from lingon.word_vectors.queries.weat_words import PROBES, Probe

    if probe == "own":
        if None in (x, y, a, b):
            raise UserError("a probe of your own needs --x, --y, --a and --b")
        chosen = Probe("your words", x, y, a, b)
    elif probe in PROBES:
        chosen = PROBES[probe]
    else:
        raise unknown("probe", probe, [*PROBES, "own"])
    found = weat(opened(vectors, missing), *(words.split() for words in chosen[1:]))
    how = f"all {found.divisions:,} divisions" if found.exact else f"{found.divisions:,} random divisions"
    print(f"{chosen.title}: effect {found.effect:.2f}, p {found.p:.2g} (one-sided, {how})")
    if found.missing:
        print(printable(f"without a vector: {', '.join(found.missing)}"))


@app.command()
def convert(
    source: Annotated[str, typer.Argument(help="A name or a file.")],
    out: Annotated[Path, typer.Argument(help="The new file: .txt .vec .bin (also with .gz) .npz .safetensors")],
    on_bad_line: BadLine = "stop",
    overwrite: Overwrite = False,
) -> None:
    """Write vectors in another format; .safetensors opens at once and keeps parts of words."""
    from lingon.word_vectors.files import check_target

    check_target(out, [source], overwrite)
    found = opened(source, None, on_bad_line)
    found.save(out)
    print(f"wrote {out}: {len(found):,} words of width {found.width}")
