"""What every text classifier keeps to. A new model joins with one row, and its twin in plain loops."""

import json

import jaxtyping
import pytest
import torch
import torch.nn.functional as F

from lingon.core.tensors import load_tensors, save_tensors
from lingon.data.batches import collate
from lingon.models.registry import build
from tests.models import plain

VOCAB, CLASSES = 61, 3
SIZES = {  # a size of its own for everything, each a prime
    "bag": {"width": 7},
    "textcnn": {"width": 7, "kernels": [2, 3, 5], "channels": 11},
    "textcnn, multichannel": {"width": 7, "kernels": [2, 5], "channels": 11, "multichannel": True},
    "bilstm": {"width": 7, "hidden": 5, "depth": 1},
    "bilstm, deep": {"width": 7, "hidden": 5, "depth": 2},
    "self_attentive": {"width": 7, "hidden": 5, "attention": 11, "hops": 2},
    "ngrams": {"order": 3, "buckets": 64},
}
TWINS = {"bag": plain.bag, "textcnn": plain.textcnn, "bilstm": plain.bilstm, "self_attentive": plain.self_attentive}
TEXTS = [[5, 17, 59, 5, 2, 31, 8], [3], [44, 7, 44, 7, 44, 60, 1, 1, 12, 9, 30], [], [13, 29]]
LABELS = [0, 2, 1, 1, 2]

every = pytest.mark.parametrize("name", SIZES)
neural = pytest.mark.parametrize("name", [name for name in SIZES if name != "ngrams"])


def kind_of(name):
    return name.split(",")[0]


def made(name, seed=0):
    """The model of that row, with weights large enough for a difference to show."""
    torch.manual_seed(seed)
    model = build(kind_of(name), {"vocab_size": VOCAB, "classes": CLASSES, **SIZES[name]})
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.5)
    for embedding in (getattr(model, "embedding", None), getattr(model, "frozen", None)):
        if embedding is not None:
            embedding.weight.data[0] = 0
    return model


def logits_of(model, texts):
    batch = collate(texts)
    with torch.no_grad():
        return model.eval()(batch.ids, batch.mask)


def loss_of(model, batch):
    loss = F.cross_entropy(model(batch.ids, batch.mask), batch.labels)
    return loss + model.penalty() if hasattr(model, "penalty") else loss


@every
def test_one_row_of_logits_per_text(name):
    assert logits_of(made(name), TEXTS).shape == (len(TEXTS), CLASSES)


@every
def test_every_parameter_gets_a_finite_gradient(name):
    model, batch = made(name), collate(TEXTS, LABELS)
    loss_of(model.eval(), batch).backward()
    for key, p in model.named_parameters():
        if p.requires_grad:
            gradient = p.grad.to_dense() if p.grad.is_sparse else p.grad
            assert gradient.isfinite().all(), key
            assert gradient.abs().sum() > 0, key
        else:
            assert p.grad is None, key


@every
@pytest.mark.parametrize("more", [1, 2, 13])
def test_padding_changes_nothing(name, more):
    model, batch = made(name).eval(), collate(TEXTS)
    ids, mask = F.pad(batch.ids, (0, more)), F.pad(batch.mask, (0, more))
    with torch.no_grad():
        torch.testing.assert_close(model(ids, mask), model(batch.ids, batch.mask), rtol=1e-5, atol=1e-6)


@every
def test_company_changes_nothing(name):
    model = made(name)
    alone = torch.cat([logits_of(model, [text]) for text in TEXTS])
    torch.testing.assert_close(logits_of(model, TEXTS), alone, rtol=1e-5, atol=1e-6)


@every
@pytest.mark.parametrize("padding", [0, 23, None])
def test_padding_of_any_id_changes_nothing(name, padding):
    """Rows of padding are filled with the tokenizer's id, that of a token (3) where it has none."""
    torch.manual_seed(0)
    options = {"vocab_size": VOCAB, "classes": CLASSES, **SIZES[name]}
    if name != "ngrams":
        options["padding_idx"] = -1 if padding is None else padding
    model = build(kind_of(name), options).eval()
    if name == "ngrams":
        torch.nn.init.normal_(model.table.data)
    batch = collate(TEXTS, pad=3 if padding is None else padding)
    with torch.no_grad():
        alone = torch.cat([logits_of(model, [text]) for text in TEXTS])
        torch.testing.assert_close(model(batch.ids, batch.mask), alone, rtol=1e-5, atol=1e-6)
    for embedding in (getattr(model, "embedding", None), getattr(model, "frozen", None)):
        if embedding is not None:
            zero = [row for row in range(VOCAB) if not embedding.weight[row].any()]
            assert zero == ([] if padding is None else [padding])


