"""Nearest vectors: exact against a sort of all products, the inverted file against exact; and k-means."""

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.search import vectors as module
from lingon.search.fusion import reciprocal_rank_fusion
from lingon.search.kmeans import assign, spherical_kmeans
from lingon.search.vectors import InvertedFile, exact, unit_rows


def grouped(count=600, groups=7, width=11, seed=0):
    draw = np.random.default_rng(seed)
    middle = draw.normal(size=(groups, width))
    return unit_rows(middle[draw.integers(0, groups, count)] + 0.2 * draw.normal(size=(count, width)), "x")


def test_exact_is_a_sort_of_all_products():
    unit = grouped()
    for query in unit[:5]:
        products = unit @ query
        expected = sorted(range(len(unit)), key=lambda i: (-products[i], i))
        assert exact(unit, query, 9).rows.tolist() == expected[:9]
        some = np.arange(3, 600, 7)
        assert exact(unit, query, 9, some).rows.tolist() == [i for i in expected if i % 7 == 3][:9]


def test_an_inverted_file_whose_lists_are_all_searched_is_exact():
    pytest.importorskip("faiss", reason="the extra search is not installed")
    unit = grouped()
    index = InvertedFile.build(unit)
    everywhere = InvertedFile(unit, index.means, index.lists, probes=len(index.means))
    for query in unit[:5]:
        found, wanted = everywhere.search(query, 9), exact(unit, query, 9)
        assert found.rows.tolist() == wanted.rows.tolist()
        np.testing.assert_allclose(found.cosines, wanted.cosines, atol=1e-6)


def test_an_inverted_file_finds_nearly_all_and_is_the_same_when_read_again():
    pytest.importorskip("faiss", reason="the extra search is not installed")
    unit = grouped(2000)
    index = InvertedFile.build(unit)
    few = InvertedFile(unit, index.means, index.lists, probes=8)
    again = InvertedFile.of_arrays(index.arrays(), unit, "x")
    hits = 0
    for query in unit[:50]:
        hits += len(set(few.search(query, 10).rows) & set(exact(unit, query, 10).rows))
        assert again.search(query, 10).rows.tolist() == index.search(query, 10).rows.tolist()
    assert hits > 0.8 * 500


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"means": np.zeros((3, 5), np.float32), "lists": np.zeros(20, np.int32)},
        {"means": np.zeros((3, 11), np.float32), "lists": np.zeros(19, np.int32)},
        {"means": np.zeros((3, 11), np.float32), "lists": np.full(20, 3, np.int32)},
        {"means": np.zeros((3, 11), np.float32), "lists": np.full(20, -1, np.int32)},
        {"means": np.full((3, 11), np.nan, np.float32), "lists": np.zeros(20, np.int32)},
        {"means": np.zeros((0, 11), np.float32), "lists": np.zeros(20, np.int32)},
    ],
)
def test_lists_of_a_stranger_are_checked(arrays):
    with pytest.raises(DataError, match="lists-x"):
        InvertedFile.of_arrays(arrays, grouped(20), "lists-x")


def test_without_faiss_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "has_faiss", lambda: False)
    with pytest.raises(UserError, match=r"approximate search needs faiss, which is not installed: .*pip install"):
        InvertedFile.build(grouped(20))


def test_k_means_finds_the_groups_and_never_gets_worse():
    unit = grouped(300, groups=5, seed=1)
    means, group = spherical_kmeans(unit, 5, seed=0)
    np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1, atol=1e-6)
    assert (unit @ means.T).argmax(1).tolist() == group.tolist()
    assert (unit * means[group]).sum(1).mean() > 0.9
    for i in range(5):  # each mean is the direction of the sum of its group
        total = unit[group == i].sum(0)
        assert total @ means[i] / np.linalg.norm(total) > 0.999
    again = spherical_kmeans(unit, 5, seed=0)
    np.testing.assert_array_equal(again[1], group)


def test_k_means_of_few_or_equal_vectors():
    unit = grouped(4)
    means, group = spherical_kmeans(unit, 4)
    assert sorted(group.tolist()) == [0, 1, 2, 3]
    same = np.repeat(unit[:1], 9, 0)
    means, group = spherical_kmeans(same, 3)
    assert np.isfinite(means).all()
    assert assign(same, means)[1] == pytest.approx(1)


def test_vectors_that_are_near_to_nothing():
    with pytest.raises(DataError, match="minilm: a vector holds NaN or infinite numbers"):
        unit_rows(np.array([[1.0, np.nan]]), "minilm")
    np.testing.assert_allclose(unit_rows(np.array([[0.0, 0.0], [3.0, 4.0]]), "x"), [[0, 0], [0.6, 0.8]], atol=1e-7)


def test_fusion_by_hand():
    first, second = np.array([7, 3, 5]), np.array([5, 7])
    rows, scores = reciprocal_rank_fusion([first, second], 10, k=60)
    assert rows.tolist() == [7, 5, 3]
    assert scores.tolist() == pytest.approx([1 / 61 + 1 / 62, 1 / 63 + 1 / 61, 1 / 62])
    assert reciprocal_rank_fusion([], 3)[0].tolist() == []
