"""Pretraining of encoders: windows, both objectives, what is filled in, and that others start from what is saved."""

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.cli.app import app
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.data.batches import Batch
from lingon.data.tokenizers import wordpiece
from lingon.layers.losses import IGNORED
from lingon.models.masked_encoder import MaskedEncoder
from lingon.models.registry import build
from lingon.tasks.embed import Embedder
from lingon.tasks.masked_language_model import MaskedLanguageModel
from lingon.tasks.masked_language_model.objective import MaskedObjective, ReplacedObjective, masked_loss, replaced_loss
from lingon.tasks.masked_language_model.special_ids import with_mask, without_template
from lingon.tasks.masked_language_model.token_windows import TokenWindows

SENTENCE = "the dog saw the cat and the cat heard the old dog again .\n"
SMALL = {"width": 12, "depth": 1, "context_length": 16, "batch_size": 8, "vocab": 60, "set": ["heads=2"]}


def task():
    torch.manual_seed(0)
    tokenizer = with_mask(wordpiece([SENTENCE], 60))
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 12, "heads": 3, "context_length": 32, "dropout": 0.0}
    return MaskedLanguageModel(MaskedEncoder(build("bert", sizes)).eval(), tokenizer)


def test_windows_stand_between_special_tokens_and_cover_the_text():
    column = TokenWindows(np.arange(10, 33), 7, before=1, after=2)
    assert len(column) == 4
    ids = column.collate(np.arange(4))["ids"]
    assert ids.tolist() == [[1, *range(10 + 5 * i, 15 + 5 * i), 2] for i in range(4)]
    assert TokenWindows(np.arange(3), 7, 1, 2).collate(np.array([0]))["ids"].tolist() == [[1, 0, 1, 2, 2]]
    assert column.checksum() != TokenWindows(np.arange(11, 34), 7, 1, 2).checksum()
    with pytest.raises(UserError, match="the context length is 2, which the special tokens fill"):
        TokenWindows(np.arange(3), 2, 1, 2)


def test_the_loss_is_the_cross_entropy_of_the_hidden_tokens():
    one = task()
    objective = MaskedObjective(one.model, one.masking(0.3))
    ids = torch.tensor([one.tokenizer.encode("the dog saw the old cat again .")] * 5)
    torch.manual_seed(4)
    found = masked_loss(objective, Batch({"ids": ids}))
    torch.manual_seed(4)
    masked = one.masking(0.3)(ids)
    logits = one.model(masked.ids, torch.ones_like(ids, dtype=torch.bool))
    wanted = F.cross_entropy(logits.flatten(0, 1), masked.targets.flatten(), ignore_index=IGNORED, reduction="sum")
    torch.testing.assert_close(found.total, wanted)
    assert found.count == int((masked.targets != IGNORED).sum())


def test_the_loss_of_replaced_tokens_is_that_of_the_paper():
    one = task()
    sizes = {"vocab_size": len(one.tokenizer.vocab), "width": 6, "heads": 3, "context_length": 32, "dropout": 0.0}
    objective = ReplacedObjective(MaskedEncoder(build("bert", sizes)), one.encoder, one.masking(0.3), weight=7.0).eval()
    ids = torch.tensor([one.tokenizer.encode("the dog saw the old cat again .")] * 50)
    torch.manual_seed(4)
    found = replaced_loss(objective, Batch({"ids": ids}))
    torch.manual_seed(4)
    masked = one.masking(0.3)(ids)
    which = masked.targets != IGNORED
    logits = objective.generator(masked.ids, torch.ones_like(ids, dtype=torch.bool))[which]
    generator = F.cross_entropy(logits, ids[which], reduction="sum")
    shown = objective.replaced(ids, masked.targets, objective.generator.states(
        objective.generator.encoder(masked.ids, torch.ones_like(ids, dtype=torch.bool))[which]
    ))  # fmt: skip
    assert torch.equal(shown[~which], ids[~which])
    drawn = shown[which].bincount(minlength=logits.shape[1]) / int(which.sum())
    expected = logits.softmax(-1).mean(0)
    assert (drawn - expected).abs().max() < 5 * math.sqrt(0.25 / int(which.sum()))  # drawn from the generator
    real = ~one.special.special[ids]
    detector = F.binary_cross_entropy_with_logits(objective.judged(shown)[real], (shown != ids)[real].float())
    assert found.total.item() == pytest.approx((generator + 7.0 * detector * int(which.sum())).item(), rel=1e-4)
    assert found.logs["detector_loss"] / found.count == pytest.approx(detector.item(), rel=1e-4)
    assert not any(p.grad is not None for p in objective.parameters())
    found.total.backward()
    assert objective.encoder.embedding.weight.grad is not None