@neural
def test_padding_changes_no_gradient(name):
    def gradients(pad):
        model, batch = made(name).eval(), collate(TEXTS, LABELS)
        F.cross_entropy(model(F.pad(batch.ids, (0, pad)), F.pad(batch.mask, (0, pad))), batch.labels).backward()
        return {key: p.grad for key, p in model.named_parameters() if p.requires_grad}

    torch.testing.assert_close(gradients(7), gradients(0), rtol=1e-4, atol=1e-6)


@every
def test_an_empty_text_has_finite_logits(name):
    assert logits_of(made(name), [[]]).isfinite().all()
    model, batch = made(name), collate([[], []], [0, 1])
    loss_of(model.train(), batch).backward()
    assert all(p.grad is None or p.grad.is_sparse or p.grad.isfinite().all() for p in model.parameters())


@neural
def test_the_row_of_padding_stays_zero(name):
    model, batch = made(name), collate(TEXTS, LABELS)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss_of(model, batch).backward()
        optimizer.step()
    assert not model.embedding.weight[0].any()


@neural
def test_the_same_as_one_text_at_a_time_in_plain_loops(name):
    model = made(name)
    expected = torch.stack([TWINS[kind_of(name)](model, text) for text in TEXTS])
    torch.testing.assert_close(logits_of(model, TEXTS), expected, rtol=1e-5, atol=1e-6)


@neural
def test_the_same_gradients_as_in_plain_loops(name):
    model = made(name).eval()
    batch = collate(TEXTS, LABELS)
    parameters = {key: p for key, p in model.named_parameters() if p.requires_grad}
    ours = torch.autograd.grad(F.cross_entropy(model(batch.ids, batch.mask), batch.labels), parameters.values())
    twin = torch.stack([TWINS[kind_of(name)](model, text) for text in TEXTS])
    theirs = torch.autograd.grad(F.cross_entropy(twin, batch.labels), parameters.values())
    for key, a, b in zip(parameters, ours, theirs, strict=True):
        if "embedding" in key:  # a plain loop has no row of padding to spare
            a, b = a[1:], b[1:]
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6, msg=lambda text, key=key: f"{key}: {text}")


@every
def test_config_rebuilds_it_and_saved_equals_loaded(name, tmp_path):
    model = made(name)
    config = json.loads(json.dumps(model.config()))
    again = build(kind_of(name), config)
    save_tensors(tmp_path / "weights", model.state_dict())
    again.load_state_dict(load_tensors(tmp_path / "weights", expect=again.state_dict()))
    assert again.config() == config
    assert torch.equal(logits_of(again, TEXTS), logits_of(model, TEXTS))


@every
def test_config_holds_every_argument(name):
    sizes = {"vocab_size": VOCAB, "classes": CLASSES, **SIZES[name]}
    assert sizes.items() <= made(name).config().items()


@neural
def test_twenty_steps_fit_one_batch(name):
    torch.manual_seed(1)
    model = build(kind_of(name), {"vocab_size": VOCAB, "classes": CLASSES, **SIZES[name]}).eval()
    batch = collate(TEXTS, LABELS)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.1)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = loss_of(model, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    found = logits_of(model, TEXTS).argmax(1)
    full = [i for i, text in enumerate(TEXTS) if text]  # what is empty has nothing to be told apart by
    assert found[full].tolist() == [LABELS[i] for i in full]


@neural
def test_the_same_seed_gives_the_same_weights(name):
    assert all(torch.equal(a, b) for a, b in zip(made(name).parameters(), made(name).parameters(), strict=True))


@neural
def test_dropout_only_in_training(name):
    model, batch = made(name).train(), collate(TEXTS)
    assert not torch.equal(model(batch.ids, batch.mask), model(batch.ids, batch.mask))
    assert torch.equal(logits_of(model, TEXTS), logits_of(model, TEXTS))


@neural
def test_bfloat16_is_near(name):
    model, batch = made(name).eval(), collate(TEXTS, LABELS)
    exact = model(batch.ids, batch.mask)
    with torch.autocast("cpu", torch.bfloat16):
        near = model(batch.ids, batch.mask)
        F.cross_entropy(near.float(), batch.labels).backward()
    torch.testing.assert_close(near.float(), exact, rtol=0.1, atol=0.2)
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.fixture
def unchecked_shapes():
    """What checks the shapes in tests cannot be compiled itself."""
    jaxtyping.config.update("jaxtyping_disable", True)
    torch._dynamo.reset()
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.long
@neural
def test_compiled_equals_eager(name, unchecked_shapes):
    model, batch = made(name).eval(), collate(TEXTS, LABELS)

    def outcome(run):
        model.zero_grad()
        logits = run(batch.ids, batch.mask)
        F.cross_entropy(logits, batch.labels).backward()
        with torch.no_grad():
            plainly = run(batch.ids, batch.mask)
        return [logits.detach(), plainly, *(p.grad.clone() for p in model.parameters() if p.grad is not None)]

    torch.testing.assert_close(outcome(torch.compile(model)), outcome(model), rtol=1e-4, atol=1e-6)
