"""The n-gram classifier: against embedding_bag and dense autograd, and its behaviour from end to end."""

import hashlib
import math
from collections import Counter

import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.data.batches import collate
from lingon.data.hashing import occurrences, sorted_keys
from lingon.engine.sparse_optimizer import RowAdagrad, row_adagrad
from lingon.kernels.feature_sum import sum_rows
from lingon.models.ngram_rows import rows_and_counts
from lingon.models.ngrams import FEW_WORDS, NGrams, buckets_for, learn

VOCAB, CLASSES, BUCKETS = 13, 3, 128
TEXTS = [[2, 3, 5, 7, 3, 5], [11], [], [12, 2, 3]]
TOKENS = [f"token{i}" for i in range(VOCAB)]


def filled(seed: int = 0, **sizes) -> NGrams:
    model = NGrams(VOCAB, CLASSES, buckets=BUCKETS, **sizes)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=random))
    model.idf.uniform_(0.5, 7, generator=random)
    model.idf[::5] = 0  # not seen in training
    model.scale.fill_(1.7)
    return model


def plain(model: NGrams, texts: list[list[int]], table: torch.Tensor) -> torch.Tensor:
    """Logits by embedding_bag over the rows of each text, with the weight of each in Python's numbers."""
    out = []
    for text in texts:
        values = values_by_hand(model, text)
        rows, weights = torch.tensor(list(values), dtype=torch.int64), torch.tensor(list(values.values()))
        total = F.embedding_bag(rows, table, torch.tensor([0]), mode="sum", per_sample_weights=weights.float())[0]
        out.append(1.7 * (total + model.bias))
    return torch.stack(out)


def counts_by_hand(model: NGrams, text: list[int]) -> Counter[int]:
    """How often each row stands in a text; test_hashing.py has where the rows come from."""
    flat, length = torch.tensor(text, dtype=torch.int64), torch.tensor([len(text)])
    return Counter((occurrences(flat, length, model.order, VOCAB, BUCKETS, model._spelling())[0] >> 32).tolist())


def values_by_hand(model: NGrams, text: list[int]) -> dict[int, float]:
    counts = counts_by_hand(model, text)
    values = {row: (1 + math.log(count)) * model.idf[row].item() for row, count in counts.items()}
    norm = math.sqrt(sum(x * x for x in values.values()))
    return {row: x / norm if norm else 0.0 for row, x in values.items()}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("spelled", [False, True])
def test_forward_and_gradient_equal_embedding_bag(order, spelled):
    model = filled(order=order)
    if spelled:
        model.read_characters(TOKENS, 3, 4)
    batch, labels = collate(TEXTS), torch.tensor([0, 2, 1, 2])
    logits = model(batch.ids, batch.mask)
    F.cross_entropy(logits, labels).backward()
    table = model.table.detach().clone().requires_grad_()
    expected = plain(model, TEXTS, table)
    F.cross_entropy(expected, labels).backward()
    torch.testing.assert_close(logits, expected)
    assert model.table.grad.is_sparse
    torch.testing.assert_close(model.table.grad.to_dense(), table.grad)


