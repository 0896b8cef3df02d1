"""lingon generate with numbers, prompts, grammars and bundles that cannot be: one line, exit code 2, no text."""

import json
import math

import pytest
import torch

from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.huggingface.save import save_hub
from lingon.checkpoints.load import load
from lingon.cli.app import main
from lingon.cli.errors import error_line
from lingon.core.errors import UserError
from lingon.core.tensors import load_tensors, save_tensors
from lingon.data.tokenizers import bpe, characters
from lingon.decoding.beam_params import BeamParams, length_penalty
from lingon.decoding.sampling_params import SamplingParams
from lingon.models.bag_of_vectors import BagOfVectors
from lingon.models.decoder import decoder
from lingon.models.gpt import GPT
from lingon.models.lstm import LSTM
from lingon.tasks.classify import Classifier
from lingon.tasks.language_model import LanguageModel

TEXTS = ["the cat sat on the mat. the dog sat on the cat.", "a dog ran; a cat ran."] * 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A bundle of a model that has learned nothing: it is for what comes before."""
    torch.manual_seed(0)
    tokenizer = bpe(TEXTS, 300)
    model = GPT(len(tokenizer.vocab), 20, 1, 2, context_length=32).eval()
    return save_bundle(LanguageModel(model, tokenizer), "gpt", tmp_path_factory.mktemp("g") / "toy", {})


@pytest.fixture
def said(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as stopped:
            main(["generate", *map(str, words)])
        out, err = capsys.readouterr()
        return stopped.value.code, out, err

    return run


HUGE = 10**5000  # more digits than Python writes
OF_PYTHON = {
    "temperature": [-HUGE, HUGE, 10**400],
    "top_k": [-HUGE],
    "top_p": [HUGE],
    "min_p": [HUGE],
    "typical_p": [HUGE],
    "repetition_penalty": [HUGE, -HUGE],
    "no_repeat_ngram_size": [-HUGE],
    "max_new_tokens": [HUGE, -HUGE, 10**10],
    "seed": [HUGE, -HUGE, 2**64],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, i) for name, values in OF_PYTHON.items() for i in range(len(values))]
)
def test_a_number_of_too_many_digits_is_named_in_python(name, value):
    with pytest.raises(UserError, match=f"{name} is .*, expected") as found:
        SamplingParams(**{name: OF_PYTHON[name][value]})
    assert len(str(found.value)) < 200


def test_a_search_of_huge_numbers_is_refused_by_name():
    for name in ("beams", "max_new_tokens", "beam_groups", "length_penalty", "diversity_penalty", "n"):
        for value in (HUGE, -HUGE):
            with pytest.raises(UserError, match="over 40 digits"):
                BeamParams(**{"beams": 4, "max_new_tokens": 5, name: value})
    assert length_penalty(10**9, 50.0) == math.inf
    with pytest.raises(UserError, match="logit_bias of token 3 is a number of over 40 digits"):
        SamplingParams(logit_bias={3: HUGE})


@pytest.mark.parametrize(
    "flag", ["--seed", "--max-new-tokens", "--top-k", "--beams", "--n", "--no-repeat-ngram-size", "--top-p"]
)
@pytest.mark.parametrize("value", ["1" * 5000, "-" + "1" * 5000, "1e5000"])
def test_thousands_of_digits_end_in_one_line(said, folder, flag, value):
    code, out, err = said(folder, f"{flag}={value}", "--prompt", "the")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert flag in err or flag[2:].replace("-", "_") in err


def test_greedy_is_among_what_a_temperature_may_be(said, folder):
    """The message once said "over 0" of what the help calls greedy."""
    _, _, err = said(folder, "--temperature=-1", "--prompt", "the")
    assert err == "lingon: temperature is -1.0, expected 0 (greedy) or a number from 1e-12 to 1e12\n"
    assert said(folder, "--temperature=0", "--prompt", "the", "--max-new-tokens", 2)[0] == 0


NUMBERS = {
    "temperature": ["1e-320", "1e-40", "1e300", "-0.5", "nan", "inf", "-inf"],
    "top_k": ["0", "-3"],
    "top_p": ["0", "2", "-0.1", "nan", "inf"],
    "min_p": ["-1", "1.5", "nan", "inf"],
    "typical_p": ["0", "-1", "1.1", "nan", "inf"],
    "repetition_penalty": ["1e300", "1e-320", "0", "-2", "nan", "inf"],
    "no_repeat_ngram_size": ["0", "-1"],
    "max_new_tokens": ["0", "-7"],
}
PAIRS = [(name, value) for name, values in NUMBERS.items() for value in values]


@pytest.mark.parametrize(("name", "value"), PAIRS)
def test_a_number_that_cannot_be_is_named_with_its_value(said, folder, name, value):
    code, out, err = said(folder, f"--{name.replace('_', '-')}={value}", "--prompt", "the")
    number = int(value) if name in ("top_k", "no_repeat_ngram_size", "max_new_tokens") else float(value)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{name} is {number}, expected" in err
    with pytest.raises(UserError, match=f"{name} is .*, expected"):
        load(folder).generate("the", **{name: number})


@pytest.mark.parametrize("option", ["--beams", "--length-penalty", "--diversity-penalty", "--beam-groups"])
@pytest.mark.parametrize("value", ["0", "-1", "nan"])
def test_a_search_that_cannot_be_is_refused(said, folder, option, value):
    more = {"--beams": [], "--diversity-penalty": ["--beams=4", "--beam-groups=2"]}.get(option, ["--beams=4"])
    code, out, err = said(folder, *more, f"{option}={value}", "--max-new-tokens=3")
    # No penalty, and one for long texts.
    if (value, option) in (("0", "--length-penalty"), ("0", "--diversity-penalty"), ("-1", "--length-penalty")):
        assert code == 0
    else:
        assert (code, out, err.count("\n")) == (2, "", 1)


WORDS = {
    ("--stop", ""): "a stop string is empty; it would end every text at once",
    ("--logit-bias", "zebra=1"): "'zebra' is not a single token of this model",
    ("--logit-bias", " cat=nan"): "nan, expected a number, or -inf to forbid the token",
    ("--logit-bias", " cat=inf"): "inf, expected a number, or -inf to forbid the token",
    ("--prompt", "the cat " * 40): "tokens, the model sees 32 at most; shorten the prompt",
    ("--regex", r"[^\s\S]"): "the grammar allows no text at all; loosen it",
    ("--regex", "a{400}"): "tokens, 100 are allowed",
    ("--regex", "(a"): "character 2: a ( without its )",
    ("--regex", "(a" * 2000): "groups inside each other",
    ("--contrastive", "nan"): "is nan, expected a number from 0 to 1",
    ("--contrastive", "0.5", "--top-k", "0"): "among 0 candidate tokens, expected 1 or more",
    ("--draft-model", "nowhere"): "there is no folder 'nowhere'",
    ("--json-schema", "nowhere.json"): "nowhere.json",
    ("--beams", str(10**9)): "--beams is 1000000000, expected 65,536 beams at most",
    ("--beams", "0"): "--beams is 0, expected a whole number, 1 or more",
    ("--beams", "4", "--length-penalty", "nan"): "--length-penalty is nan, expected a number from -50 to 50",
    ("--beams", "4", "--length-penalty", "1e308"): "--length-penalty is 1e+308, expected",
    ("--beams", "4", "--beam-groups", "2", "--diversity-penalty", "1e300"): "--diversity-penalty is 1e+300, expected",
    ("--logit-bias", " cat=1e300"): "--logit-bias ' cat=1e300': logit_bias of token",
    ("--logit-bias", " cat=-1e39"): "-1e+39, expected a number, or -inf to forbid the token; from -1e12 to 1e12",
    ("--seed", "one"): "Invalid value for '--seed'",
}


@pytest.mark.parametrize("words", WORDS)
def test_words_that_cannot_be_end_in_one_line(said, folder, words):
    code, out, err = said(folder, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert WORDS[words] in err


def test_a_schema_of_nothing_is_refused(said, folder, tmp_path):
    for number, (schema, message) in enumerate(
        {
            '{"enum": []}': "expected a non-empty list",
            '{"type": "integer", "minimum": 3, "maximum": 2}': "which nothing can be",
            "{": "schema",
            "[]": "expected an object",
            "false": "expected an object",
        }.items()
    ):
        file = tmp_path / f"schema{number}.json"
        file.write_text(schema)
        code, out, err = said(folder, "--json-schema", file)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err


def test_ids_that_the_model_has_not_are_named(folder):
    model = load(folder)
    size = model.model.embedding.num_embeddings
    with pytest.raises(UserError, match=f"logit_bias is given for token {size}; the largest id is {size - 1}"):
        model.generate("the", logit_bias={size: 1.0})
    with pytest.raises(UserError, match="the logits processors leave no token to sample"):
        model.generate("the", logit_bias=dict.fromkeys(range(size), -math.inf))


def test_an_empty_prompt_is_the_start_of_a_document(said, folder):
    code, out, err = said(folder, "--prompt", "", "--max-new-tokens", 5, "--json")
    assert (code, err) == (0, "")
    assert out == said(folder, "--max-new-tokens", 5, "--json")[1]
    assert json.loads(out)["text"] == load(folder).generate("", SamplingParams(5))
    model = load(folder)
    with pytest.raises(UserError, match="the prompt is empty, and this model has no token to begin with"):
        LanguageModel(model.model, model.tokenizer, eos_ids=()).generate("")


def test_a_beam_wider_than_the_vocabulary_fills_as_the_texts_grow(said, folder):
    code, out, err = said(folder, "--beams", 700, "--max-new-tokens", 2, "--prompt", "the")
    assert (code, err) == (0, "")
    best = said(folder, "--beams", 3000, "--max-new-tokens", 2, "--prompt", "the")[1]
    assert out == best  # 700 beams hold every first token, so that two tokens are searched in full


def test_a_classifier_writes_nothing(said, tmp_path):
    tokenizer = bpe(TEXTS, 300)
    task = Classifier(BagOfVectors(len(tokenizer.vocab), 2, 5), tokenizer, ["no", "yes"], 20)
    code, out, err = said(save_bundle(task, "bag", tmp_path / "c", {}), "--prompt", "a")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is a classifier, which writes nothing; try: lingon predict" in err


def test_a_tokenizer_that_does_not_fit_is_refused(said, folder, tmp_path):
    model = load(folder)
    bundle = save_bundle(model, "gpt", tmp_path / "b", {})
    characters(TEXTS).save(bundle / "tokenizer.json")
    code, out, err = said(bundle, "--prompt", "a")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"tokens, the model was made for {model.model.embedding.num_embeddings}" in err
    with pytest.raises(UserError, match="they do not belong"):
        LanguageModel(GPT(7, 20, 1, 2), model.tokenizer)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_no_numbers_are_refused(said, folder, tmp_path, value):
    bundle = save_bundle(load(folder), "gpt", tmp_path / "b", {})
    tensors = load_tensors(bundle / "model.safetensors")
    name = next(name for name, tensor in tensors.items() if tensor.dim() == 2)
    tensors[name][1, 1] = value
    save_tensors(bundle / "model.safetensors", tensors)
    code, out, err = said(bundle, "--prompt", "the")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert name in err
    assert "NaN or infinite" in err


def test_missing_files_are_named(said, folder, tmp_path):
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        bundle = save_bundle(load(folder), "gpt", tmp_path / "b", {})
        (bundle / name).unlink()
        code, out, err = said(bundle, "--prompt", "the")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert name in err


def test_a_sampled_text_goes_on_past_the_context_and_a_contrastive_one_ends_there(said, folder):
    """The cache never holds more than the 32 tokens of the context, however many are asked for."""
    flags = ("--logit-bias", "[pad]=-inf", "--prompt", "the")
    room = 32 - len(load(folder).encode("the"))
    with pytest.warns(UserWarning, match="the context of 32 tokens is full: from here on"):
        code, out, _ = said(folder, *flags, "--max-new-tokens", 50, "--json")
    assert (code, len(json.loads(out)["tokens"])) == (0, 50)
    assert said(folder, *flags, "--max-new-tokens", room)[2] == ""

    many = ("--contrastive", 0.5, "--max-new-tokens", 10**9)
    code, out, err = said(folder, *flags, *many, "--json")
    assert (code, len(json.loads(out)["tokens"])) == (0, room)
    wanted = (
        f"ended where the context of 32 tokens is full, {room} tokens after the prompt; --max-new-tokens 1,000,000,000"
    )
    assert err.startswith(f"lingon: the text {wanted} asked for more: only sampling goes past the context; shorten")
    several = said(folder, *flags, *many, "--prompt", "a")[2]
    assert several.startswith("lingon: 2 of 2 texts ended where the context of 32 tokens is full")
    assert several.count("\n") == err.count("\n") == 1


def test_a_cache_without_memory_is_told_in_one_line(said, folder, monkeypatch):
    """The allocation is torch's own, of more bytes than any machine has."""
    with pytest.raises(RuntimeError) as found:
        torch.empty(2**58)
    assert error_line(found.value)[0].startswith(
        "not enough memory; lower --batch-size, --max-tokens-per-batch, --beams"
    )
    monkeypatch.setattr(GPT, "new_state", lambda self, batch, device: torch.empty(2**58))
    code, out, err = said(folder, "--prompt", "the")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "not enough memory" in err