def test_what_is_filled_in_is_the_likeliest_token_of_a_plain_forward():
    one = task()
    (found,) = one.predict(["the [MASK] saw the cat"])
    ids = one.tokenizer.encode("the dog saw the cat")
    ids[2] = one.special.mask
    logits = one.model(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.bool))[0, 2]
    shares = logits.detach().masked_fill(one.special.special, -math.inf).softmax(-1)
    assert found.token == one.tokenizer.library.id_to_token(int(shares.argmax()))
    assert found.probability == pytest.approx(float(shares.max()), abs=1e-5)
    assert found.filled == f"the {found.token.removeprefix('##')} saw the cat"
    assert list(found.row()) == ["text", "filled", "token", "probability"]
    with pytest.raises(UserError, match=r"the text has no \[MASK\] whose token could be said: 'the dog'"):
        one.predict(["the dog"])


def test_running_text_has_no_special_tokens_and_what_is_typed_is_text():
    one = task()
    bare = without_template(one.tokenizer)
    assert bare.encode("the dog") == one.tokenizer.encode("the dog")[1:-1]
    assert one.special.mask not in one.tokenizer.encode("the [MASK]")


def test_a_tokenizer_without_a_mask_is_refused():
    tokenizer = wordpiece([SENTENCE], 60)
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 12, "heads": 3}
    with pytest.raises(UserError, match=r"the tokenizer has no \[MASK\]"):
        MaskedLanguageModel(MaskedEncoder(build("bert", sizes)), tokenizer)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "a.txt"
    path.write_text(SENTENCE * 120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINGON_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield str(path)


@pytest.fixture(scope="module")
def trained(text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "mlm"
    lingon.train("masked-language-model", text, out=str(folder), settings={**SMALL, "steps": 60, "lr": 0.01})
    return folder


def test_an_encoder_is_pretrained_and_falls_below_the_unigram_entropy(trained, capsys):
    facts = read_json(trained / "run.json")
    assert facts["test"]["loss"] < facts["unigram_entropy"]
    one = lingon.load(trained)
    assert isinstance(one, MaskedLanguageModel)
    app(["predict", str(trained), "the dog saw the [MASK]"], standalone_mode=False)
    assert capsys.readouterr().out.rstrip("\n") == str(one.predict(["the dog saw the [MASK]"])[0])


def test_what_is_saved_is_an_encoder_that_others_start_from(trained, text, tmp_path):
    embedder = lingon.load(trained / "encoder")
    assert isinstance(embedder, Embedder)
    ours, again = lingon.load(trained).encoder.state_dict(), embedder.model.state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in ours.items())
    assert embedder.tokenizer.encode("the dog") == lingon.load(trained).tokenizer.encode("the dog")
    table = tmp_path / "mine.csv"
    rows = [f"the {a} {i} saw,{b}\n" for i in range(20) for a, b in (("dog", "x"), ("cat", "y"))]
    table.write_text("text,label\n" + "".join(rows))
    for i, source in enumerate((trained, trained / "encoder")):
        out, how = str(tmp_path / f"c{i}"), {"steps": 2, "evals": 1}
        found = lingon.train("classify", str(table), from_=str(source), out=out, settings=how)
        assert found.labels == ["x", "y"]


def test_pretraining_goes_on_from_weights(trained, text, tmp_path):
    for i, source in enumerate((trained, trained / "encoder")):
        out = str(tmp_path / f"more{i}")
        how = {"steps": 30, "evals": 1, "lr": 0.005}
        lingon.train("masked-language-model", text, from_=str(source), out=out, settings=how)
        loss = read_json(tmp_path / f"more{i}/run.json")["test"]["loss"]
        if not i:  # the other has a fresh head
            assert loss < read_json(trained / "run.json")["test"]["loss"]
    with pytest.raises(UserError, match="--vocab is 99, but --from"):
        lingon.train("masked-language-model", text, from_=str(trained), out=str(tmp_path / "x"), settings={"vocab": 99})


def test_replaced_tokens_are_learned_and_the_encoder_is_kept(text, tmp_path):
    how = {**SMALL, "steps": 60, "objective": "rtd", "lr": 0.01, "evals": 2}
    found = lingon.train("masked-language-model", text, out=str(tmp_path / "run"), settings=how)
    assert isinstance(found, Embedder)
    facts = read_json(tmp_path / "run/run.json")
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert {"generator_loss", "detector_loss", "detector_accuracy"} <= rows[0].keys()
    assert facts["test"]["loss"] < rows[0]["detector_loss"]
    assert isinstance(lingon.load(tmp_path / "run/encoder"), Embedder)


WRONG = {
    "a rate": ({"mlm_probability": 1.0}, "--mlm-probability is 1.0; expected a fraction between 0 and 1"),
    "an objective": ({"objective": "clm"}, "unknown objective 'clm'"),
    "a model": ({"model": "static"}, "unknown model 'static'"),
    "a tuning": ({"tuning": "lora"}, "--tuning is lora, which applies only with --from"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused(name, text, tmp_path):
    given, message = WRONG[name]
    more = {name: given[name] for name in given.keys() & {"model"}}
    settings = {name: value for name, value in given.items() if name not in more}
    with pytest.raises(UserError, match=message):
        lingon.train("masked-language-model", text, out=str(tmp_path / "x"), settings=settings, **more)
