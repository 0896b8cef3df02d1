"""Models of SentencePiece: equal to all ways of cutting tried out, and refused in one line when they are broken."""

import itertools
import json
import math
import random
import struct
from dataclasses import replace

import pytest
import tokenizers

from lingon.core.errors import DataError, UserError
from lingon.data.files.protobuf import protobuf_fields
from lingon.data.tokenizers import bpe
from lingon.data.tokenizers.sentencepiece import LONE_MARKS, MARKS, sentencepiece_library
from lingon.data.tokenizers.sentencepiece_model import read_sentencepiece
from lingon.data.tokenizers.sentencepiece_save import sentencepiece_of, write_sentencepiece
from lingon.data.tokenizers.tokenizer import Tokenizer
from tests.data.sentencepiece_files import BYTE, SPECIAL, UNUSED, USER_DEFINED, field, piece, write_model

LETTERS = "▁abcd"
CHARSMAP = struct.pack("<I", 1024) + bytes(1024) + b"\0"  # a table that changes no character
BYTES = [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]


def some_pieces(seed: int, count: int = 30):
    """Random pieces, every letter among them, with scores that no two ways of cutting share."""
    draw = random.Random(seed)
    words = {"".join(draw.choices("abcd", k=draw.randrange(2, 5))) for _ in range(count)}
    words |= {"▁" + word for word in draw.sample(sorted(words), count // 3)}
    texts = [*LETTERS, *sorted(words)]
    return [(text, round(-draw.uniform(1, 9), 3) - 2.0 * (len(text) == 1), 1) for text in texts]


def texts_of(seed: int):
    draw = random.Random(seed)
    return ["".join(draw.choices("abcd ", k=draw.randrange(1, 9))) for _ in range(60)]


def tokenizer_of(path, **more):
    return Tokenizer(sentencepiece_library(read_sentencepiece(path), **more), path)


def cuts(text: str):
    """All ways to cut a text."""
    for marks in itertools.product((False, True), repeat=len(text) - 1):
        ends = [i + 1 for i, cut in enumerate(marks) if cut]
        yield [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


def best_of_all(text: str, scores):
    known = (way for way in cuts(text) if all(part in scores for part in way))
    return max(known, key=lambda way: math.fsum(scores[part] for part in way))


def merged(text: str, scores):
    """Join the two neighbours whose whole has the best score, the first of equals, until no whole is a piece."""
    parts = list(text)
    while True:
        pairs = [(scores[a + b], -i) for i, (a, b) in enumerate(itertools.pairwise(parts)) if a + b in scores]
        if not pairs:
            return parts
        at = -max(pairs)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


def plain_form(text: str) -> str:
    words = " ".join(text.split(" ")).split()
    return "".join("▁" + word for word in words)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [1, 2])
def test_pieces_are_those_of_all_ways_tried(kind, seed, tmp_path):
    pieces = some_pieces(seed)
    tokenizer = tokenizer_of(write_model(tmp_path / "a.spm", pieces, {3: kind}))
    scores = {text: score for text, score, _ in pieces}
    names = [*(name for name, *_ in SPECIAL), *scores]
    for text in texts_of(seed):
        wanted = plain_form(text)
        if wanted:
            wanted = merged(wanted, scores) if kind == 2 else best_of_all(wanted, scores)
        found = [names[i] for i in tokenizer.encode(text)]
        if kind == 1 and len(set(map(tuple, (sorted(found), sorted(wanted))))) == 1:
            wanted = found if "".join(found) == "".join(wanted) else wanted  # the same pieces in another order
        assert found == list(wanted), text
        assert tokenizer.decode(tokenizer.encode(text)) == " ".join(text.split())


def test_spaces_stay_where_the_model_says_so(tmp_path):
    pieces = [(letter, -2.0, 1) for letter in LETTERS] + [("▁▁", -1.0, 1), ("a▁", -1.5, 1)]
    tokenizer = tokenizer_of(write_model(tmp_path / "a.spm", pieces, {}, {3: 0, 4: 0}))
    assert tokenizer.tokens("a  b ") == ["a", "▁▁", "b", "▁"]
    assert tokenizer.decode(tokenizer.encode(" a  b ")) == " a  b "
    prefixed = tokenizer_of(write_model(tmp_path / "b.spm", pieces, {}, {3: 1, 4: 0}))
    assert prefixed.tokens("b") == ["▁", "b"]
    assert prefixed.tokens("") == []


@pytest.mark.parametrize("kind", [1, 2])
def test_what_is_unknown_is_one_token_or_bytes(kind, tmp_path):
    pieces = [(letter, -2.0, 1) for letter in LETTERS]
    plain = tokenizer_of(write_model(tmp_path / "a.spm", pieces, {3: kind}))
    assert plain.tokens("xyz a") == ["▁", "<unk>", "▁", "a"]
    written = tokenizer_of(write_model(tmp_path / "b.spm", [*BYTES, *pieces], {3: kind, 35: 1}))
    assert written.tokens("aé") == ["▁", "a", "<0xC3>", "<0xA9>"]
    assert written.decode(written.encode("aé z")) == "aé z"


@pytest.mark.parametrize("kind", [1, 2])
def test_special_pieces_that_are_typed_stay_text(kind, tmp_path):
    letters = [(letter, -2.0, 1) for letter in "▁</s>0xA"]
    tokenizer = tokenizer_of(write_model(tmp_path / "a.spm", [*BYTES, *letters], {3: kind, 35: 1}))
    assert tokenizer.tokens("</s>") == ["▁", "<", "/", "s", ">"]
    assert tokenizer.tokens("<0x0A>") == ["▁", *"<0x0A>"]


@pytest.mark.parametrize("kind", [1, 2])
def test_ids_can_be_those_of_another_vocabulary(kind, tmp_path):
    """Marian and M2M100 number the pieces of a model as they like: some are no tokens, and some tokens no pieces."""
    path = write_model(tmp_path / "a.spm", [(letter, -2.0, 1) for letter in LETTERS] + [("ab", -1.0, 1)], {3: kind})
    vocab = ["</s>", "c", "▁", "<unk>", "b", "dd", "a", "d", "▁a", "__de__"]
    tokenizer = tokenizer_of(path, vocab=vocab, special=["__de__"])
    assert [vocab[i] for i in tokenizer.encode("a dda")] == ["▁", "a", "▁", "d", "d", "a"]  # "dd" is no piece
    assert [vocab[i] for i in tokenizer.encode("cab")] == ["▁", "c", "<unk>"]  # "ab" is no token
    assert tokenizer.decode([5, 8]) == "dd a"
    tokenizer.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json").for_vocab_size(len(vocab), tmp_path)
    assert again.encode("cab dda") == tokenizer.encode("cab dda")
    with pytest.raises(DataError, match=r"'<unk>' for unknown text is not in the vocabulary"):
        tokenizer_of(path, vocab=["a"])


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        (LONE_MARKS, "o\u0323\u0302", "o\u0323\u0302"),  # a whole letter, its marks in order
        (LONE_MARKS, "ô\u0323", "ô|\u0323"),  # as Vietnamese is typed on Windows
        (LONE_MARKS, "o\u0302\u0323", "o\u0302|\u0323"),
        (LONE_MARKS, "c\u0327\u0301", "c\u0327\u0301"),
        (MARKS, "ｶﾞ", "ｶ|ﾞ"),
        (MARKS, "Y\U0001f3fd", "Y|\U0001f3fd"),
        (MARKS, "Aำ", "A|ำ"),
    ],
)
def test_marks_are_joined_as_sentencepiece_joins_them(pattern, text, wanted):
    """It looks a letter and its marks up as they stand; the library would drop marks, and Unicode reorder them."""
    assert tokenizers.normalizers.Replace(pattern, "|").normalize_str(text) == wanted


