"""Treebanks: sentences with parts of speech and dependency trees, in CoNLL-U. To add one, add a row."""

from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import unknown
from lingon.data.fetch import fetch
from lingon.data.files.conllu import ConlluSentence, read_conllu
from lingon.data.sources import RepositoryFiles

EWT = RepositoryFiles(
    "UniversalDependencies/UD_English-EWT",
    "15d613d8447b3478787d4c278730a1e48a945efb",
    (
        ("en_ewt-ud-train.conllu", 14_203_025, "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b"),
        ("en_ewt-ud-dev.conllu", 1_805_545, "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6"),
        ("en_ewt-ud-test.conllu", 1_804_515, "e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd"),
    ),
)
PUD = RepositoryFiles(
    "UniversalDependencies/UD_English-PUD",
    "f16eba4ae7f3d161870ed320676c5088b8fa476c",
    (("en_pud-ud-test.conllu", 1_386_858, "c80584f2bc2b31d5bada78a1136f9feec7ac49e5e18898db02dea434b5b8f0aa"),),
)


@dataclass(frozen=True)
class Treebank:
    """A row of the table. files: the files of "train", "valid" and "test" in the source; a split may be missing."""

    name: str
    summary: str
    source: RepositoryFiles
    licence: str
    files: dict[str, str]


TREES = {
    row.name: row
    for row in [
        Treebank(
            "ud-english-ewt",
            "16,622 sentences of the web, parts of speech and trees",
            EWT,
            "CC BY-SA 4.0",
            {
                part: f"en_ewt-ud-{file}.conllu"
                for part, file in (("train", "train"), ("valid", "dev"), ("test", "test"))
            },
        ),
        Treebank(
            "pud-en",
            "1,000 sentences of news and Wikipedia, to test on",
            PUD,
            "CC BY-SA 3.0",
            {"test": "en_pud-ud-test.conllu"},
        ),
    ]
}


def load_treebank(name: str) -> dict[str, list[ConlluSentence]]:
    """Return the sentences of each split of a treebank by name (see TREES), downloaded if it is not in the cache.

    Raises UserError for an unknown name, FetchError when the download fails.
    """
    return {part: list(read_conllu(file)) for part, file in treebank_files(name).items()}


def treebank_files(name: str) -> dict[str, Path]:
    """Return the file of each split of a treebank by name, downloaded if it is not in the cache."""
    if name not in TREES:
        raise unknown("treebank", name, TREES)
    row = TREES[name]
    folder = fetch(row.source, name)
    return {part: folder / file for part, file in row.files.items()}
