"""What every tokenizer keeps to. A new kind joins with one row."""

import os
import random
import subprocess
import sys
import time
import unicodedata

import pytest
import tokenizers

from lingon.core.errors import UserError
from lingon.data.tokenizers import Tokenizer, bpe, characters, spaces, unigram, wordpiece, words

TEXTS = [
    "The cat sat on the mat, and the dog didn't mind: it's a lazy dog's life!",
    "A film of 90 minutes, 3.5 stars; well-made, café scenes, naïve heroes — 日本 too. 👍🏽",
] * 7

KINDS = {  # name: (how it is made from texts, whether decode(encode(text)) is the text itself)
    "words": (lambda texts: words(texts), False),
    "words, cased": (lambda texts: words(texts, lowercase=False, min_freq=2), False),
    "spaces": (lambda texts: spaces(texts), False),
    "characters": (lambda texts: characters(texts), True),
    "bpe": (lambda texts: bpe(texts, 311), True),
    "wordpiece": (lambda texts: wordpiece(texts, 127), False),
    "unigram": (lambda texts: unigram(texts, 293), True),
}
LOSSLESS = [name for name, (_, lossless) in KINDS.items() if lossless]
NORMAL = [name for name, (_, lossless) in KINDS.items() if not lossless]
MADE: dict[str, Tokenizer] = {}

