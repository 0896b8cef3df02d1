"""Splits a text into words with their character offsets, similar to English treebanks."""

import re
from typing import NamedTuple
from unicodedata import category


class TextWord(NamedTuple):
    """A word of a text, and its characters start:end."""

    text: str
    start: int
    end: int


ENDINGS = "com|org|net|edu|gov|info|uk|doc|docx|xls|xlsx|pdf|txt|html?|jpg|gif|png|zip|exe|ppt"
ABBREVIATIONS = (
    "Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Sen|Rep|Gov|Capt|Lt|Col|Maj|Sgt|St|Jr|Sr|Inc|Corp|Ltd|Co|Bros|vs|etc|Jan|Feb|Aug|Sept|"
    "Sep|Oct|Nov|Dec|Ave|Blvd|Rd|Mt|Ft|approx|dept|Dept|cf|al|No(?=\\. *\\d)|Ph\\.D"
)
# Parts of words that are words of their own: (do)n't, (it)'s, can(not), gon(na).
NOT = r"(?i:n['’´]t)(?!\w)"
SUFFIXES = r"(?i:['’´](?:s|m|d|re|ve|ll))(?!\w)"
BARE = r"(?<!\w)(?i:do|did|does|is|was|are|have|has|had|ca|wo|could|would|should)(?=nt(?!\w))"  # dont: do, nt
HALVES = r"can(?=not(?!\w))|(?:gon|wan)(?=na(?!\w))|got(?=ta(?!\w))|(?:gim|lem)(?=me(?!\w))"
# Hyphens are kept inside words with these prefixes.
HYPHENATED = r"(?:e|x|t|co|re|non|pre|anti|ex|un|multi|semi|sub|inter|mid|self|uh)-"
# Soft hyphen, joiner and non-joiner, skin tones: parts of words, like Unicode marks (M).
JOINERS = "\u00ad\u200c\u200d\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
# Patterns of a word; the first one that matches at a position is used. Repetitions that may fail late are bounded, so
# that the time is linear in the length of any text.
KINDS = (
    r"(?:https?|ftp)://[^\s<>\"]*[\w/]|www\.[^\s<>\"]*[\w/]",  # URLs, without the punctuation after them
    r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}",  # e-mail
    rf"[\w-]{{1,64}}(?:\.[\w-]{{1,64}}){{0,8}}\.(?i:{ENDINGS})\b(?:/[^\s]*[\w/])?",  # names of sites and of files
    r"(?<!\w)(?:#[^\W\d]|@)\w+",  # hashtags and user names
    r"(?<!\w)[:;=8][-'^o]?[()\[\]DPp/\\|*]{1,9}(?!\w)|<3(?!\w)|\^_+\^",  # emoticons
    r"(?:[A-Za-z]\.){2,9}(?!\w)|(?<!\w)[A-Z]\.(?= *[A-Z])",  # U.S., e.g., initials
    rf"(?:{ABBREVIATIONS})\.(?!\w)",
    r"\d+(?:[.,:/]\d+)+|\d{3}-\d{3}-\d{4}|(?<!\w)\.\d+",  # 3.14, 1,000, 10:30, 9/11, telephones
    r"\.{2,}|-{2,}|—+|–+|…+|\*{2,}|_{2,}|={2,}|~{2,}|[!?]{2,}|``|''|<<|>>|&\w+;",  # marks that are one together
    NOT,
    SUFFIXES,
    BARE,
    HALVES,
    r"(?<!\w)(?:O|D|d|Al|al|Ba|Qa|Sha|Shi)['’][^\W\d_]+|(?<!\w)[A-Z]+&[A-Z](?!\w)",  # O'Neill, R&D
    rf"(?i:{HYPHENATED})[^\W_]+",
    rf"[^\W\d_]{{1,20}}?(?={NOT})",
    r"\d+(?:st|nd|rd|th|s)(?!\w)|\d+(?=[a-zA-Z]{1,20}(?!\w))",  # 1st, 1990s; 5 of 5pm
    r"[^\W_]+",
    r"\S",
)
WORD = re.compile("|".join(KINDS))


def words_of_text(text: str) -> list[TextWord]:
    """Return the words of a text, which is split at white space, punctuation and contractions.

    The rules are those of English: don't is do and n't, John's is John and 's, well-known has three words; addresses,
    e-mail, numbers, abbreviations, hashtags (#nlp) and emoticons stay whole. Together the words hold every character of
    the text that is not white space. Letters keep their marks: combining accents, vowel signs of Hindi or Thai, joiners
    of Persian and of emoji, soft hyphens, skin tones.

    >>> [word.text for word in words_of_text("Don't pay $3.50, it's free: www.example.org.")]
    ['Do', "n't", 'pay', '$', '3.50', ',', 'it', "'s", 'free', ':', 'www.example.org', '.']
    >>> words_of_text("a b")[1]
    TextWord(text='b', start=2, end=3)
    """
    words = [TextWord(found[0], found.start(), found.end()) for found in WORD.finditer(text)]
    return words if text.isascii() else _with_marks(text, words)


def _with_marks(text: str, words: list[TextWord]) -> list[TextWord]:
    """Return words in which each mark belongs to the character before it, and letters after the mark too."""
    found: list[TextWord] = []
    for word in words:
        if found and found[-1].end == word.start and _goes_on(found[-1].text, word.text[0]):
            start = found.pop().start
            found.append(TextWord(text[start : word.end], start, word.end))
        else:
            found.append(word)
    return found


def _goes_on(word: str, character: str) -> bool:
    """Return whether the character after a word belongs to it: a mark, a letter after a mark, or after a joiner."""
    behind_mark = _is_mark(word[-1]) and word[0].isalnum() and character.isalnum()
    return _is_mark(character) or behind_mark or word[-1] == "\u200d"


def _is_mark(character: str) -> bool:
    return character > "\x7f" and (character in JOINERS or category(character)[0] == "M")
