"""Language codes as in file names, columns and translation memories: en, de_DE, pt-BR, eng."""

import re

# Codes of two letters (ISO 639-1), and those of three letters (ISO 639-2 and 639-3) that parallel corpora often use.
TWO = (
    "af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu ha he hi hr hu hy id ig is it ja jv ka "
    "kk km kn ko ku ky la lb lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no or pa pl ps pt ro ru rw sd si sk sl so "
    "sq sr su sv sw ta te tg th ti tk tl tr tt ug uk ur uz vi wo xh yi yo zh zu"
)
THREE = (
    "ara-ar bul-bg ces-cs cze-cs dan-da deu-de ger-de ell-el gre-el eng-en est-et fas-fa fin-fi fra-fr fre-fr heb-he "
    "hin-hi hrv-hr hun-hu ind-id isl-is ita-it jpn-ja kor-ko lat-la lav-lv lit-lt nld-nl dut-nl nor-no nob-nb nno-nn "
    "pol-pl por-pt ron-ro rum-ro rus-ru slk-sk slv-sl spa-es srp-sr swe-sv tha-th tur-tr ukr-uk vie-vi zho-zh chi-zh"
)
CODES = {code: code for code in TWO.split()} | {pair[:3]: pair[4:] for pair in THREE.split()}


def language_code(name: str) -> str | None:
    """Return the language of a name as a code of two letters without a region; None if the name is not a code.

    >>> language_code("de_DE"), language_code("pt-BR"), language_code("eng"), language_code("text")
    ('de', 'pt', 'en', None)
    """
    found = re.fullmatch(r"([A-Za-z]{2,3})(?:[-_@][A-Za-z0-9_@-]+)?", name.strip())
    return CODES.get(found[1].lower()) if found else None
