"""Pictures of graphs: whole XML, boxes that do not overlap, arrows that run down, text that stays text."""

import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingon.core.errors import UserError
from lingon.core.graph_layout import Box, layers_of, place_boxes
from lingon.core.graph_picture import KINDS, LARGEST, GraphNode, graph_svg

SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw, largest=13):
    """A number of boxes, and edges that lead from lower to higher numbers of a shuffled order."""
    count = draw(st.integers(0, largest))
    order = draw(st.permutations(range(count)))
    pairs = [(order[a], order[b]) for a, b in combinations(range(count), 2)]
    return count, draw(st.lists(st.sampled_from(pairs), max_size=23)) if pairs else []


@given(graphs(), st.data())
@settings(deadline=None)
def test_boxes_do_not_overlap_and_arrows_run_down(graph, data):
    count, edges = graph
    sizes = data.draw(st.lists(st.tuples(st.floats(7, 211), st.floats(5, 83)), min_size=count, max_size=count))
    places, routes = place_boxes([Box(*size) for size in sizes], edges)
    for a, b in combinations(places, 2):
        assert a.right < b.x or b.right < a.x or a.bottom < b.y or b.bottom < a.y
    assert all(place.x >= 0 and place.y >= 0 for place in places)
    for route in routes:
        heights = [y for _, y in route]
        assert heights == sorted(heights)
        for x, y in route[1:-1]:  # an arrow over several layers passes beside the boxes between
            assert not any(p.x < x < p.right and p.y < y < p.bottom for p in places)


@given(graphs())
@settings(deadline=None)
def test_every_edge_leads_to_a_deeper_layer(graph):
    count, edges = graph
    depth = layers_of(count, edges)
    assert all(depth[a] < depth[b] for a, b in edges)
    assert all(d >= 0 for d in depth)


@given(graphs(5), st.text(), st.text(), st.sampled_from(sorted(KINDS)), st.none() | st.integers(0, 100))
@settings(deadline=None)
def test_any_text_gives_whole_xml_that_is_the_same_every_time(graph, line, title, kind, group):
    count, edges = graph
    nodes = [GraphNode((line, "second"), kind, group)] * count
    picture = graph_svg(nodes, edges, title)
    root = ET.fromstring(picture.encode())
    assert len(root.findall(f".//{SVG}rect")) == count
    assert len(root.findall(f".//{SVG}text")) == 2 * count + bool(title)
    assert graph_svg(nodes, list(reversed(edges)), title) == picture


def test_text_of_a_stranger_stays_text():
    evil = "</text><script>alert('1')</script>\x00\ud800&<!--"
    root = ET.fromstring(graph_svg([GraphNode((evil,), "input")], [], evil).encode())
    assert {element.tag for element in root.iter()} == {f"{SVG}{tag}" for tag in ("svg", "g", "title", "rect", "text")}
    assert root.find(f".//{SVG}g/{SVG}text").text == evil.replace("\x00", "�").replace("\ud800", "�")


def test_text_fits_its_box():
    root = ET.fromstring(graph_svg([GraphNode(("語" * 11, "a"), "op"), GraphNode(("b" * 1000,), "op")], []))
    widths = [float(rect.get("width")) for rect in root.iter(f"{SVG}rect")]
    assert widths[0] > 11 * 2 * 7
    assert widths[1] < 1000
    assert [text.text[-1] for text in root.iter(f"{SVG}text")] == ["語", "a", "…"]


def test_groups_share_a_colour():
    nodes = [
        GraphNode(("a",), "op", 0),
        GraphNode(("b",), "op", 1),
        GraphNode(("c",), "op", 0),
        GraphNode(("d",), "op"),
    ]
    fills = [rect.get("fill") for rect in ET.fromstring(graph_svg(nodes, [])).iter(f"{SVG}rect")]
    assert fills[0] == fills[2]
    assert len(set(fills)) == 3


def test_a_source_stands_right_above_its_reader():
    assert layers_of(5, [(0, 1), (1, 2), (2, 3), (4, 3)]) == [0, 1, 2, 3, 2]


def test_a_chain_of_many_boxes_and_one_that_all_read():
    nodes = [GraphNode((str(i),), "op") for i in range(300)]
    edges = [(i, i + 1) for i in range(299)] + [(0, i) for i in range(2, 300)]
    assert len(ET.fromstring(graph_svg(nodes, edges)).findall(f".//{SVG}rect")) == 300


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (3, [(0, 1), (1, 2), (2, 1)], r"circle.*\[1, 2\]"),
        (2, [(1, 1)], "circle"),
        (2, [(0, 2)], r"edge \(0, 2\) leads to no box; there are 2"),
        (2, [(-1, 0)], "leads to no box"),
        (LARGEST + 1, [], "at most 1000"),
    ],
)
def test_what_is_no_picture_is_refused(nodes, edges, message):
    with pytest.raises(UserError, match=message):
        graph_svg([GraphNode(("x",), "op")] * nodes, edges)


def test_an_unknown_kind_is_refused():
    with pytest.raises(UserError, match="unknown kind of box 'blob'; known: input, constant"):
        graph_svg([GraphNode(("x",), "blob")], [])
