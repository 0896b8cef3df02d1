"""Tag schemes: every set of spans comes back from its tags in each scheme, and the scheme is told from the tags."""

import itertools

import pytest

from lingon.core.errors import UserError
from lingon.data.tag_schemes import (
    Span,
    are_spans,
    runs_of,
    scheme_named,
    scheme_of,
    spans_of,
    tags_of,
    to_iob2,
)


def every_set_of_spans(length, kinds="ab"):
    """All sets of spans that do not overlap, in a sentence of so many words."""
    if length <= 0:
        yield []
        return
    for rest in every_set_of_spans(length - 1, kinds):
        yield rest
    for size, kind in itertools.product(range(1, length + 1), kinds):
        for rest in every_set_of_spans(length - size, kinds):
            yield [*rest, Span(length - size, length, kind)]


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes"])
def test_spans_come_back_from_their_tags(scheme):
    sets = list(every_set_of_spans(5))
    assert len(sets) == 571  # a(n) = a(n-1) + 2 * sum of a(0..n-1): 1, 3, 11, 41, 153, 571
    for spans in sets:
        tags = tags_of(spans, 5, scheme)
        assert spans_of(tags) == spans
        assert to_iob2(tags, scheme) == (tags_of(spans, 5), [])


def test_tags_by_hand():
    spans = [Span(0, 2, "a"), Span(2, 3, "a"), Span(4, 5, "b")]
    assert tags_of(spans, 6, "iob2") == ("B-a", "I-a", "B-a", "O", "B-b", "O")
    assert tags_of(spans, 6, "iob1") == ("I-a", "I-a", "B-a", "O", "I-b", "O")
    assert tags_of(spans, 6, "bioes") == ("B-a", "E-a", "S-a", "O", "S-b", "O")
    assert tags_of(spans, 6, "io") == ("a", "a", "a", "O", "b", "O")


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        ("B-a I-a O; B-b", "iob2"),
        ("I-a I-a O; I-a B-a", "iob1"),
        ("I-a O", "iob1"),
        ("B-a O", "iob2"),
        ("B-a; O I-a", "iob2"),  # neither: it is read as IOB2 with an I- that does not begin
        ("I-a I-b B-b", "iob1"),
        ("B-a E-a; I-a", "bioes"),
        ("B-a M-a E-a S-a", "bioes"),
        ("B-a L-a U-b", "bioes"),
        ("O O", "iob2"),
        ("B I O", "iob2"),
        ("NOUN O X-a", "none"),
        ("DET NOUN", "none"),
    ],
)
def test_the_scheme_is_told(sentences, scheme):
    assert scheme_of([part.split() for part in sentences.split(";")]) == scheme


def test_what_a_scheme_does_not_allow_is_taken_as_conlleval_takes_it():
    assert to_iob2(["O", "I-a", "I-a", "B-a"], "iob2") == (("O", "B-a", "I-a", "B-a"), [(1, "I-a", "B-a")])
    assert to_iob2(["B-a", "I-b"], "iob2") == (("B-a", "B-b"), [(1, "I-b", "B-b")])
    assert to_iob2(["B-a", "O", "I-b", "E-b"], "bioes")[1] == [(0, "B-a", "S-a"), (2, "I-b", "B-b")]
    assert to_iob2(["B-a", "L-a", "U-a"], "bioes") == (("B-a", "I-a", "B-a"), [])
    assert to_iob2(["B", "I", "O", "I"], "iob2") == (("B", "I", "O", "B"), [(3, "I", "B")])


def test_runs_of_tags_without_prefixes():
    assert runs_of(["O", "PER", "PER", "O", "LOC", "PER"]) == [(1, 3, "PER"), (4, 5, "LOC"), (5, 6, "PER")]
    assert runs_of([]) == []
    assert to_iob2(["PER", "PER", "O"], "io") == (("B-PER", "I-PER", "O"), [])


def test_tags_of_another_scheme_are_refused():
    with pytest.raises(UserError, match=r"tag 'E-a' is not of iob2; .* is the scheme bioes\?"):
        to_iob2(["B-a", "E-a"], "iob2")
    with pytest.raises(UserError, match=r"'NOUN' is not a span tag"):
        to_iob2(["B-a", "NOUN"], "iob2")
    with pytest.raises(UserError, match=r"unknown tag scheme 'boi'; did you mean"):
        scheme_named("boi")
    assert (scheme_named("BIO"), scheme_named("BILOU"), scheme_named("iob1")) == ("iob2", "bioes", "iob1")


def test_spans_that_do_not_fit():
    with pytest.raises(UserError, match=r"spans 0:2 \(a\) and 1:3 \(b\) overlap"):
        tags_of([Span(1, 3, "b"), Span(0, 2, "a")], 3)
    with pytest.raises(UserError, match=r"span 2:4 \(a\) in a sentence of 3 words"):
        tags_of([Span(2, 4, "a")], 3)
    with pytest.raises(UserError, match=r"span 2:2 \(a\)"):
        tags_of([Span(2, 2, "a")], 3)


def test_what_are_tags_of_spans():
    assert are_spans(["O"])
    assert are_spans([])
    assert are_spans(["B-creative-work", "O"])
    assert are_spans(["B", "I"])
    assert not are_spans(["B-a", "PER"])
    assert not are_spans(["B-"])
    assert not are_spans(["O", "E"])