MARKS = [chr(c) for c in range(0x300, 0x370)] + list("\u200d\ufe0f\u20e3\U0001f3fd")
EMOJI = ["👩\u200d👩\u200d👧", "👍🏽", "🇸🇪", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e007f", "❤\ufe0f"]
ODD = [
    "\0",
    "\ufeff",
    "\ufffd",
    "\u2028",
    "\x85",
    "\x1c",
    "\r\n",
    "▁",
    "Ġ",
    "##",
    "[pad]",
    "[unk]",
    "<0x41>",
    " ",
    "'t",
    "’s",
]


def made(kind):
    return MADE.setdefault(kind, KINDS[kind][0](TEXTS))


def random_texts(count, seed=0):
    """Strings of everything: any code point but surrogates, marks, emoji sequences, odd controls, plain words."""
    dice = random.Random(seed)

    def any_character():
        code = dice.randrange(0x110000 - 0x800)
        return chr(code if code < 0xD800 else code + 0x800)

    draw = [
        any_character,
        lambda: chr(dice.randrange(0x250)),
        lambda: chr(dice.randrange(0x3000)),
        lambda: dice.choice(MARKS),
        lambda: dice.choice(EMOJI),
        lambda: dice.choice(ODD),
        lambda: dice.choice(TEXTS[0].split()),
    ]
    return ["".join(dice.choice(draw)() for _ in range(dice.randrange(23))) for _ in range(count)]


@pytest.fixture(params=list(KINDS))
def kind(request):
    return request.param


@pytest.mark.parametrize("kind", LOSSLESS)
def test_decoding_gives_the_text_back(kind):
    tokenizer = made(kind)
    for text in random_texts(10_000):
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("kind", NORMAL)
@pytest.mark.filterwarnings("ignore:.*tokens are")
def test_the_normal_form_has_the_same_ids(kind):
    tokenizer = made(kind)
    known = KINDS[kind][0](random_texts(1000, seed=1))
    for text in random_texts(10_000):
        for one in (tokenizer, known):
            ids = one.encode(text)
            assert one.encode(one.decode(ids)) == ids


@pytest.mark.parametrize("kind", NORMAL)
def test_the_normal_form_keeps_every_letter(kind):
    text = TEXTS[1]
    fold = str if "cased" in kind or kind == "spaces" else str.lower
    kept = "".join(made(kind).decode(made(kind).encode(text)).split())
    assert kept == "".join(unicodedata.normalize("NFC", fold(text)).split())


@pytest.mark.filterwarnings("ignore:.*tokens are")
def test_saved_equals_loaded(kind, tmp_path):
    tokenizer = made(kind)
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    texts = random_texts(500, seed=2)
    assert loaded.vocab == tokenizer.vocab
    assert loaded.encode_batch(texts) == tokenizer.encode_batch(texts)
    assert [loaded.decode(ids) for ids in loaded.encode_batch(texts)] == [
        tokenizer.decode(ids) for ids in tokenizer.encode_batch(texts)
    ]


def test_special_tokens_come_first_and_stay_text_when_typed(kind):
    tokenizer = KINDS[kind][0]([*TEXTS, *["[pad] [unk] [pad][unk] [pad][pad] cat cat[unk] dog"] * 50])
    assert list(tokenizer.vocab)[:2] == ["[pad]", "[unk]"]
    for typed in ("[pad]", "[unk]", "cat [pad] dog", "cat[unk]", " [pad][pad]"):
        assert not {0, 1} & set(tokenizer.encode(typed))
    assert "".join(tokenizer.decode(tokenizer.encode("[pad] [unk]")).split()) == "[pad][unk]"


def test_ids_are_in_the_order_of_frequency(kind):
    tokenizer = made(kind)
    count = [0] * len(tokenizer.vocab)
    for ids in tokenizer.encode_batch(TEXTS):
        for i in ids:
            count[i] += 1
    ordinary = [(-n, token) for n, token in zip(count, tokenizer.vocab, strict=True)][2:]
    if kind == "characters":
        ordinary = ordinary[:-256]
    assert ordinary == sorted(ordinary)


def test_padding_is_left_out(kind):
    tokenizer = made(kind)
    ids = tokenizer.encode("the cat")
    assert tokenizer.decode([*ids, 0, 0]) == tokenizer.decode(ids)


@pytest.mark.filterwarnings("ignore:.*tokens are")
def test_offsets_run_through_the_text(kind):
    tokenizer = made(kind)
    for text in [*TEXTS[:2], *random_texts(200, seed=4)]:
        offsets = tokenizer.offsets(text)
        assert len(offsets) == len(tokenizer.encode(text)) == len(tokenizer.tokens(text))
        assert all(0 <= a <= b <= len(text) for a, b in offsets)
        if kind in LOSSLESS:
            assert set(range(len(text))) == {i for a, b in offsets for i in range(a, b)}


def test_a_long_text_is_encoded_as_if_in_one_go(kind):
    tokenizer = made(kind)
    text = "  ".join(" ".join(TEXTS) + "\n\n \n" for _ in range(23)).strip()
    whole = tokenizer.library.encode(text)
    assert tokenizer.encode(text) == whole.ids
    assert tokenizer.encode_batch(["cat", text, "dog"])[1] == whole.ids
    assert tokenizer.tokens(text) == whole.tokens
    assert tokenizer.offsets(text) == whole.offsets


def test_a_long_run_without_a_space(kind):
    tokenizer, text = made(kind), "cat\u0301" * 30_011
    offsets, ids = tokenizer.offsets(text), tokenizer.encode(text)
    assert offsets[-1][1] == len(text)
    assert tokenizer.encode_batch([text]) == [ids]
    if kind in LOSSLESS:
        assert tokenizer.decode(ids) == text


def test_an_empty_text_has_no_ids(kind):
    tokenizer = made(kind)
    assert tokenizer.encode("") == []
    assert tokenizer.decode([]) == ""


def test_training_is_the_same_in_every_process(kind, tmp_path):
    code = (
        "import sys\nfrom tests.contracts.test_tokenizers import KINDS, TEXTS, random_texts\n"
        f"KINDS[{kind!r}][0](TEXTS + random_texts(50)).save(sys.argv[1])"
    )
    for seed, threads in (("1", "1"), ("2", "3")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], env=environment, check=True)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


PAIRS = [
    ("the cat", "a dog sat, too"),
    ("", "mat"),
    ("it's lazy", ""),
    ("", ""),
    (TEXTS[0], TEXTS[1]),
    ("mat dog", "cat"),
]