def test_compiled_and_torch_sums_are_equal():
    model = filled()
    batch = collate(TEXTS)
    flat, lengths = model._flat(batch.ids, batch.mask)
    keys, _ = sorted_keys(flat, lengths, 2, VOCAB, BUCKETS)
    values = torch.rand(len(keys))
    out, grads = [], []
    for kind in (torch.float32, torch.float64):  # only float32 is compiled
        table = model.table.detach().to(kind).requires_grad_()
        out.append(sum_rows(table, keys, values.to(kind), len(TEXTS)))
        out[-1].square().sum().backward()
        grads.append(table.grad)
    torch.testing.assert_close(out[0].double(), out[1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(grads[0].to_dense().double(), grads[1].to_dense(), atol=1e-5, rtol=1e-5)
    assert grads[0]._indices().tolist() == grads[1]._indices().tolist()


def test_padding_changes_nothing():
    model = filled()
    alone = torch.cat([model(*collate([text]).values()) for text in TEXTS])
    ids, mask = collate(TEXTS).values()
    wider = F.pad(ids, (0, 5), value=9), F.pad(mask, (0, 5))
    assert torch.equal(model(ids, mask), alone)
    assert torch.equal(model(*wider), alone)


def test_a_word_said_twice_weighs_more_by_the_logarithm_of_two():
    model = filled(order=1)
    model.idf[:VOCAB] = torch.arange(VOCAB)
    logits = model(*collate([[2, 3, 3]]).values())[0]
    x, y = 2, 3 * (1 + math.log(2))
    expected = 1.7 * (model.bias + (x * model.table[2] + y * model.table[3]) / math.hypot(x, y))
    torch.testing.assert_close(logits, expected)


def test_ngrams_that_training_did_not_see_count_for_nothing():
    model = filled(order=1)
    model.idf[:VOCAB] = 0
    model.idf[3] = 2.3
    some, alone, none, empty = model(*collate([[2, 3, 4, 4], [3], [2, 4], []]).values())
    torch.testing.assert_close(some, 1.7 * (model.bias + model.table[3]))
    torch.testing.assert_close(alone, some)
    assert torch.equal(none, 1.7 * model.bias)
    assert torch.equal(empty, none)


@pytest.mark.parametrize("spelled", [False, True])
def test_idf_is_that_of_scikit_learn(spelled):
    """ln((1 + n) / (1 + n_f)) + 1, as TfidfTransformer has it with smooth_idf; and 0 for what no text has."""
    model = NGrams(VOCAB, CLASSES, buckets=BUCKETS)
    if spelled:
        model.read_characters(TOKENS)
    texts = [*TEXTS, [2, 2, 2], [3, 2]]
    with_it = Counter(row for text in texts for row in counts_by_hand(model, text))
    assert with_it[2] == 4
    batches = [tuple(collate(part).values()) for part in (texts[:3], texts[3:])]
    assert model.learn_idf(batches) is model
    expected = [math.log(7 / (1 + with_it[row])) + 1 if row in with_it else 0.0 for row in range(VOCAB + BUCKETS)]
    torch.testing.assert_close(model.idf, torch.tensor(expected))


def test_values_are_those_of_scikit_learn():
    """TfidfVectorizer with sublinear_tf, its defaults otherwise, on words alone."""
    text = pytest.importorskip("sklearn.feature_extraction.text")
    train, test = [[2, 3, 5, 7, 3, 5], [11], [12, 2, 3], [2, 2, 2]], [[2, 2, 3, 4, 11], [5, 5, 5, 12], [8, 9]]
    model = NGrams(VOCAB, CLASSES, order=1, buckets=BUCKETS)
    model.learn_idf([tuple(collate(train).values())])
    theirs = text.TfidfVectorizer(sublinear_tf=True, analyzer=lambda ids: ids, lowercase=False).fit(train)
    expected = torch.zeros(len(test), VOCAB)
    expected[:, theirs.get_feature_names_out().astype(int)] = torch.from_numpy(theirs.transform(test).toarray()).float()
    rows, values, starts = model.features(*collate(test).values())
    found = torch.zeros(len(test), VOCAB)
    found[torch.repeat_interleave(torch.arange(len(test)), starts.diff()), rows] = values
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("spelled", [False, True])
def test_features_are_the_rows_and_values_of_each_text(spelled):
    model = filled()
    if spelled:
        model.read_characters(TOKENS)
    rows, values, starts = model.features(*collate(TEXTS).values())
    assert starts[0] == 0
    assert starts[-1] == len(rows) == len(values)
    for i, text in enumerate(TEXTS):
        own = slice(starts[i], starts[i + 1])
        found = dict(zip(rows[own].tolist(), values[own].tolist(), strict=True))
        assert found == pytest.approx(values_by_hand(model, text), abs=1e-6)


@pytest.mark.parametrize("spelled", [False, True])
def test_rows_of_are_the_counts_of_each_text(spelled):
    model = filled(order=3)
    if spelled:
        model.read_characters(TOKENS)
    rows, counts = rows_and_counts(model, *collate(TEXTS).values())
    for text, own, often in zip(TEXTS, rows.tolist(), counts.tolist(), strict=True):
        assert {row: n for row, n in zip(own, often, strict=True) if n} == counts_by_hand(model, text)


@pytest.mark.parametrize(("words", "spelled"), [(FEW_WORDS, True), (FEW_WORDS + 1, False)])
def test_characters_are_read_where_there_are_few_words(words, spelled):
    model = NGrams(VOCAB, CLASSES, buckets=BUCKETS)
    mask = torch.arange(FEW_WORDS + 1)[None] < words
    learn(model, TOKENS, [(torch.full_like(mask, 2, dtype=torch.int64), mask)])
    assert (model.characters > 0) == spelled
    assert model.idf[2] == 1  # every text has it
    assert model.idf[3] == 0


@pytest.mark.parametrize("spelled", [False, True])
def test_contributions_add_up_to_the_logits(spelled):
    model = filled(order=3)
    if spelled:
        model.read_characters(TOKENS)
    ids, mask = collate(TEXTS).values()
    parts = model.contributions(ids, mask)
    assert parts.shape == (*ids.shape, CLASSES)
    assert not parts[~mask].any()
    torch.testing.assert_close(parts.sum(1) + model.scale * model.bias, model(ids, mask), atol=1e-5, rtol=1e-5)


def test_a_contribution_is_shared_by_the_words_of_a_bigram():
    model = filled()
    model.idf.fill_(1.3)
    model.table.data[:VOCAB] = 0  # bigrams alone speak
    parts = model.contributions(*collate([[2, 3]]).values())[0]
    assert torch.equal(parts[0], parts[1])
    assert parts.any()


def test_config_and_weights_rebuild_it():
    model = filled(order=3).read_characters(TOKENS)
    again = NGrams(**model.config())
    again.load_state_dict(model.state_dict())
    batch = collate(TEXTS)
    assert torch.equal(again(batch.ids, batch.mask), model(batch.ids, batch.mask))
    assert set(filled().state_dict()) == {"table", "bias", "idf", "scale"}


def test_a_spelling_that_leads_out_of_its_arrays_is_refused():
    model = filled().read_characters(TOKENS)
    state = {**model.state_dict(), "spelling_starts": torch.arange(VOCAB + 1) * 2**40}
    with pytest.raises(UserError, match="spelling_starts"):
        NGrams(**model.config()).load_state_dict(state)


def test_ids_beyond_the_vocabulary_are_refused():
    with pytest.raises(UserError, match=r"13.*0 to 12"):
        filled()(*collate([[2, VOCAB]]).values())


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"vocab_size": 0}, "vocab_size is 0"),
        ({"classes": 0}, "classes is 0"),
        ({"order": 0}, "order is 0"),
        ({"order": 10}, "order is 10"),
        ({"buckets": 100}, "power of two"),
        ({"buckets": 2**40}, "vocab_size [+] buckets"),
        ({"characters": -1}, "characters is -1"),
    ],
)
def test_impossible_sizes_are_refused_by_name(sizes, said):
    with pytest.raises(UserError, match=said):
        NGrams(**{"vocab_size": VOCAB, "classes": CLASSES, "buckets": BUCKETS, **sizes})


