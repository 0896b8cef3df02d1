"""Texts longer than the context: each token is what the model says of the window alone, whatever is beside the row."""

import json
import math
import sys
import warnings

import pytest
import torch
from tokenizers import Tokenizer as Library
from tokenizers.processors import TemplateProcessing

from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.train import bpe
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.sampling_params import SamplingParams
from lingon.models.registry import build
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.language_model.decoder import CausalDecoder
from lingon.tasks.language_model.generation import generations
from lingon.tasks.language_model.sliding_window import SlidingWindow

CONTEXT = 13
TEXTS = ["the cat sat on the mat. the dog sat on the cat.", "a dog ran; a cat ran"] * 3
TOKENIZER = bpe(TEXTS, 290)
SIZES = {"vocab_size": len(TOKENIZER.vocab), "width": 12, "depth": 1, "heads": 2, "context_length": CONTEXT}
SIZES |= {"tied": False}
MODELS = {"gpt": {}, "decoder": {"kv_heads": 1, "window": 5, "depth": 2}}
NEVER_ENDS = {0: -math.inf}


def language_model(kind, tokenizer=TOKENIZER):
    torch.manual_seed(3)
    model = build(kind, SIZES | MODELS[kind]).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.3)
    return LanguageModel(model, tokenizer)


@pytest.fixture(params=MODELS)
def model(request):
    return language_model(request.param)


def by_hand(model, prompt, count, prefix=()):
    """The most probable tokens, each by the whole window read anew, without a cache; and their log-probabilities."""
    window, new = model.encode(prompt), []
    for _ in range(count):
        if len(window) > CONTEXT:
            window = [*prefix, *window[-(CONTEXT // 2 - len(prefix)) :]]
        with torch.no_grad():
            logits = model.model(torch.tensor([window]))[0, -1]
        logs = logits.log_softmax(-1)
        logits[[0, 1]] = -torch.inf
        window.append(int(logits.argmax()))
        new.append((window[-1], logs[window[-1]].item()))
    return new


PARAMS = SamplingParams(60, temperature=0, logit_bias=NEVER_ENDS)


def test_a_long_text_is_what_the_model_says_of_each_window(model):
    with pytest.warns(UserWarning, match="the context of 13 tokens is full: .* the last 6 to 13 tokens of the text"):
        (found,) = generations(model, ["the cat"], PARAMS, top_logprobs=1)
    wanted = by_hand(model, "the cat", 60)
    assert len(set(wanted)) > 20, "a text that repeats itself shows little"
    assert [token.id for token in found.tokens] == [i for i, _ in wanted]
    assert [token.logprob for token in found.tokens] == pytest.approx([logprob for _, logprob in wanted], abs=1e-4)
    assert found.finish_reason == "length"


@pytest.mark.filterwarnings("ignore:the context of 13")
def test_each_row_has_windows_of_its_own(model):
    prompts = ["the", "the cat sat on the mat.", "a dog ran", "a"]
    params = SamplingParams(31, seed=5, logit_bias={0: 1.0})
    alone = [model.generate(prompt, params) for prompt in prompts]
    assert model.generate_batch(prompts, params) == alone
    assert model.generate_batch(prompts, params, 2) == alone
    assert max(len(model.tokenizer.encode(text)) for text in alone) > 2 * CONTEXT
    twice = model.generate_batch(["the", "the"], params)
    assert twice[0] == alone[0] != twice[1]
    assert "".join(model.stream("the", params)) == alone[0]


@pytest.mark.filterwarnings("ignore:the context of 13")
def test_what_begins_every_text_begins_every_window():
    library = Library.from_str(TOKENIZER.library.to_str())
    library.post_processor = TemplateProcessing("[pad] $A", special_tokens=[("[pad]", 0)])
    model = language_model("gpt", Tokenizer(library))
    assert model.prefix == [0]
    (found,) = generations(model, ["the cat"], PARAMS)
    assert [token.id for token in found.tokens] == [i for i, _ in by_hand(model, "the cat", 60, prefix=(0,))]
    assert [i for i, _ in by_hand(model, "the cat", 60)] != [token.id for token in found.tokens]


def test_a_text_that_fits_is_read_once_and_nothing_is_said(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        room = CONTEXT - len(model.encode("the cat"))
        model.generate("the cat", SamplingParams(room, temperature=0, logit_bias=NEVER_ENDS))
        list(model.contrastive("the cat", PARAMS, 0.5))
        assert len(model.hypotheses("the cat", BeamParams(2, 60), PARAMS)[0].ids) == room


@pytest.mark.parametrize("context", [1, 2, 3])
def test_the_smallest_contexts_slide_too(context):
    model = LanguageModel(build("gpt", SIZES | {"context_length": context}).eval(), TOKENIZER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if context == 1:
            with pytest.raises(Exception, match="the prompt has 1 tokens, the model sees 1"):
                model.generate("t", PARAMS)
        else:
            assert model.generate("t", PARAMS)


def test_a_grammar_holds_past_the_context(model):
    params = SamplingParams(50, seed=1, regex="( the| cat| dog){30}[.]")
    with pytest.warns(UserWarning, match="is full"):
        (found,) = generations(model, ["a"], params)
    assert found.text.count(" ") == 30
    assert found.text.endswith(".")
    assert found.finish_reason == "grammar"


def test_a_state_is_rewound_within_its_window(model):
    sliding = SlidingWindow(CausalDecoder(model.model, 2 * CONTEXT), CONTEXT)
    ids = torch.tensor([[5, 7, 11]])
    with torch.inference_mode():
        _, state = sliding.step(ids, sliding.begin())
        wanted, _ = sliding.step(ids[:, 1:], state.rewind(2))
        plain, _ = sliding.step(ids, sliding.begin())
    torch.testing.assert_close(wanted, plain)
    assert (state.length, state.rewind(1).windows) == (3, ((5, 7),))
    with pytest.raises(Exception, match="cannot go back 3 tokens: a window began since"):
        state.rewind(3)


def test_the_command_says_where_the_window_begins(tmp_path, capsys):
    from lingon.checkpoints.bundle import save_bundle
    from lingon.cli.app import main

    save_bundle(language_model("gpt"), "gpt", tmp_path / "lm", {})

    def printed(message, category, file, line, *more):
        sys.stderr.write(warnings.formatwarning(message, category, file, line))

    flags = ["--max-new-tokens", "40", "--logit-bias", "[pad]=-inf", "--prompt", "the", "--prompt", "a"]
    for more, calls in (([], 2), (["--json"], 1)):  # texts as they come are made one by one
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = printed
            with pytest.raises(SystemExit) as ended:
                main(["generate", str(tmp_path / "lm"), *flags, *more])
        out, err = capsys.readouterr()
        assert ended.value.code == 0
        assert (
            err.count("lingon: the context of 13 tokens is full: from here on the model sees the last 6 to 13") == calls
        )
    assert [len(json.loads(line)["tokens"]) for line in out.splitlines()] == [40, 40]
