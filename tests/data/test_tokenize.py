"""What words are, what tokenizers refuse, and files that are not tokenizers."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
import unicodedata
from collections import Counter

import numpy as np
import pytest
import tokenizers

from lingon.core.errors import DataError, UserError
from lingon.data.batches.columns import TokenIds
from lingon.data.tokenizers import Tokenizer, bpe, characters, spaces, unigram, word_lookup, wordpiece, words
from lingon.data.tokenizers.ascii_words import split_words
from lingon.data.tokenizers.word_scanner import count_ascii, encode_ascii, word_table

TEXTS = ["The cat sat, the cat ran; a dog sat.", "A dog's life: don't worry!"] * 3


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't pay $3.50!", "do n't pay $ 3.50 !"),
        ("the film’s END", "the film 's end"),
        ("can't CAN'T won't", "ca n't ca n't wo n't"),
        ("o'clock rock 'n' roll", "o ' clock rock ' n ' roll"),
        ("we'll they've I'd I'm you're", "we 'll they 've i 'd i 'm you 're"),
        ("well-made 10/10 1,000,000 80s mp3", "well - made 10 / 10 1,000,000 80s mp3"),
        ("a_b...", "a _ b . . ."),
        ("日本語とfilm", "日 本 語 と film"),
        ("Cafe\u0301 straße ЖАР", "café straße жар"),
        ("👩\u200d👩\u200d👧 👍🏽!", "👩\u200d👩\u200d👧 👍🏽 !"),
        ("nul\0nul\u00a0x\u2003y", "nul \0 nul x y"),
    ],
)
def test_what_a_word_is(text, tokens):
    assert words([text]).tokens(text) == tokens.split(" ")


def test_order_by_hand():
    tokenizer = words(["b b a a z z z [pad] rare"])
    assert list(tokenizer.vocab) == ["[pad]", "[unk]", "z", "a", "b", "[", "]", "pad", "rare"]
    assert tokenizer.encode("z a b new") == [2, 3, 4, 1]
    assert list(words(["b b a a z z z rare"], max_size=4).vocab) == ["[pad]", "[unk]", "z", "a"]
    assert list(words(["b b a a z z z rare"], min_freq=2).vocab) == ["[pad]", "[unk]", "z", "a", "b"]
    assert list(characters(["cab a"]).vocab)[:7] == ["[pad]", "[unk]", "a", " ", "b", "c", "<0x00>"]


def test_case_is_an_option():
    assert words(["The cat"], lowercase=False).tokens("The cat") == ["The", "cat"]


@pytest.mark.parametrize("lowercase", [True, False])
def test_the_short_way_for_ascii_gives_the_words_of_the_library(lowercase):
    """The same ids whether the library cuts the text or Python does; a final é sends a text through the library."""
    dice = random.Random(5)
    parts = [
        "n't",
        "N'T",
        "'",
        "'s",
        "'S",
        "'ll",
        "t",
        "n",
        "can",
        "1",
        "22",
        ".",
        ",",
        "1.5",
        "A",
        "_",
        "-",
        " ",
        "\n",
    ]
    parts += [chr(c) for c in range(128)]
    texts = ["".join(dice.choice(parts) for _ in range(dice.randrange(31))) for _ in range(10_000)]
    tokenizer = words(["\x00".join(parts), *texts[:5000]], lowercase=lowercase)
    ids = tokenizer.encode_batch(texts)
    assert ids == [encoding.ids for encoding in tokenizer.library.encode_batch(texts)]
    assert ids == [tokenizer.encode(text) for text in texts]
    counted = words([text + " é" for text in texts[:5000]] + ["\x00".join(parts)], lowercase=lowercase)
    assert set(counted.vocab) == {*tokenizer.vocab, "é"}
    table = word_table(tokenizer.library.get_vocab())
    assert [row.tolist() for row in encode_ascii(texts, table, tokenizer.vocab["[unk]"], lowercase)] == ids
    assert count_ascii(texts, lowercase) == Counter(word for text in texts for word in split_words(text, lowercase))


def test_the_scanner_keeps_its_place_while_its_table_grows():
    texts = [" ".join(f"w{i}" for i in range(start, start + 997)) for start in range(0, 150_000, 499)]
    assert count_ascii(texts, True) == Counter(word for text in texts for word in text.split())


@pytest.mark.parametrize("lowercase", [True, False])
def test_texts_with_other_characters_give_the_words_of_the_library(lowercase, monkeypatch):
    """Only the words around other characters go to the library; a space is where no word goes on."""
    dice = random.Random(7)
    odd = ["café", "naïve", "don’t", "'s", "’s", "n't", "\u0301", "\u00a0", "東京", "Σ", "1.5", "x", "\n"]
    parts = [*odd, " ", " ", " "]
    texts = ["".join(dice.choice(parts) for _ in range(dice.randrange(31))) for _ in range(5_000)]
    tokenizer = words([" ".join(parts), *texts[:2500]], lowercase=lowercase)
    ids = [encoding.ids for encoding in tokenizer.library.encode_batch(texts)]
    assert tokenizer.encode_batch(texts) == ids
    monkeypatch.setattr(word_lookup, "MANY", 1)  # the compiled scanner, which gives arrays
    rows = tokenizer.encode_rows(texts)
    assert tokenizer.encode_batch(texts) == [[*row] for row in rows] == ids
    assert {type(row) for row in rows} == {list, np.ndarray}
    assert [*TokenIds(rows).collate(np.arange(len(ids)))["ids"].shape] == [len(ids), max(map(len, ids))]
    assert [TokenIds(rows).row(i) for i in range(len(ids))] == ids


def test_offsets_point_into_the_text():
    text = "İ don't — 日本 café’s"
    tokenizer = words([text])
    assert [text[a:b] for a, b in tokenizer.offsets(text)] == ["İ", "do", "n't", "—", "日", "本", "café", "’s"]


def test_parallel_equals_one_by_one():
    texts = [" ".join(TEXTS[i % 6].split()[: i % 11]) for i in range(5003)]
    tokenizer = words(TEXTS)
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]
    assert tokenizer.encode_batch([]) == []


def test_an_unknown_word_is_unknown_when_read_again():
    tokenizer = words(["the cat \ufffd"])
    assert tokenizer.decode(tokenizer.encode("the zebra")) == "the \ufffd"
    assert tokenizer.encode("the \ufffd") == tokenizer.encode("the zebra") == [tokenizer.vocab["the"], 1]


def test_mappings_and_other_things_are_refused():
    tokenizer = words(TEXTS)
    for wrong in ({"input_ids": [1]}, ["the cat"], ("the", "cat"), b"the", None, 3):
        with pytest.raises(UserError, match=f"a text is a str, not a {type(wrong).__name__}"):
            tokenizer.encode(wrong)
        with pytest.raises(UserError, match=f"a text is a str, not a {type(wrong).__name__}"):
            tokenizer.encode_batch(["fine", wrong])
    for wrong in ({"a": "b"}, "the cat"):
        with pytest.raises(UserError, match=f"encode_batch takes a list of texts, not a {type(wrong).__name__}"):
            tokenizer.encode_batch(wrong)
        with pytest.raises(UserError, match=f"decode takes a list of ids, not a {type(wrong).__name__}"):
            tokenizer.decode(wrong)
        with pytest.raises(UserError, match=f"trained on a list of texts, not a {type(wrong).__name__}"):
            words(wrong)
    with pytest.raises(UserError, match="id 999 is outside the vocabulary"):
        tokenizer.decode([2, 999])


def test_half_a_surrogate_pair_is_refused_with_its_place():
    for call in (words(TEXTS).encode, lambda text: words(TEXTS).encode_batch(["ok", text]), lambda text: words([text])):
        with pytest.raises(UserError, match=r"character 3 of a text is U\+D83D, half of a surrogate pair"):
            call("the\ud83d cat")


def test_a_warning_when_nearly_everything_is_unknown():
    tokenizer = words(TEXTS)
    with pytest.warns(UserWarning, match=r"100% of 30 tokens are \[unk\]"):
        tokenizer.encode("zebra " * 30)
    with pytest.warns(UserWarning, match=r"96% of 50 tokens are \[unk\]"):
        tokenizer.encode_batch(["zebra " * 24 + "cat"] * 2)


@pytest.mark.filterwarnings("error")
def test_no_warning_for_a_few_unknown_words():
    tokenizer = words(TEXTS)
    tokenizer.encode("zebra " * 5)
    tokenizer.encode("the cat zebra " * 50)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: words([]), "needs texts"),
        (lambda: bpe(["", ""], 300), "needs texts"),
        (lambda: words(TEXTS, min_freq=0), "min_freq is 0"),
        (lambda: words(TEXTS, max_size=1), "max_size is 1, it must be 2 or more"),
        (lambda: characters(TEXTS, max_size=257), "max_size is 257, it must be 258 or more"),
        (lambda: bpe(TEXTS, 257), "size is 257, it must be 258 or more"),
        (lambda: unigram(TEXTS, 100), "size is 100, it must be 258 or more"),
        (lambda: wordpiece(TEXTS, 2), "size is 2, it must be 3 or more"),
    ],
)
def test_impossible_requests(make, message):
    with pytest.raises(UserError, match=message):
        make()


def broken_files():
    whole = words(TEXTS).library.to_str()
    content = json.loads(whole)
    deep = "[" * 100_000

    def with_model(**changes):
        return json.dumps({**content, "model": {**content["model"], **changes}})

    return {
        "truncated": (whole[: len(whole) // 2], "not JSON"),
        "empty": ("", "not JSON"),
        "text": ("hello", "not JSON"),
        "bytes": (b"\xff\xfe\x00", "not UTF-8"),
        "list": ("[1, 2]", "it has no 'model'"),
        "config": ('{"model": "textcnn"}', "it has no 'model'"),
        "deep": (deep, "nested too deeply|not JSON"),
        "unknown type": (with_model(type="Evil"), "not a valid"),
        "wrong vocab": (with_model(vocab=[1, 2]), "not a valid"),
        "gap": (with_model(vocab={"[unk]": 0, "a": 2**31}), "without gaps"),
        "no tokens": (with_model(vocab={}), "not a valid|0 tokens"),
        "bad regex": (whole.replace(r"\\p{N}+", "(((", 1), "not a valid"),
    }


@pytest.mark.parametrize("name", list(broken_files()))
def test_a_hostile_file_is_named(tmp_path, name):
    content, message = broken_files()[name]
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as caught:
        Tokenizer.load(path)
    assert str(caught.value).startswith(str(path))


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "tokenizer.json"
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(DataError, match="1,073,741,824 bytes; at most"):
        Tokenizer.load(path)
    with pytest.raises(DataError, match="no such file"):
        Tokenizer.load(tmp_path / "none.json")


def test_random_damage_ends_in_our_errors_only(tmp_path):
    whole, dice = words(TEXTS).library.to_str(), random.Random(3)
    path = tmp_path / "tokenizer.json"
    for _ in range(300):
        place = dice.randrange(len(whole))
        path.write_text(whole[:place] + dice.choice('{}[]",:0a9-') + whole[place + dice.randrange(3) :])
        with contextlib.suppress(UserError):
            Tokenizer.load(path).encode("the cat")


def test_added_special_tokens_of_a_foreign_file_stay_text(tmp_path):
    import tokenizers

    library = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "[unk]": 1}, unk_token="[unk]"))
    library.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    library.add_special_tokens(["[CLS]"])
    assert library.encode("a [CLS]").ids == [0, 2]
    library.save(str(tmp_path / "tokenizer.json"))
    assert Tokenizer.load(tmp_path / "tokenizer.json").encode("a [CLS]") == [0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_encodes_without_hanging_or_a_word():
    code = (
        "import os\n"
        "from lingon.data.tokenizers import words\n"
        "t = words(['the cat'] * 50)\n"
        "a = t.encode_batch(['the cat'] * 50)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if t.encode_batch(['the cat'] * 50) == a else 3)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert 'TOKENIZERS_PARALLELISM' not in os.environ\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_words_of_spaces_are_what_stands_between_white_space_of_unicode():
    """U+001C to U+001F are white space to str.split and not to Unicode: counting and encoding agree on the latter."""
    tokenizer = spaces(["a\x1cb a\x1cb \u2003 c\xa0d ##e"])
    assert list(tokenizer.vocab)[2:] == ["a\x1cb", "##e", "c", "d"]
    assert tokenizer.decode(tokenizer.encode("c a\x1cb ##e d")) == "c a\x1cb ##e d"


def test_the_text_pad_is_no_padding_to_spaces():
    tokenizer = spaces(["a [pad] b [pad] c"])
    assert tokenizer.tokens("a [pad] b") == ["a", "[", "pad]", "b"]
    assert tokenizer.decode(tokenizer.encode("a [pad] b")) == "a [ pad] b"
    assert 0 not in spaces(["a b c"]).encode("a [pad] b")
    assert len(spaces(["a b c"]).encode("a [pad] b")) == 4


FOREIGN = {  # a table of words, one of words in pieces, and one that cuts the likeliest way
    "table": tokenizers.models.WordLevel({"a": 0, "[unk]": 1, "<s>": 2}, unk_token="[unk]"),
    "pieces": tokenizers.models.WordPiece({"a": 0, "[unk]": 1, "<s>": 2}, unk_token="[unk]"),
    "likeliest": tokenizers.models.Unigram([("a", -1.0), ("[unk]", 0.0), ("<s>", 0.0)], 1),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_entries_that_are_special_stay_text_in_foreign_files(kind, tmp_path):
    """A text that begins with <s> by itself keeps that one; the one that was typed is unknown."""
    library = tokenizers.Tokenizer(FOREIGN[kind])
    library.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    library.add_special_tokens(["<s>"])
    library.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 2)])
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path / "tokenizer.json")
    assert tokenizer.encode("a <s> a") == [2, 0, 1, 0]
    assert tokenizer.encode_batch(["a <s> a", "a"]) == [[2, 0, 1, 0], [2, 0]]
    assert tokenizer.tokens("a <s> a") == ["<s>", "a", "[unk]", "a"]


def test_an_entry_that_is_special_is_refused_where_nothing_is_unknown(tmp_path):
    library = tokenizers.Tokenizer(tokenizers.models.BPE({"<": 0, "s": 1, "<s": 2, "a": 3}, [("<", "s")]))
    library.add_special_tokens(["<s"])
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path / "tokenizer.json")
    assert tokenizer.encode("as") == [3, 1]
    for read in (tokenizer.encode, tokenizer.tokens, lambda text: tokenizer.encode_batch([text])):
        with pytest.raises(DataError, match=r"tokenizer.json: a text holds '<s', .* special token"):
            read("a<s")


@pytest.mark.parametrize("kind", [words, spaces, characters, lambda t: bpe(t, 300), lambda t: unigram(t, 300)])
def test_places_are_of_whole_characters(kind):
    """Decomposed text: the accent belongs to its letter. What is covered is the same text, joined to NFC or not."""
    text = "the cafe\u0301 na\u0308ive o\u0323\u0308x \u0939\u093f"
    tokenizer = kind(["the café naïve " + text])
    places = tokenizer.offsets(text)
    assert len(places) == len(tokenizer.encode(text))
    for start, end in places:
        assert unicodedata.category(text[start])[0] != "M"
        assert end == len(text) or unicodedata.category(text[end])[0] != "M"
    if kind in (words, spaces):
        assert [text[a:b] for a, b in places] == text.split(" ")


def test_many_marks_on_one_letter_take_no_square_of_the_time():
    text = "a" + "\u0301" * 200_000
    assert set(characters([text]).offsets(text)) == {(0, len(text))}


def doubling(count):
    return {
        "type": "Sequence",
        "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * count,
    }


def copies(count):
    single = [{"Sequence": {"id": "A", "type_id": 0}}] * 2
    one = {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": {}}
    return {"type": "Sequence", "processors": [one] * count}


HUGE = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100_000}
LETTERS = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
BOMBS = {
    "doubled 30 times": {"normalizer": doubling(30)},
    "in sequences": {"normalizer": {"type": "Sequence", "normalizers": [doubling(3)] * 10}},
    "one to the other": {
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Replace", "pattern": {"String": chr(97 + i)}, "content": chr(98 + i) * 2} for i in range(25)
            ],
        }
    },
    "between any two": {
        "normalizer": {
            "type": "Sequence",
            "normalizers": [{"type": "Replace", "pattern": {"Regex": "b*"}, "content": "aa"}] * 20,
        }
    },
    "one huge": {"normalizer": HUGE},
    "before": {"normalizer": {"type": "Prepend", "prepend": "a" * 10_000_000}},
    "letters of letters": {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [LETTERS] * 30}},
    "read": {"decoder": {"type": "Sequence", "decoders": doubling(30)["normalizers"]}},
    "read, huge": {"decoder": HUGE},
    "read, between any two": {"decoder": {"type": "Sequence", "decoders": [{"type": "BPEDecoder", "suffix": ""}] * 30}},
    "copied": {"post_processor": copies(30)},
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_grow_without_end_is_refused_before_anything_is_encoded(name, tmp_path):
    """Each would end the process, or fill gigabytes, with a text of a few letters."""
    content = json.loads(words(TEXTS).library.to_str()) | BOMBS[name]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    start = time.process_time()
    with pytest.raises(DataError, match=rf"tokenizer.json: its {next(iter(BOMBS[name]))} .*not loaded"):
        Tokenizer.load(tmp_path / "tokenizer.json")
    assert time.process_time() - start < 1


def test_a_long_affix_is_refused(tmp_path):
    content = json.loads(wordpiece(TEXTS, 100).library.to_str())
    content["model"]["continuing_subword_prefix"] = "#" * 1_000_000
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"continuing_subword_prefix.*1,000,000 characters"):
        Tokenizer.load(tmp_path / "tokenizer.json")


SOUND = {
    "Llama": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}],
    "NFKC and its like": [{"type": "NFKC"}, {"type": "Lowercase"}, {"type": "NFKD"}, {"type": "StripAccents"}],
    "fractions": [{"type": "Replace", "pattern": {"String": c}, "content": c * 3 + "x"} for c in "½⅓¼⅕⅙⅛"],
    "spaces": [{"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}] * 9,
    "BERT": [{"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "lowercase": True}],
}


@pytest.mark.parametrize("name", SOUND)
def test_the_steps_of_published_tokenizers_are_read(name, tmp_path):
    content = json.loads(bpe(TEXTS, 300).library.to_str())
    steps = [{"strip_accents": None, **step} if step["type"] == "BertNormalizer" else step for step in SOUND[name]]
    content["normalizer"] = {"type": "Sequence", "normalizers": steps}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert Tokenizer.load(tmp_path / "tokenizer.json").encode("the cat")


def test_a_panic_inside_the_library_is_a_data_error_wherever_a_text_is_read(tmp_path):
    """A split that goes back and back over 5,000 letters ends in a panic, which is no Exception."""
    content = json.loads(bpe(TEXTS, 300).library.to_str())
    split = {"type": "Split", "pattern": {"Regex": "(x+x+)+y"}, "behavior": "Isolated", "invert": False}
    content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, content["pre_tokenizer"]]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    tokenizer, text = Tokenizer.load(tmp_path / "tokenizer.json"), "x" * 5_000
    for read in (tokenizer.encode, tokenizer.tokens, tokenizer.offsets, lambda text: tokenizer.encode_batch([text])):
        with pytest.raises(DataError, match=r"tokenizer.json: it cannot do this"):
            read(text)


def test_a_panic_while_writing_text_is_a_data_error(tmp_path):
    content = json.loads(bpe(TEXTS, 300).library.to_str())
    replace = {"type": "Replace", "pattern": {"Regex": "(x+x+)+y"}, "content": "z"}
    content["decoder"] = {"type": "Sequence", "decoders": [content["decoder"], {"type": "Fuse"}, replace]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    tokenizer = Tokenizer.load(tmp_path / "tokenizer.json")
    ids = bpe(TEXTS, 300).encode("x" * 5_000)
    with pytest.raises(DataError, match="it cannot do this"):
        tokenizer.decode(ids)


THAI = "อาหารร้านนี้ที่บ้านน่าเบื่อในวันนี้"


@pytest.mark.parametrize("kind", [words, spaces, lambda texts: wordpiece(texts, 100)])
def test_a_script_that_is_not_divided_is_told_with_the_way_out(kind):
    with pytest.warns(UserWarning, match=r"^100% of the characters are Thai, .*; try --tokenizer bpe$"):
        kind([THAI] * 5)


@pytest.mark.filterwarnings("error")
def test_scripts_that_are_divided_are_not_told():
    words(["日本語のテキスト。", "a film", "один фильм"])
    words([f"a long English text with one Thai word, {THAI[:3]}, in it"])
    bpe([THAI] * 5, 300)
    with pytest.raises(UserWarning, match="are Chinese or Japanese"):
        spaces(["日本語のテキスト。"])