def test_a_shard_that_is_missing_is_named(said, folder, tmp_path):
    model = load(folder)
    hub = save_hub(
        decoder(len(model.tokenizer.vocab), 24, 2, 3, 1, 32), tmp_path / "hub", model.tokenizer, shard=20_000
    )
    shard = max(hub.glob("model-*.safetensors"))
    assert said(hub, "--prompt", "the", "--max-new-tokens", 3)[0] == 0
    shard.unlink()
    code, out, err = said(hub, "--prompt", "the")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert shard.name in err


def test_the_largest_numbers_together_are_not_blamed_on_the_weights(said, folder):
    more = ["--repetition-penalty=1e12", "--temperature=1e-12", "--prompt", "the cat", "--max-new-tokens", 3]
    for value in ("1e12", "-1e12"):
        assert said(folder, "--logit-bias", f" cat={value}", *more)[0] == 0


@pytest.mark.parametrize("target", ["lstm", "gpt"])
def test_a_draft_with_a_recurrent_model_is_refused_before_anything_is_written(said, folder, tmp_path, target):
    tokenizer = load(folder).tokenizer
    lstm = save_bundle(LanguageModel(LSTM(len(tokenizer.vocab), 8, 8, 1), tokenizer), "lstm", tmp_path / "lstm", {})
    first, draft = (lstm, folder) if target == "lstm" else (folder, lstm)
    code, out, err = said(first, "--draft-model", draft, "--prompt", "the cat", "--max-new-tokens", 20)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "a recurrent model cannot undo tokens" in err
