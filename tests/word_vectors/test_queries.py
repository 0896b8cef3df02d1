"""Questions to word vectors, held against loops over all pairs, exhaustive counts and arithmetic by hand."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from lingon.core.errors import DataError, UserError
from lingon.data.corpora.questions import Analogy, Pair, load_questions
from lingon.layers.embedding import Embedding
from lingon.metrics.correlation import ranks, spearman
from lingon.word_vectors.queries import (
    WordVectors,
    align,
    analogy,
    best_answers,
    evaluate_analogies,
    evaluate_pairs,
    nearest,
    odd_one_out,
    self_similarity,
    similarity,
    unknown_word,
    weat,
    zero_vector,
)
from lingon.word_vectors.queries.align import rotation
from lingon.word_vectors.queries.analogies import cos_add, cos_mul
from lingon.word_vectors.queries.nearest import top


def some(count: int, width: int, seed: int = 0) -> WordVectors:
    table = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    return WordVectors([f"w{i}" for i in range(count)], table)


def cosine(a, b) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def test_a_mapping_with_a_rule_for_missing_words():
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    plain = WordVectors(["a", "b", "<unk>"], table)
    assert (len(plain), list(plain), "b" in plain, "c" in plain, 7 in plain) == (
        3,
        ["a", "b", "<unk>"],
        True,
        False,
        False,
    )
    assert dict(plain.items())["b"].tolist() == [2, 3]
    with pytest.raises(KeyError, match="'c' is not among the 3 words"):
        plain["c"]
    assert plain.get("c") is None
    assert WordVectors(plain.words, table, zero_vector)["c"].tolist() == [0, 0]
    assert WordVectors(plain.words, table, unknown_word("<unk>"))["c"].tolist() == [4, 5]
    with pytest.raises(UserError, match="2 words for a table of"):
        WordVectors(["a", "b"], table)
    with pytest.raises(UserError, match="did you mean 'alpha'"):
        WordVectors(["alpha"], table[:1]).of(["alpa"])


@pytest.mark.parametrize("make", [lambda: nn.Embedding(4, 3, padding_idx=0), lambda: Embedding(4, 3)])
def test_vectors_attach_to_any_embedding(make):
    table = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    layer = make()
    before = layer.weight.detach().clone()
    share = WordVectors(["sun", "[pad]"], table).load_pretrained(layer, ["[pad]", "moon", "sun", "mars"], freeze=True)
    assert share == 1 / 4
    assert layer.weight[2].tolist() == [1, 2, 3]
    assert torch.equal(layer.weight[[0, 1, 3]], before[[0, 1, 3]])
    assert not layer.weight.requires_grad
    WordVectors(["sun"], table[:1], zero_vector).load_pretrained(layer, ["[pad]", "moon", "sun", "mars"])
    assert layer.weight[[1, 3]].abs().sum() == 0
    assert layer.weight.requires_grad
    with pytest.raises(UserError, match=r"an embedding of \[4, 3\]; expected \[2, 3\]"):
        WordVectors(["sun"], table[:1]).load_pretrained(layer, ["a", "b"])


@pytest.mark.parametrize(("count", "k"), [(37, 5), (9001, 7), (3, 5)])
def test_the_nearest_are_those_of_a_full_sort(count, k):
    vectors = some(count, 11)
    asked = [f"w{i}" for i in (0, 2, count - 1)]
    unit = vectors.table / np.linalg.norm(vectors.table, axis=1, keepdims=True)
    for word, found in zip(asked, nearest(vectors, asked, k), strict=True):
        cosines = unit @ unit[vectors.row(word)]
        order = [i for i in np.argsort(-cosines, kind="stable") if vectors.words[i] != word][:k]
        assert [w for w, _ in found] == [vectors.words[i] for i in order]
        np.testing.assert_allclose([x for _, x in found], cosines[order], atol=1e-6)


def test_filters_batches_vectors_and_equal_words():
    vectors = some(31, 5)
    odd = nearest(vectors, ["w4"], 3, keep=lambda w: int(w[1:]) % 2 == 1)[0]
    every = nearest(vectors, ["w4"], 31)[0]
    assert [w for w, _ in odd] == [w for w, _ in every if int(w[1:]) % 2][:3]
    assert [w for w, _ in nearest(vectors, ["w30"], 31, most_frequent=7)[0]] == [
        w for w, _ in nearest(vectors, ["w30"], 31)[0] if int(w[1:]) < 7
    ]
    assert nearest(vectors, [vectors["w3"]], 1)[0][0][0] == "w3"
    same = WordVectors(["a", "b", "c", "d"], np.ones((4, 3), np.float32))
    assert [w for w, _ in nearest(same, ["c"], 3)[0]] == ["a", "b", "d"]
    assert nearest(vectors, [], 3) == []
    many = nearest(vectors, [f"w{i % 31}" for i in range(300)], 2)
    assert [w for w, _ in many[299]] == [w for w, _ in nearest(vectors, [f"w{299 % 31}"], 2)[0]]
    with pytest.raises(UserError, match="none of 7 words is kept"):
        nearest(vectors, ["w4"], 3, keep=lambda w: w == "w8", most_frequent=7)
    with pytest.raises(UserError, match="the 0 nearest"):
        nearest(vectors, ["w1"], 0)
    with pytest.raises(UserError, match=r"shape \[4\]; expected \[5\]"):
        nearest(vectors, [np.zeros(4)], 1)
    with pytest.raises(DataError, match="the vector of 'a' holds NaN"):
        nearest(WordVectors(["b", "a"], np.array([[1.0], [np.nan]], np.float32)), ["b"], 1)


@pytest.mark.parametrize("count", [53, 4111])
def test_equal_products_come_in_the_order_of_their_rows(count):
    same = WordVectors([f"w{i}" for i in range(count)], np.ones((count, 3), np.float32))
    expected = [f"w{i}" for i in (0, 1, 2, 3, 4, 6, 8)]
    assert [w for w, _ in nearest(same, ["w5"], 5)[0]] == expected[:5]
    for method in ("add", "mul"):
        assert [w for w, _ in analogy(same, "w5", "w7", "w5", 7, method)] == expected
    # Whole numbers, most of them several times, are exact in any order of summing.
    table = np.random.default_rng(0).integers(-2, 3, (count, 3)).astype(np.float32)
    for k in (1, 7, 52):
        scores, rows = top(table[:11], table, k, [[i] for i in range(11)])
        for i in range(11):
            products = (table @ table[i]).tolist()
            order = sorted((row for row in range(count) if row != i), key=lambda row: -products[row])[:k]
            assert rows[i].tolist() == order
            assert scores[i].tolist() == [products[row] for row in order]


def test_top_with_all_left_out():
    scores, rows = top(np.ones((1, 3), np.float32), np.eye(3, dtype=np.float32), 2, [[0, 1, 2]])
    assert rows.tolist() == [[-1, -1]]
    assert np.isneginf(scores).all()


@pytest.mark.parametrize(("method", "name"), [(cos_add, "add"), (cos_mul, "mul")])
def test_analogies_are_those_of_a_loop_over_all_words(method, name):
    vectors = some(53, 7)
    questions = np.random.default_rng(1).integers(0, 53, (600, 3))
    found = best_answers(vectors.unit, questions, method)
    for i in range(0, 600, 41):
        a, b, c = questions[i].tolist()

        def score(d, a=a, b=b, c=c):
            near_a, near_b, near_c = (cosine(vectors.table[d].tolist(), vectors.table[x].tolist()) for x in (a, b, c))
            if name == "add":
                return near_b - near_a + near_c
            return (near_b + 1) / 2 * (near_c + 1) / 2 / ((near_a + 1) / 2 + 1e-3)

        best = max((d for d in range(53) if d not in (a, b, c)), key=score)
        assert found[i] == best
        word, value = analogy(vectors, f"w{a}", f"w{b}", f"w{c}", 1, name)[0]
        assert word == f"w{best}"
        assert math.isclose(value, score(best), abs_tol=1e-5)


def test_less_than_one_answer_or_word_is_refused():
    vectors = some(7, 3)
    for method, k in (("add", 0), ("mul", -2)):
        with pytest.raises(UserError, match=f"the {k} best answers: expected 1 or more"):
            analogy(vectors, "w1", "w2", "w3", k, method)
    for few in (0, -5):
        with pytest.raises(UserError, match=f"the {few} most frequent words: expected 1 or more"):
            evaluate_analogies(vectors, [Analogy("all", "w1", "w2", "w3", "w4")], most_frequent=few)


def test_analogies_over_several_blocks_of_words():
    vectors = some(5003, 3)
    questions = np.array([[5000, 2, 2500], [1, 4999, 3], [7, 7, 7]])
    truth = (
        vectors.unit @ (vectors.unit[questions[:, 1]] - vectors.unit[questions[:, 0]] + vectors.unit[questions[:, 2]]).T
    )
    for i, row in enumerate(questions):
        truth[row, i] = -np.inf
    assert best_answers(vectors.unit, questions).tolist() == truth.argmax(0).tolist()


def test_likeness_and_the_odd_one_out():
    vectors = WordVectors(["a", "b", "c"], np.array([[3, 4], [4, 3], [-5, 0]], np.float32))
    assert math.isclose(similarity(vectors, "a", "b"), 24 / 25, rel_tol=1e-6)
    found = odd_one_out(vectors, ["a", "b", "c"])
    assert [word for word, _ in found] == ["c", "b", "a"]
    assert math.isclose(found[0][1], (-0.6 - 0.8) / 2, rel_tol=1e-6)
    with pytest.raises(UserError, match="2 words; the odd one out needs three"):
        odd_one_out(vectors, ["a", "b"])
    for wrong in (np.nan, np.inf):
        broken = WordVectors(["a", "b", "c"], np.array([[1, 2], [wrong, 1], [3, 5]], np.float32))
        with pytest.raises(DataError, match="the vector of 'b' holds NaN"):
            similarity(broken, "a", "b")
        with pytest.raises(DataError, match="the vector of 'b' holds NaN"):
            odd_one_out(broken, ["a", "b", "c"])


def test_ranks_and_spearman_by_hand():
    assert ranks([5, 1, 5, 2]).tolist() == [3.5, 1, 3.5, 2]
    # Without ties rho = 1 - 6 sum d^2 / (n (n^2 - 1)): here d = 1, -1, 0, 1, -1.
    found = spearman([1, 2, 3, 4, 5], [2, 1, 3, 5, 4])
    assert math.isclose(found.rho, 1 - 6 * 4 / (5 * 24))
    assert found.low < found.rho < found.high
    error = math.sqrt((1 + found.rho**2 / 2) / 2)
    assert math.isclose(math.atanh(found.high) - math.atanh(found.rho), 1.959963984540054 * error)
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]).rho)
    with pytest.raises(UserError, match="3 and 2 values"):
        spearman([1, 2, 3], [1, 2])


def test_the_interval_holds_the_truth_as_often_as_it_says():
    draw, inside = np.random.default_rng(0), 0
    truth = 6 / math.pi * math.asin(0.6 / 2)  # Spearman's rho of normal numbers with correlation .6
    for _ in range(400):
        pairs = draw.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 60)
        _, low, high = spearman(pairs[:, 0].tolist(), pairs[:, 1].tolist())
        inside += low <= truth <= high
    assert 0.92 <= inside / 400 <= 0.98


def test_pairs_and_analogies_say_what_could_be_asked():
    vectors = WordVectors(["a", "b", "c", "d", "e"], np.eye(5, dtype=np.float32) + 0.1)
    found = evaluate_pairs(vectors, [Pair("a", "A", 9), Pair("A", "b", 1), Pair("a", "zzz", 5)])
    assert (found["asked"], found["of"], round(found["spearman"], 9)) == (2, 3, 1.0)
    square = WordVectors(["man", "woman", "king", "queen"], np.array([[1, 0], [1, 1], [3, 0], [3, 3]], np.float32))
    questions = [Analogy("royal", "man", "woman", "King", "Queen"), Analogy("other", "man", "king", "nobody", "queen")]
    found = evaluate_analogies(square, questions)
    assert (found["accuracy"], found["accuracy_of_all"], found["asked"]) == (1.0, 0.5, 1)
    assert found["categories"] == {"royal": {"accuracy": 1.0, "asked": 1}}
    assert math.isnan(evaluate_analogies(square, questions, most_frequent=2)["accuracy"])


def test_alignment_finds_a_turn_and_keeps_cosines():
    first = some(41, 5)
    turn, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((5, 5)))
    second = WordVectors(first.words[::-1], (first.table @ turn).astype(np.float32)[::-1])
    np.testing.assert_allclose(rotation(first.table, first.table @ turn), turn, atol=1e-6)
    turned = align(first, second)
    np.testing.assert_allclose(turned.of(first.words), second.of(first.words), atol=1e-5)
    assert all(x > 1 - 1e-5 for _, x in self_similarity(turned, second))
    assert math.isclose(similarity(turned, "w1", "w2"), similarity(first, "w1", "w2"), abs_tol=1e-5)
    with pytest.raises(UserError, match="no word in common"):
        align(first, WordVectors(["x"], np.ones((1, 5), np.float32)))
    with pytest.raises(UserError, match="width 5 and 3"):
        align(first, some(4, 3))


def test_weat_is_the_count_over_all_divisions():
    vectors = some(14, 3, seed=3)
    X, Y, A, B = ([f"w{i}" for i in part] for part in (range(4), range(4, 8), range(8, 11), range(11, 14)))

    def lean(w):
        near = [[cosine(vectors[w].tolist(), vectors[o].tolist()) for o in side] for side in (A, B)]
        return sum(near[0]) / 3 - sum(near[1]) / 3

    values = {w: lean(w) for w in X + Y}
    statistic = lambda part: sum(values[w] for w in part) - sum(values[w] for w in X + Y if w not in part)
    larger = [statistic(part) >= statistic(X) - 1e-9 for part in itertools.combinations(X + Y, 4)]
    found = weat(vectors, X, [*Y, "gone"], A, B)
    assert math.isclose(found.p, sum(larger) / 70, rel_tol=1e-9)
    assert (found.exact, found.divisions, found.missing) == (True, 70, ["gone"])
    numbers = list(values.values())
    mean = sum(numbers) / 8
    deviation = math.sqrt(sum((x - mean) ** 2 for x in numbers) / 7)
    assert math.isclose(found.effect, (sum(numbers[:4]) - sum(numbers[4:])) / 4 / deviation, rel_tol=1e-5)
    with pytest.raises(UserError, match="set A: 1 word with a vector, expected 2"):
        weat(vectors, X, Y, ["w8", "gone"], B)
    with pytest.raises(UserError, match="w1: in both target sets"):
        weat(vectors, X, [*Y, "w1"], A, B)


def test_weat_of_large_sets_is_drawn_and_never_zero():
    vectors = some(40, 5, seed=5)
    sets = [[f"w{i}" for i in range(begin, begin + 13)] for begin in (0, 13)]
    found = weat(vectors, *sets, ["w26", "w27"], ["w28", "w29"])
    assert not found.exact
    assert 0 < found.p < 1
    assert found == weat(vectors, *sets, ["w26", "w27"], ["w28", "w29"])


@pytest.mark.data
def test_glove_reaches_the_known_values():
    vectors = WordVectors.open("glove-6b-50d")
    for name, truth, count in (("wordsim-353", 0.503, 353), ("simlex-999", 0.265, 999)):
        found = evaluate_pairs(vectors, load_questions(name))
        assert round(found["spearman"], 3) == truth
        assert (found["asked"], found["of"]) == (count, count)


@pytest.mark.data
def test_the_analogies_are_all_there_and_glove_knows_queens():
    found = load_questions("google-analogies")
    assert (len(found), len({q.category for q in found})) == (19544, 14)
    vectors = WordVectors.open("glove-6b-50d")
    assert analogy(vectors, "man", "king", "woman", 1)[0][0] == "queen"
    assert (
        weat(
            vectors,
            "john paul mike kevin steve greg jeff bill".split(),  # noqa: SIM905
            "amy joan lisa sarah diana kate ann donna".split(),  # noqa: SIM905
            "executive management professional corporation salary office business career".split(),  # noqa: SIM905
            "home parents children family cousins marriage wedding relatives".split(),  # noqa: SIM905
        ).effect
        > 1
    )


def test_questions_of_your_own(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text(": royal\nman king woman queen\n")
    assert load_questions(file) == [Analogy("royal", "man", "king", "woman", "queen")]
    file.write_text("word1,word2,score\nsun, moon, 3.5\n")
    assert load_questions(file) == [Pair("sun", "moon", 3.5)]
    file.write_text("sun,moon,3\nsun,mars,much\n")
    with pytest.raises(DataError, match=r"mine\.txt:2: .* expected two words and a number"):
        load_questions(file)
    with pytest.raises(UserError, match="did you mean 'simlex-999'"):
        load_questions("simlex-99")