BROKEN = [
    (b"", "there are no pieces in it"),
    (b"\x0a\xff", "the file is truncated or broken"),
    (b"\x0a" + b"\xff" * 12, "a number has no end"),
    (b"\x0b", "kind 3, which there is not"),
    (b"\x00\x00", "a field has the number 0"),
    (field(1, 7), "a piece is a number"),
    (piece("<unk>", 0.0, 2) + field(1, field(1, b"\xff")), "not UTF-8 text"),
    (piece("<unk>", 0.0, 2) + piece("a", math.nan), "has score nan"),
    (piece("<unk>", 0.0, 2) + piece("a", 1.0, 9), "and kind 9"),
    (piece("<unk>", 0.0, 2) + piece("", 1.0), "the piece ''"),
    (piece("<unk>", 0.0, 2) + piece("<unk>", 1.0), "a piece occurs twice"),
    (piece("a", 1.0), "exactly one piece must be the unknown piece"),
    (piece("<unk>", 0.0, 2) + piece("a", 1.0, UNUSED), "'a' is marked as unused"),
    (piece("<unk>", 0.0, 2) + piece("a", 1.0, USER_DEFINED), "is user-defined"),
    (piece("<unk>", 0.0, 2) + field(2, field(3, 4)), "a model of the kind 'char'"),
    (piece("<unk>", 0.0, 2) + field(2, field(24, 1)), "spaces end words"),
    (piece("<unk>", 0.0, 2) + field(3, field(5, 0)), "spaces stay spaces"),
    (piece("<unk>", 0.0, 2) + field(2, field(35, 1)), "not all bytes are among the pieces"),
    (piece("<unk>", 0.0, 2) + piece("a", 1.0) + field(3, field(2, b"\xff" * 9)), "do not fit together|not a valid"),
]


