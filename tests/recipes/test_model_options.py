"""What a model has is passed on to it; what the chosen model or its optimizer does not use is refused by name."""

import pytest
from torch import nn

from lingon.core.errors import UserError
from lingon.models.registry import MODELS, DataStats, ModelEntry, build, get_entry, models_for
from lingon.tasks.classify.settings import Settings, filled
from lingon.tasks.language_model.settings import Settings as TextSettings
from lingon.tasks.model_options import model_options
from lingon.tasks.parse.settings import Settings as ParseSettings
from lingon.tasks.tag.settings import Settings as TagSettings

FACTS = DataStats(vocab_size=307, words=1_000_000)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"dropout": 0.5},
            "--dropout is 0.5, which --model ngrams does not have: leave it out; --set changes order",
        ),
        ({"width": 7}, "--width is 7, which --model ngrams does not have"),
        (
            {"weight_decay": 10.0},
            "--weight-decay is 10.0, which --optimizer dual_coordinate_descent does not have: leave it out, or choose",
        ),
        ({"lr": 0.1}, "--lr is 0.1, which --optimizer dual_.* leave it out, or choose --optimizer row_adagrad"),
        ({"warmup": 0.2}, "--warmup is 0.2, which --optimizer dual_coordinate_descent does not have"),
        ({"model": "bag", "C": 3.0}, "--C is 3.0, which --optimizer adamw does not have"),
        ({"model": "bag", "optimizer": "dual_coordinate_descent"}, "which is for linear models; --model bag is none"),
        ({"model": "bag", "optimizer": "adam", "weight_decay": 0.1}, "--weight-decay is 0.1, which --optimizer adam"),
        ({"optimizer": "adamw"}, "--optimizer is adamw, which takes no sparse gradient, as --model ngrams has; .*row_"),
        ({"model": "bag", "optimizer": "adamm"}, "unknown optimizer 'adamm'; did you mean 'adam'"),
        ({"precision": "bfloat16"}, "--precision is bfloat16, which --model ngrams does not have"),
        ({"freeze": True}, "--freeze keeps pretrained vectors as they are, and there are none; give --vectors"),
        ({"freeze": True, "model": "textcnn"}, "--freeze keeps pretrained vectors as they are, and there are none"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(given, message):
    with pytest.raises(UserError, match=message):
        Settings(**given).checked()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "awd_lstm", "dropout": 0.5}, "--dropout is 0.5, which --model awd_lstm does not have: it drops in"),
        ({"samples": 7}, "--samples is 7, which applies only with --softmax sampled"),
        (
            {"proposal": "unigram", "softmax": "adaptive", "model": "lstm"},
            "--proposal is unigram, which applies only with",
        ),
        ({"softmax": "adaptive", "model": "gpt"}, "--softmax adaptive is for --model lstm, not gpt"),
        ({"fsdp": True, "model": "lstm"}, "--fsdp shards the weights of gpt and decoder; leave it out with --model"),
    ],
)
def test_a_setting_of_a_language_model_that_would_do_nothing_is_refused(given, message):
    with pytest.raises(UserError, match=message):
        TextSettings(**given).checked()


@pytest.mark.parametrize("name", models_for("classifier"))
def test_a_classifier_gets_the_options_it_has(name):
    settings = filled(Settings(model=name).checked(), 20_000)
    options = model_options(settings, FACTS, classes=3)
    assert options.keys() <= set(get_entry(name).options)
    assert build(name, options).config().items() >= options.items()
    assert ("width" in options) == (name not in ("ngrams", "encoder"))  # these have no default of the settings


@pytest.mark.parametrize("name", models_for("causal"))
def test_a_language_model_gets_the_options_it_has(name):
    settings = TextSettings(model=name, width=24, depth=2).checked().filled()
    options = model_options(settings, FACTS)
    assert build(name, options).config().items() >= options.items()
    assert options["width"] == 24
    assert options.get("hidden") == {"lstm": 24, "awd_lstm": 48}.get(name)


def test_hash_buckets_follow_from_the_texts_unless_they_are_given():
    settings = filled(Settings().checked(), 20_000)
    assert model_options(settings, FACTS, classes=3)["buckets"] == 2**21  # four times half a million, as a power of two
    settings = filled(Settings(set=["buckets=64"]).checked(), 20_000)
    assert model_options(settings, FACTS, classes=3)["buckets"] == 64


def test_every_default_is_a_setting():
    """A misspelt default would be passed over."""
    known = {field for of in (Settings, TextSettings, TagSettings, ParseSettings) for field in of.__dataclass_fields__}
    for name in MODELS:
        assert set(get_entry(name).defaults) <= known


def test_a_model_whose_entry_says_nothing_has_settings_all_the_same(monkeypatch):
    monkeypatch.setattr("lingon.tasks.classify.settings.get_entry", lambda name: ModelEntry(nn.Linear))
    found = filled(Settings(model="bag"), 64_000)
    assert (found.batch_size, found.epochs, found.max_length) == (64, 5, 500)
    assert None not in (found.lr, found.vocab, found.max_tokens_per_batch)
