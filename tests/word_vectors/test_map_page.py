"""The map of words: places against another way to find them, words that try to break the page, names with workspace."""

import json
import re

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.word_vectors.map_page import _not_too_near, draw_map, pca, projection
from lingon.word_vectors.queries import WordVectors

HOSTILE = ["</script><script>alert(1)</script>", '"', "\\", "$x_{", "日本", "&amp;", "it's"]


def some(count: int, width: int = 5) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, width)).astype(np.float32)


def data_of(page) -> dict:
    """What the page's script would read."""
    text = page.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


def test_pca_is_what_the_singular_vectors_say():
    table = some(41) * np.array([7, 1, 5, 1, 1], np.float32)
    centred = table - table.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    found = pca(table)
    np.testing.assert_allclose(np.abs(found), np.abs(u[:, :2] * s[:2]), rtol=1e-3, atol=1e-4)
    assert (found.max(0) >= -found.min(0)).all()
    assert pca(some(7, 1)).shape == (7, 2)  # there is no second direction


def test_the_page_holds_all_words_whatever_is_in_them(tmp_path):
    page = tmp_path / "m.html"
    assert draw_map(WordVectors(HOSTILE, some(7)), HOSTILE, page, "pca") == "pca"
    data = data_of(page)
    assert data["words"] == HOSTILE
    assert (min(data["x"]), max(data["x"]), min(data["y"]), max(data["y"])) == (0, 1, 0, 1)
    assert [len(near) for near in data["near"]] == [6] * 7
    assert all(i not in near for i, near in enumerate(data["near"]))
    assert "http" not in page.read_text(encoding="utf-8").replace("http-equiv", "")


def test_neighbours_are_those_with_the_largest_cosine(tmp_path):
    words, table = [f"w{i}" for i in range(11)], some(11)
    draw_map(WordVectors(words, table), words, tmp_path / "m.html", "pca")
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    for i, near in enumerate(data_of(tmp_path / "m.html")["near"]):
        order = [j for j in np.argsort(-(unit @ unit[i])).tolist() if j != i]
        assert near == order[:6]


def test_a_picture_of_hostile_words(tmp_path):
    draw_map(WordVectors(HOSTILE, some(7)), HOSTILE, tmp_path / "m.png", "pca")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_names_have_room_and_the_first_come_first():
    places, words = np.random.default_rng(1).random((307, 2)), [f"word{i}" for i in range(307)]
    chosen = _not_too_near(places, words)
    assert chosen[0] == 0
    assert 20 < len(chosen) < 307
    for i in chosen:
        for j in chosen:
            apart = np.abs(places[i] - places[j])
            assert i == j or apart[0] > 5 * 0.0054 or apart[1] > 0.5 * 0.0144


def test_what_cannot_be_drawn(tmp_path):
    vectors = WordVectors(["a", "b", "c"], some(3))
    with pytest.raises(UserError, match="a map of 2 words; expected 3 to"):
        draw_map(vectors, ["a", "b", "b"], tmp_path / "m.html")
    with pytest.raises(UserError, match="unknown projection 'umap'"):
        projection("umap", 3)
    assert projection(None, 3) == "pca"  # too few for t-SNE
    assert list(tmp_path.iterdir()) == []