@pytest.mark.parametrize(("content", "why"), BROKEN, ids=[why for _, why in BROKEN])
def test_broken_models_are_named(content, why, tmp_path):
    (tmp_path / "a.spm").write_bytes(content)
    with pytest.raises(DataError, match=why) as caught:
        tokenizer_of(tmp_path / "a.spm")
    assert str(caught.value).startswith(f"{tmp_path / 'a.spm'}: ")
    assert "\n" not in str(caught.value)


def test_fields_are_read_in_their_order(tmp_path):
    message = field(3, 300) + field(7, b"xy") + field(2, 1.5) + bytes([1 << 3 | 1]) + bytes(8)
    found = list(protobuf_fields(message, tmp_path))
    assert found == [(3, 300), (7, b"xy"), (2, b"\x00\x00\xc0\x3f"), (1, bytes(8))]


@pytest.mark.parametrize(
    ("first", "trainer", "normalizer"),
    [
        (SPECIAL, {3: 1}, {3: 1, 4: 1}),
        ([("<pad>", 0.0, 3), ("</s>", 0.0, 3), ("<unk>", 0.0, 2)], {3: 1}, {3: 0, 4: 1}),
        ([*SPECIAL, *BYTES], {3: 1, 35: 1}, {3: 1, 4: 0}),
    ],
)
def test_what_a_tokenizer_was_made_of_is_written_again(first, trainer, normalizer, tmp_path):
    pieces = [(text, score, 1) for text, score, _ in some_pieces(1)]
    if normalizer[3]:
        normalizer = {2: CHARSMAP, **normalizer}
    path = write_model(tmp_path / "a.spm", pieces, trainer, normalizer, first=first)
    tokenizer_of(path).save(tmp_path / "tokenizer.json")
    found = sentencepiece_of(
        Tokenizer.load(tmp_path / "tokenizer.json"), [text for text, _, kind in first if kind != BYTE]
    )
    assert replace(found, path=path) == read_sentencepiece(path)
    again = read_sentencepiece(write_sentencepiece(found, tmp_path / "b.spm"))
    assert replace(again, path=path) == read_sentencepiece(path)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("more", [{}, {35: 1}])
