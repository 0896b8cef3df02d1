"""Grammars of the formats of JSON Schema: everything they accept is of the format, but not the reverse.

Left out deliberately: leap seconds, year 0, addresses with quotes or brackets, IPv6 hosts, non-ASCII characters.
"""

from functools import cache

from lingon.decoding.regex import Pattern, parse

YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
DATE = (
    f"(?:{YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{LEAP}-02-29)"
)
HOUR = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
TIME = rf"{HOUR}:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:Z|[+-]{HOUR})"
LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
NAME = rf"{LABEL}(?:\.{LABEL}){{0,3}}\.[A-Za-z]{{2,12}}"  # of a host, at most 143 characters
ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}"
BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"{BYTE}(?:\.{BYTE}){{3}}"
LETTER = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})"  # of a path: RFC 3986, section 3.3
PORT = "(?::[1-9][0-9]{0,3})?"
QUERY = rf"(?:\?(?:{LETTER}|[/?])*)?(?:\#(?:{LETTER}|[/?])*)?"
HEX = "[0-9a-fA-F]"

# Sources: RFC 3339 (times), 5322 and 1123 (addresses and hosts), 9562 (UUID), 3986 (URI), 2673 (IPv4).
FORMATS = {
    "date": DATE,
    "time": TIME,
    "date-time": f"{DATE}T{TIME}",
    "email": rf"{ATOM}(?:\.{ATOM}){{0,2}}@{NAME}",
    "hostname": NAME,
    "ipv4": IPV4,
    "uuid": f"{HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}}",
    "uri": rf"(?:https?|ftp)://(?:{NAME}|{IPV4}){PORT}(?:/{LETTER}*)*{QUERY}|mailto:[A-Za-z0-9_+-]{{1,20}}@{NAME}|urn:[a-z]{{2,9}}:{LETTER}+",
}


@cache
def format_grammar(name: str) -> Pattern:
    """Return the grammar of a format, one of `FORMATS`."""
    return parse(FORMATS[name])