def test_buckets_grow_with_the_texts():
    assert [buckets_for(n) for n in (0, 2**12, 2**12 + 1, 2**17, 10**12)] == [2**14, 2**14, 2**15, 2**19, 2**21]
    assert [buckets_for(10**12, classes) for classes in (16, 17, 77)] == [2**21, 2**20, 2**18]
    assert buckets_for(2**12, 77) == 2**14


def train(threads: int, stop: int | None = None, saved=None):
    """Ten steps, or `stop` of them, or those after a saved state; returns model and optimizer."""
    torch.set_num_threads(threads)
    model = NGrams(VOCAB, CLASSES, buckets=BUCKETS)
    optimizer, first = row_adagrad(model, 0.3), 0
    if saved:
        first, weights, state = saved
        model.load_state_dict(weights)
        optimizer.load_state_dict(state)
    random = torch.Generator().manual_seed(1)
    rows = torch.randint(2, VOCAB, (10, 7, 17), generator=random)
    for ids in rows[first:stop]:
        optimizer.zero_grad()
        F.cross_entropy(model(ids, torch.ones_like(ids, dtype=torch.bool)), ids[:, 0] % CLASSES).backward()
        optimizer.step()
    return model, optimizer


def digest(model) -> str:
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()


def test_threads_and_a_stop_in_between_change_no_bit():
    before = torch.get_num_threads()
    try:
        whole, _ = train(1)
        assert digest(train(2)[0]) == digest(whole)
        model, optimizer = train(1, stop=4)
        resumed, _ = train(1, saved=(4, model.state_dict(), optimizer.state_dict()))
        assert digest(resumed) == digest(whole)
    finally:
        torch.set_num_threads(before)


def test_row_adagrad_is_its_formula_for_dense_and_sparse_gradients():
    random = torch.Generator().manual_seed(2)
    start, lr = torch.randn(7, 3, generator=random), 0.5
    expected, sums = start.clone(), torch.zeros(7)
    params = {kind: start.clone().to(kind).requires_grad_() for kind in (torch.float32, torch.float64)}
    dense, twice = start.clone().requires_grad_(), start.clone().requires_grad_()
    optimizer = RowAdagrad([*params.values(), dense, twice], lr)
    for rows in ([1, 4, 5], [0, 4]):
        values = torch.randn(len(rows), 3, generator=random)
        for row, value in zip(rows, values, strict=True):
            sums[row] += (value**2).sum() / 3
            expected[row] -= lr * value / sums[row].sqrt()
        grad = torch.sparse_coo_tensor([rows], values, (7, 3), check_invariants=True)
        for kind, p in params.items():
            p.grad = grad.to(kind)
        dense.grad = grad.to_dense()
        # Half of it at a time and out of order, as accumulation leaves it.
        twice.grad = torch.sparse_coo_tensor(
            [rows[::-1] + rows], torch.cat([values.flip(0), values]) / 2, (7, 3), check_invariants=True
        )
        optimizer.step()
    for p in (*params.values(), dense, twice):
        torch.testing.assert_close(p.detach().float(), expected)


def test_row_adagrad_refuses_an_impossible_rate():
    with pytest.raises(UserError, match="learning rate is -1"):
        row_adagrad(filled(), -1)