def test_a_model_that_merges_is_written_again_by_the_order_of_its_merges(seed, more, tmp_path):
    """Scores are other numbers then, but pieces, their order and what they make of texts are the same."""
    first = [*SPECIAL, *(BYTES if more else [])]
    path = write_model(tmp_path / "a.spm", some_pieces(seed), {3: 2, **more}, {3: 1, 4: seed % 2}, first=first)
    before = tokenizer_of(path)
    before.save(tmp_path / "tokenizer.json")
    found = sentencepiece_of(Tokenizer.load(tmp_path / "tokenizer.json"), ["<unk>", "<s>", "</s>"])
    again = read_sentencepiece(write_sentencepiece(found, tmp_path / "b.spm"))
    read = read_sentencepiece(path)
    assert [(piece.text, piece.kind) for piece in again.pieces] == [(p.text, p.kind) for p in read.pieces]
    assert replace(again, path=path, pieces=read.pieces) == read
    merges = [json.loads(each.library.to_str())["model"]["merges"] for each in (before, tokenizer_of(again.path))]
    assert merges[0] == merges[1]
    scores, random_texts = {piece.text: piece.score for piece in again.pieces}, texts_of(seed)
    for text in random_texts:
        assert tokenizer_of(again.path).tokens(text) == before.tokens(text)
        if seed % 2 and plain_form(text):
            assert before.tokens(text) == merged(plain_form(text), {t: scores[t] for t in scores if t not in SPECIAL})


def test_of_a_vocabulary_beside_it_a_model_that_merges_keeps_its_pieces(tmp_path):
    """A token that is no piece is not made one, and a piece that is no token stays one."""
    pieces = [(letter, -9.0, 1) for letter in LETTERS] + [("ab", -1.0, 1), ("cd", -2.0, 1)]
    path = write_model(tmp_path / "a.spm", pieces, {3: 2})
    vocab = ["</s>", "c", "▁", "<unk>", "b", "dd", "a", "d", "cd", "__de__"]
    before = tokenizer_of(path, vocab=vocab, special=["__de__"])
    found = sentencepiece_of(before, ["<unk>", "<s>", "</s>"])
    assert {piece.text for piece in found.pieces} == {text for text, *_ in [*SPECIAL, *pieces]}
    after = tokenizer_of(write_sentencepiece(found, tmp_path / "b.spm"), vocab=vocab, special=["__de__"])
    for text in ("a dda", "cab", "cdcd ab"):
        assert after.tokens(text) == before.tokens(text)


def test_other_tokenizers_are_not_written_as_such(tmp_path):
    merging = tokenizer_of(write_model(tmp_path / "a.spm", some_pieces(1), {3: 2}))
    content = json.loads(merging.library.to_str())
    content["model"]["merges"] = content["model"]["merges"][::-1][1:]
    other = Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(content)), "other")
    for tokenizer in (other, bpe(["ab abc d"] * 3, 280)):
        with pytest.raises(UserError, match=r"not a SentencePiece model; save it as tokenizer\.json"):
            sentencepiece_of(tokenizer, ["<unk>"])
    own = write_model(tmp_path / "b.spm", [("a", -1.0, 1), ("xy", 0.0, USER_DEFINED)], {}, {3: 0, 4: 0})
    with pytest.raises(UserError, match="the piece 'xy' is user-defined, which cannot be written"):
        sentencepiece_of(tokenizer_of(own), ["<unk>"])


@pytest.mark.long
def test_of_a_thousand_broken_files_each_is_read_or_named(tmp_path):
    """Bytes changed, cut off, put in twice or left out: nothing but a tokenizer or a DataError comes out."""
    draw, path = random.Random(0), tmp_path / "a.spm"
    sound = [
        write_model(path, [*BYTES, *some_pieces(1)], {3: 1, 35: 1}, {2: CHARSMAP, 3: 1}).read_bytes(),
        write_model(path, some_pieces(2), {3: 2}, {3: 1, 4: 1}).read_bytes(),
        write_model(path, some_pieces(3), {3: 1}, {3: 0, 4: 0}).read_bytes(),
    ]
    refused = 0
    for number in range(1_000):
        content = bytearray(sound[number % len(sound)])
        for _ in range(draw.randrange(1, 4)):
            at, size = draw.randrange(len(content)), draw.randrange(1, 9)
            way = draw.randrange(4)
            if way == 0:
                content[at] = draw.randrange(256)
            elif way == 1:
                del content[at : at + size]
            elif way == 2:
                content[at:at] = content[at : at + size]
            elif draw.random() < 0.2:
                del content[at + 1 :]
        path.write_bytes(content)
        try:
            tokenizer_of(path).encode("ab c é")
        except DataError as error:
            refused += str(error).startswith(str(path))
    assert 200 < refused < 1_000
