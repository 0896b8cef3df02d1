"""Guesses the language of texts by their script and frequent words, well enough to warn of the wrong language."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from lingon.core.counted import counted
from lingon.data.parallel_texts import ParallelTexts

SAMPLE = 2_000  # texts of a side that are examined
ENOUGH = 20  # known words, below which nothing is guessed
LEAD = 2.0  # the likeliest language must have this many times the words of the next one
# Frequent words of a language that few other languages have.
WORDS = {
    "en": "the and is was are were this that with have has had you they not for from what would which be been of it",
    "de": "der die das und ist war sind nicht ich du er sie wir ein eine einen dem den mit auf zu für auch wie haben",
    "fr": "le les des est et une je tu il elle nous vous pas que qui dans pour ce cette sont avec sur du au ne suis",
    "es": "el los las es y una yo tú él ella no que por para con su lo como pero más muy está son del al se ha",
    "it": "il gli è e una io lui lei non che per con di della sono ho ha questo questa anche più ma mi si del",
    "pt": "o os as é e uma eu ele ela não que por para com seu mas mais muito está são do da ao se foi tem",
    "nl": "de het een en is was zijn niet ik je hij zij wij met op te voor ook maar heeft dat van deze hebben er",
    "sv": "och är var inte jag du han hon vi en ett det den som med på till för har att av om men de sig",
    "da": "og er var ikke jeg du han hun vi en et det den som med på til for har at af om men de sig",
    "pl": "i jest nie się że w na z do to co jak ja ty on ona my był była są ale tak za po",
}
LANGUAGES = {language: frozenset(words.split()) for language, words in WORDS.items()}
SCRIPTS = {"zh": "CJK", "ja": "HIRAGANA", "ko": "HANGUL", "ru": "CYRILLIC", "uk": "CYRILLIC", "bg": "CYRILLIC"}
SCRIPTS |= {"el": "GREEK", "ar": "ARABIC", "fa": "ARABIC", "he": "HEBREW", "hi": "DEVANAGARI", "th": "THAI"}
SCRIPTS |= {"ka": "GEORGIAN", "hy": "ARMENIAN"}


def guess_language(texts: Iterable[str]) -> str | None:
    """Return which of the languages in WORDS the texts seem to be in; None if it is not clear.

    >>> guess_language(["Das ist nicht der Hund, den ich sah, und die Katze war auch nicht da."] * 3)
    'de'
    """
    counts = Counter(word for text in islice(texts, SAMPLE) for word in re.findall(r"[^\W\d_]+", text.lower()))
    scores = sorted(((sum(counts[w] for w in words), name) for name, words in LANGUAGES.items()), reverse=True)
    (most, name), (next_most, _) = scores[:2]
    return name if most >= ENOUGH and most >= LEAD * next_most else None


def main_script(texts: Iterable[str]) -> str | None:
    """Return the script of most letters, as the first word of their Unicode names; None without letters.

    >>> main_script(["Доброе утро", "TV"])
    'CYRILLIC'
    """
    counts = Counter(
        unicodedata.name(letter, "?").split()[0]
        for text in islice(texts, SAMPLE)
        for letter in text[:200]
        if letter.isalpha()
    )
    return counts.most_common(1)[0][0] if counts else None


def suspicions(pairs: ParallelTexts) -> list[str]:
    """Return a message for each side that does not seem to be in its stated language, and for equal sides."""
    said = []
    for side, texts, language in zip(
        ("sources", "targets"), (pairs.sources, pairs.targets), pairs.languages, strict=True
    ):
        sample = _sample(texts)
        script, wanted = main_script(sample), SCRIPTS.get(language or "", "LATIN" if language in LANGUAGES else None)
        guess = guess_language(sample) if script == "LATIN" else None
        if script and wanted and script != wanted and not (wanted == "HIRAGANA" and script in ("CJK", "KATAKANA")):
            said.append(f"the {side} should be {language}, but most letters are {script.capitalize()}")
        elif guess and language in LANGUAGES and guess != language:
            said.append(f"the {side} should be {language}, but look like {guess}")
    same = sum(source == target for source, target in pairs)
    if same > 0.05 * len(pairs) and None not in pairs.languages and len(set(pairs.languages)) == 2:
        said.append(
            f"{same:,} of {counted(len(pairs), 'pair')} have a target that is equal to the source; are they translated?"
        )
    return [f"wrong language? {line}" for line in said]


def _sample(texts: Sequence[str]) -> Sequence[str]:
    """Return texts from the whole file: its beginning may not be typical."""
    return texts[:: max(1, len(texts) // SAMPLE)]