@pytest.mark.filterwarnings("ignore:.*tokens are")
def test_pairs_get_the_special_tokens_of_a_template(kind, tmp_path):
    tokenizer = made(kind).with_template()
    cls, sep = (tokenizer.library.token_to_id(name) for name in ("[CLS]", "[SEP]"))
    for first, second in PAIRS:
        a, b = made(kind).encode(first), made(kind).encode(second)
        wanted = [cls, *a, sep, *b, sep], [0] * (len(a) + 2) + [1] * (len(b) + 1)
        assert tokenizer.encode_pair(first, second) == wanted
        assert tokenizer.encode(first) == [cls, *a, sep]
        assert made(kind).encode_pair(first, second) == (a + b, [0] * len(a) + [1] * len(b))
    tokenizer.save(tmp_path / "tokenizer.json")
    assert Tokenizer.load(tmp_path / "tokenizer.json").encode_pairs(PAIRS) == tokenizer.encode_pairs(PAIRS)


@pytest.mark.filterwarnings("ignore:.*tokens are")
def test_long_pairs_are_cut_as_by_the_tokenizers_library(kind):
    tokenizer = made(kind).with_template()
    theirs = tokenizers.Tokenizer.from_str(tokenizer.library.to_str())
    for most in (3, 4, 5, 6, 7, 8, 11, 13, 17, 97):
        theirs.enable_truncation(most, strategy="longest_first")
        for a, b in [*PAIRS, *((b, a) for a, b in PAIRS)]:
            wanted = theirs.encode(a, b)
            assert tokenizer.encode_pair(a, b, max_length=most) == (wanted.ids, wanted.type_ids)


@pytest.mark.filterwarnings("ignore:.*tokens are")
def test_special_tokens_typed_in_pairs_stay_text(kind):
    tokenizer = made(kind).with_template()
    special = [tokenizer.library.token_to_id(name) for name in ("[CLS]", "[SEP]", "[pad]")]
    ids, types = tokenizer.encode_pair("cat [SEP] dog[pad]", "[CLS] mat [SEP][SEP] [pad]")
    assert [ids.count(i) for i in special] == [1, 2, 0]
    assert types == sorted(types)
    assert (types.index(1), ids[-1]) == (ids.index(special[1]) + 1, special[1])


@pytest.mark.parametrize(("pair", "max_length", "message"), [
    (("a", "b", "c"), None, r"a pair is two texts, not \('a', 'b', 'c'\)"),
    ("ab", None, "a pair is two texts, not 'ab'"),
    (("a", 3), None, "a text is a str, not a int: 3"),
    (("a", "\ud800"), None, "half of a surrogate pair"),
    (("a", "b"), 2, "max_length is 2, a pair has 3 special tokens; give 5 or more"),
])  # fmt: skip
def test_what_is_no_pair_is_refused(pair, max_length, message):
    with pytest.raises(UserError, match=message):
        made("wordpiece").with_template().encode_pairs([pair], max_length)


@pytest.mark.parametrize(("pair", "message"), [
    ("[CLS] $A [SEP]", r"has no \$B"),
    ("$A $B:x", r"write them as in '\[CLS\] \$A"),
])  # fmt: skip
def test_a_template_that_cannot_be_used_is_refused(pair, message):
    with pytest.raises(UserError, match=message):
        made("words").with_template(pair=pair)


HALF = 500_000  # bytes
LONG = {
    "one letter": "a" * 2 * HALF,
    "marks": "\u0301" * HALF,
    "no space": "thecatsatonthemat" * (2 * HALF // 17),
    "commas and short forms": "1,n't" * (2 * HALF // 5),
}


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "spaces"])  # whose one word it is, looked up once
@pytest.mark.parametrize("text", list(LONG))
@pytest.mark.filterwarnings("ignore:.*tokens are")
def test_time_grows_with_the_text_and_no_faster(kind, text):
    """time(2n) / time(n) <= 2.3 for the three doublings up to 1 MB: at most 2.3 ** 3 together.

    The best of several runs in processor time, for a busy machine only adds; one doubling alone measures its caches.
    """
    tokenizer, whole = made(kind), LONG[text]
    eighth, best = whole[: len(whole) // 8], {}
    for _ in range(7):
        for part in (eighth, whole):
            start = time.process_time()
            tokenizer.encode(part)
            best[part] = min(best.get(part, 60), time.process_time() - start)
        if best[whole] <= 2.3**3 * best[eighth]:
            break
    assert best[whole] <= 2.3**3 * best[eighth]
