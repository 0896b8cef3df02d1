"""The n-gram classifier: against embedding_bag and dense autograd, and its behaviour from end to end."""

import hashlib

import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.data.batches import collate
from lingon.data.hashing import sorted_keys
from lingon.engine.sparse_optimizer import RowAdagrad, row_adagrad
from lingon.kernels.feature_keys import TEXT_BITS
from lingon.kernels.feature_sum import sum_rows
from lingon.models.ngrams import NGrams, buckets_for

VOCAB, CLASSES, BUCKETS = 13, 3, 128
TEXTS = [[2, 3, 5, 7, 3, 5], [11], [], [12, 2, 3]]


def filled(seed: int = 0, **sizes) -> NGrams:
    model = NGrams(VOCAB, CLASSES, buckets=BUCKETS, **sizes)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=random))
    return model


def plain(model: NGrams, texts: list[list[int]], table: torch.Tensor) -> torch.Tensor:
    """Logits by embedding_bag over the set of rows of each text."""
    out = []
    for text in texts:
        ids = torch.tensor(text, dtype=torch.int64)
        keys = sorted_keys(ids, torch.tensor([len(text)]), model.order, VOCAB, BUCKETS, model._spelling())
        rows = keys >> TEXT_BITS
        total = F.embedding_bag(rows, table, torch.tensor([0]), mode="sum")[0]
        out.append(total / max(1, len(rows)) ** 0.5 + model.bias)
    return torch.stack(out)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("spelled", [False, True])
def test_forward_and_gradient_equal_embedding_bag(order, spelled):
    model = filled(order=order)
    if spelled:
        model.read_characters([f"token{i}" for i in range(VOCAB)], 3, 4)
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
    keys, scale = sorted_keys(flat, lengths, 2, VOCAB, BUCKETS), torch.rand(len(TEXTS))
    out, grads = [], []
    for kind in (torch.float32, torch.float64):  # only float32 is compiled
        table = model.table.detach().to(kind).requires_grad_()
        out.append(sum_rows(table, keys, scale.to(kind)))
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


def test_a_word_said_twice_counts_once():
    model = filled(order=1)
    once, twice = (model(*collate([text]).values()) for text in ([2, 3], [2, 3, 3, 2]))
    assert torch.equal(once, twice)


@pytest.mark.parametrize("spelled", [False, True])
def test_contributions_add_up_to_the_logits(spelled):
    model = filled(order=3)
    if spelled:
        model.read_characters([f"token{i}" for i in range(VOCAB)])
    ids, mask = collate(TEXTS).values()
    parts = model.contributions(ids, mask)
    assert parts.shape == (*ids.shape, CLASSES)
    assert not parts[~mask].any()
    torch.testing.assert_close(parts.sum(1) + model.bias, model(ids, mask), atol=1e-5, rtol=1e-5)


def test_a_contribution_is_shared_by_the_words_of_a_bigram():
    model = filled()
    model.table.data[:VOCAB] = 0  # bigrams alone speak
    parts = model.contributions(*collate([[2, 3]]).values())[0]
    assert torch.equal(parts[0], parts[1])
    assert parts.any()


def test_config_and_weights_rebuild_it():
    model = filled(order=3).read_characters([f"token{i}" for i in range(VOCAB)])
    again = NGrams(**model.config())
    again.load_state_dict(model.state_dict())
    batch = collate(TEXTS)
    assert torch.equal(again(batch.ids, batch.mask), model(batch.ids, batch.mask))
    assert set(filled().state_dict()) == {"table", "bias"}


def test_a_spelling_that_leads_out_of_its_arrays_is_refused():
    model = filled().read_characters([f"token{i}" for i in range(VOCAB)])
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
        ({"classes": 1}, "classes is 1"),
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
    assert [buckets_for(n) for n in (0, 2**17, 2**17 + 2, 10**12)] == [2**14, 2**16, 2**17, 2**21]


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
