"""Pictures of trees: well-formed, an arc for each word, over what is under it, and no text is obeyed."""

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from lingon.core.errors import UserError
from lingon.pages.tree_picture import tree_svg

WORDS = ["Really", ",", "I", "have", "no", "idea", "what", "you", "'re", "talking", "about", "."]
HEADS = [4, 1, 4, 0, 6, 4, 10, 10, 10, 4, 7, 4]  # what ... about crosses have ... talking
RELATIONS = ["advmod", "punct", "nsubj", "root", "det", "obj", "obl", "nsubj", "aux", "ccomp", "case", "punct"]


def arcs_of(svg):
    """Left end, right end and height of every arc but the root's, from the lines of the picture."""
    found = []
    for start, top, high, end in re.findall(r'd="M([\d.]+) ([\d.]+)V([\d.]+)Q[^H]*H[\d.]+Q([\d.]+)', svg):
        found.append((min(float(start), float(end)), max(float(start), float(end)), float(top) - float(high)))
    return found


def test_each_word_has_an_arc_and_those_inside_are_lower():
    svg = tree_svg(WORDS, HEADS, RELATIONS)
    root = ElementTree.fromstring(svg)
    texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(texts) == sorted(WORDS + RELATIONS)
    arcs = arcs_of(svg)
    assert len(arcs) == len(WORDS) - 1
    for one, other in combinations(arcs, 2):
        for (a, b, inner), (left, right, outer) in ((one, other), (other, one)):
            if left < a and b < right:
                assert inner < outer
    ends = [end for left, right, _ in arcs for end in (left, right)]
    assert len(set(ends)) == len(ends)  # no two arcs share an end


def test_relations_have_room_and_words_do_not_touch():
    svg = tree_svg(["a", "b", "c"], [2, 0, 2], ["a-very-long-relation", "root", "x"])
    (left, right, _) = max(arcs_of(svg), key=lambda arc: arc[1] - arc[0])
    assert right - left > 20 * 11.5 * 0.5
    middles = [float(x) for x in re.findall(r'<text x="([\d.]+)"', tree_svg(["wide" * 9, "b"], [2, 0], ["x", "root"]))]
    assert middles[1] - middles[0] > 36 * 15 * 0.5 / 2


def test_text_is_not_obeyed_and_what_is_wrong_is_red():
    svg = tree_svg(["<script>", "\x1b[31m"], [2, 0], ["a&b", "root"], wrong=[0])
    ElementTree.fromstring(svg)
    assert "<script>" not in svg
    assert "\x1b" not in svg
    assert svg.count('stroke="#dc2626"') == 1
    assert tree_svg([], [], []).startswith("<svg")
    with pytest.raises(UserError, match="a sentence of 301 words is too long for a picture"):
        tree_svg(["a"] * 301, [0] + [1] * 300, ["x"] * 301)
