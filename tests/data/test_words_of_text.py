"""A text into words: contractions, marks and addresses by hand, and texts of any characters keep all of them."""

import random
import time

import pytest

from lingon.data.words_of_text import words_of_text

CASES = [
    ("I don't know.", "I do n't know ."),
    ("He can't, won't and shouldn’t!", "He ca n't , wo n't and should n’t !"),
    ("It's John's and they're here; I'd go, we'll see", "It 's John 's and they 're here ; I 'd go , we 'll see"),
    ("cannot gonna gotta wanna gimme", "can not gon na got ta wan na gim me"),
    ("dont cant didnt", "do nt ca nt did nt"),
    ("DON'T SHE'S", "DO N'T SHE 'S"),
    (
        "See https://example.org/a?b=c. Or (www.example.com).",
        "See https://example.org/a?b=c . Or ( www.example.com ) .",
    ),
    ("Mail ann.lee@mail.example.org, or example.com.", "Mail ann.lee@mail.example.org , or example.com ."),
    ("$3.50, 1,000 or 5%; at 10:30am on 9/11", "$ 3.50 , 1,000 or 5 % ; at 10:30 am on 9/11"),
    ("the 1990s, the 3rd, 5pm", "the 1990s , the 3rd , 5 pm"),
    ("Mr. Smith of the U.S. left, e.g. today...", "Mr. Smith of the U.S. left , e.g. today ..."),
    ("a well-known e-mail and/or re-election", "a well - known e-mail and / or re-election"),
    ('"Quoted," she said -- twice?!', '" Quoted , " she said -- twice ?!'),
    ("@ann loves #nlp :) <3 :-(", "@ann loves #nlp :) <3 :-("),
    ("O'Neill met R&D", "O'Neill met R&D"),
    ("Das Mädchen spielt – schön.", "Das Mädchen spielt – schön ."),
    ("un cafe\u0301s, cafe\u0301's", "un cafe\u0301s , cafe\u0301 's"),
    ("हिन्दी में, ปีนี้.", "हिन्दी में , ปีนี้ ."),
    ("می\u200cخواهم Donau\u00addampf.", "می\u200cخواهم Donau\u00addampf ."),
    (
        "a \U0001f469\u200d\U0001f469\u200d\U0001f467\U0001f44d\U0001f3fd\u2764\ufe0fb!",
        "a \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd \u2764\ufe0f b !",
    ),
    ("\u0301a \u0301", "\u0301 a \u0301"),
    ("", ""),
    (" \t\n", ""),
]


@pytest.mark.parametrize(("text", "words"), CASES)
def test_words(text, words):
    assert [word.text for word in words_of_text(text)] == words.split()


def test_words_know_their_characters_and_none_is_lost():
    draw = random.Random(3)
    letters = "aB1 .,'-@#/:&_$%()!?é’n't\u3042\U0001f600\u00a0\n\u0301\u200d\u00ad\u093f"
    for _ in range(300):
        text = "".join(draw.choice(letters) for _ in range(draw.randrange(40)))
        words = words_of_text(text)
        assert all(text[word.start : word.end] == word.text for word in words)
        assert "".join(word.text for word in words) == "".join(text.split())
        assert [word.start for word in words] == sorted(word.start for word in words)


@pytest.mark.parametrize("unit", ["a", "a_", "a.", "-a", "a@", "1.", "A&", "e-", "a'", "www.", "n't"])
def test_time_grows_with_the_length_alone(unit):
    begun = time.process_time()
    words_of_text(unit * (20_000 // len(unit)))
    assert time.process_time() - begun < 2  # twenty times what it takes; what is quadratic takes minutes


@pytest.mark.data
def test_words_are_much_those_of_a_treebank():
    """F1 of the words of EWT's test part, by their characters; sentences without a word that is corrected."""
    from lingon.data.corpora.treebanks import treebank_files
    from lingon.data.files.conllu import read_conllu

    counts = [0, 0, 0]
    for sentence in read_conllu(treebank_files("ud-english-ewt")["test"]):
        true, end = set(), 0
        for word in sentence.words:
            start = sentence.text.find(word, end)
            end = start + len(word)
            true.add((start, end))
        found = {(word.start, word.end) for word in words_of_text(sentence.text)}
        if all(start >= 0 for start, _ in true):
            counts = [n + more for n, more in zip(counts, (len(true), len(found), len(true & found)), strict=True)]
    assert counts[0] > 24_000
    assert 2 * counts[2] / (counts[0] + counts[1]) > 0.984
