"""Corpora of questions on passages. To add one, add a row."""

from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import UserError, unknown
from lingon.data.fetch import fetch
from lingon.data.files.squad import read_squad
from lingon.data.questions import Question, QuestionSplits, questions_checksum, split_by_passage
from lingon.data.sources import RepositoryFiles

SHIFTS = RepositoryFiles(
    "modestyachts/squadshifts-website",
    "b7cc4d50af791c36c49417fb94dd739d6a9e7bef",
    (
        (
            "datasets/new_wiki_v1.0.json",
            3_607_393,
            "1d50a0ca4cdab88d038b52ea8a2d0510af6038d7f41a0a256b9659237769d0ee",
        ),
        (
            "datasets/amazon_reviews_v1.0.json",
            4_177_842,
            "9db7bdee84a91f0fb80b9e74f365042fbbb217cb8e0a7e73bb071245472589b6",
        ),
    ),
)
XQUAD_COMMIT = "60cac411649156efb6aab9dd4c9cde787a2c0345"
XQUAD = RepositoryFiles(
    "deepmind/xquad",
    XQUAD_COMMIT,
    (("xquad.en.json", 609_383, "e4c57d1c9143aaa1c5d265ba5987a65f4e69528d2a98f29d6e75019b10344f29"),),
)
XQUAD_DE = RepositoryFiles(
    "deepmind/xquad",
    XQUAD_COMMIT,
    (("xquad.de.json", 669_810, "990b5d746746ed65ed4702ea5f35f99ffa4e2f1c390c07d003642acd937916f9"),),
)


@dataclass(frozen=True)
class QuestionCorpus:
    """Questions with answers, in files in the layout of SQuAD. test_only: it is a small published test set."""

    name: str
    summary: str
    source: RepositoryFiles
    licence: str
    test_only: bool = False

    def read(self, folder: Path) -> list[Question]:
        """Return the questions of its files, in their order."""
        return [one for path, _, _ in self.source.files for one in read_squad(folder / path)[0]]


QUESTION_ANSWERING = {
    row.name: row
    for row in [
        QuestionCorpus(
            "squadshifts",
            "17,823 questions on Wikipedia and product reviews",
            SHIFTS,
            "CC BY 4.0, as its paper states",
        ),
        QuestionCorpus("xquad", "1,190 questions on Wikipedia, to test on", XQUAD, "CC BY-SA 4.0", True),
        QuestionCorpus("xquad-de", "the same in German, to test on", XQUAD_DE, "CC BY-SA 4.0", True),
    ]
}


def load_question_corpus(name: str, test: bool = True) -> QuestionSplits:
    """Return a corpus of questions, downloaded if it is not in the cache; a test set has no other split.

    test: split off a test set; else it is part of the training set. Raises UserError for an unknown name.
    """
    row = find_question_corpus(name)
    questions = row.read(fetch(row.source, name))
    parts = ([], [], questions) if row.test_only else split_by_passage(questions, name, test)
    source = {"name": name, **row.source.provenance(), "licence": row.licence}
    source |= {part: len(some) for part, some in zip(("train", "valid", "test"), parts, strict=True)}
    return QuestionSplits(*parts, name, source | {"sha256": questions_checksum(questions)})


def find_question_corpus(name: str) -> QuestionCorpus:
    """Return the row of a corpus of questions. Raises UserError that suggests similar names."""
    if name not in QUESTION_ANSWERING:
        raise unknown("corpus of questions", name, QUESTION_ANSWERING)
    return QUESTION_ANSWERING[name]


def refuse_test_only(name: str) -> None:
    """Raise UserError for a corpus that is a test set."""
    if find_question_corpus(name).test_only:
        raise UserError(f"{name!r} is a test set; train on squadshifts, and give --test {name}")
