"""ROUGE by hand, and equal to rouge-score's own words on ASCII."""

import pytest

from lingon.core.errors import UserError
from lingon.metrics.rouge import WordTokenizer, rouge


def test_known_values():
    """Lin 2004, section 3: "police kill the gunman" shares 3 of 4 words and a subsequence of 3; the other one of 2."""
    reference = "police killed the gunman"
    found = rouge(["police kill the gunman"], [reference])
    assert found == pytest.approx({"rouge1": 3 / 4, "rouge2": 1 / 3, "rougeL": 3 / 4})
    assert rouge(["the gunman kill police"], [reference])["rougeL"] == pytest.approx(2 / 4)


def test_f1_of_texts_with_other_lengths_is_averaged():
    """Of 2 words 1 is among 4: precision 1/2, recall 1/4, F1 1/3; the mean with a right one is 2/3."""
    assert rouge(["a x", "same text"], ["a b c d", "same text"])["rouge1"] == pytest.approx((1 / 3 + 1) / 2)


def test_words_are_those_of_rouge_score_on_ascii_and_whole_elsewhere():
    from rouge_score.tokenizers import DefaultTokenizer

    text = "It's the U.S. House_of 21st-century; e-mail, 3.5 % (of) 'em!"
    assert WordTokenizer().tokenize(text) == DefaultTokenizer(use_stemmer=False).tokenize(text)
    assert WordTokenizer().tokenize("Über Straßen, η πόλη") == ["über", "straßen", "η", "πόλη"]
    assert rouge(["η πόλη"], ["η πόλη"])["rouge2"] == 1


def test_other_numbers_of_texts_are_named():
    with pytest.raises(UserError, match="1 text for 2 references"):
        rouge(["a"], ["a", "b"])
    with pytest.raises(UserError, match="no text to score"):
        rouge([], [])
