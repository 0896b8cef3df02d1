"""Generating with a small trained model: batches, stops, grammars, drafts, scores, and its bundle."""

import json
import math
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import DataError, UserError
from lingon.data.tokenizers import Tokenizer, bpe, characters, words
from lingon.decoding import grammar
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.logits_processors import suppress
from lingon.decoding.sample import Token
from lingon.decoding.sampling_params import SamplingParams
from lingon.decoding.speculative import Acceptance
from lingon.models.gpt import GPT
from lingon.models.lstm import LSTM
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.language_model.generation import beam_generations, generations
from lingon.tasks.language_model.page import write_logprob_page

TEXTS = ["the cat sat on the mat. the dog sat on the cat.", "a dog ran; a cat ran — naïve café!"] * 5


def trained(kind: str, tokenizer, seed: int = 0) -> LanguageModel:
    torch.manual_seed(seed)
    size = len(tokenizer.vocab)
    model = GPT(size, 20, 2, 2, context_length=64) if kind == "gpt" else LSTM(size, 16, 16, 2, tied=True, dropout=0.0)
    ids = torch.tensor([0, *tokenizer.encode(" ".join(TEXTS[:2])), 0])[None, :60]
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(40):
        F.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return LanguageModel(model.eval(), tokenizer)


@pytest.fixture(scope="module", params=["gpt", "lstm"])
def model(request):
    return trained(request.param, bpe(TEXTS, 300))


def test_greedy_is_the_likeliest_token_each_time(model):
    ids = model.encode("the cat")
    for _ in range(12):
        with torch.no_grad():
            logits = model.model(torch.tensor([ids]))[0, -1]
        logits[1] = -torch.inf  # [unk] is no text
        ids.append(int(logits.argmax()))
    new = ids[len(model.encode("the cat")) :]
    new = new[: new.index(0)] if 0 in new else new
    assert model.generate("the cat", max_new_tokens=12, temperature=0) == model.tokenizer.decode(new)


def test_a_batch_gives_what_each_prompt_gives_alone(model):
    params = SamplingParams(max_new_tokens=15, seed=3)
    prompts = ["the", "a dog ran", "", "the cat sat on"]
    assert model.generate_batch(prompts, params) == [model.generate(prompt, params) for prompt in prompts]


def test_a_short_prompt_beside_a_long_one_fills_its_own_context(model):
    """The batch is padded to the longest prompt; each text goes on past the context at its own place."""
    params = SamplingParams(max_new_tokens=80, seed=3, logit_bias={0: -math.inf})
    prompts = ["the", "the cat sat on the mat. the dog sat on", "a dog ran"]
    rows = [0, 0, 0]
    for step in model.sample(prompts, params):
        for token in step:
            rows[token.row] += 1
    assert rows == [80, 80, 80]
    assert model.generate_batch(prompts, params) == [model.generate(prompt, params) for prompt in prompts]


def test_a_regex_is_kept_to_within_each_rows_own_room(model):
    params = SamplingParams(max_new_tokens=99, seed=5, regex="( the| cat| sat){1,40}[.]")
    prompts = ["the", "the cat sat on the mat. the dog sat on", "a dog ran"]
    together = model.generate_batch(prompts, params)
    assert together == [model.generate(prompt, params) for prompt in prompts]
    assert all(re.fullmatch(params.regex, text) for text in together)


def test_a_running_batch_gives_what_each_prompt_gives_alone(model):
    """Prompts and texts of all lengths, to the end of the context, through two places and through five."""
    params = SamplingParams(max_new_tokens=200, seed=3, logit_bias={0: 2.0}, stop=("mat",))
    prompts = ["the", "a dog ran", "", "the cat sat on the mat. the dog sat on", "the", "a", "cat", "a dog ran; a"]
    if not hasattr(model.model, "context_length"):
        params = replace(params, max_new_tokens=60)
    alone = model.generate_batch(prompts, params)
    assert alone[:4] == [model.generate(prompt, params) for prompt in prompts[:4]]
    for batch_size in (2, 5):
        assert model.generate_batch(prompts, params, batch_size) == alone
    assert len(set(map(len, alone))) > 4
    assert model.generate_batch([], params) == model.generate_batch([], params, 2) == []


def test_a_prediction_is_the_continuation_of_its_prompt_alone(model):
    params = SamplingParams(max_new_tokens=9)
    found = model.predict(["the cat", "a dog", "the cat"], params)
    assert found[0] == found[2]
    assert [one.continuation for one in found[:2]] == [model.generate(text, params) for text in ("the cat", "a dog")]
    assert found[0].row() == {
        "text": "the cat",
        "continuation": found[0].continuation,
        "finish_reason": found[0].finish_reason,
        "logprob": found[0].logprob,
    }
    tokens = [step[0] for step in model.sample(["the cat"], params, top_logprobs=0)]
    assert found[0].logprob == pytest.approx(sum(token.logprob for token in tokens), abs=1e-3)
    assert str(model.predict(["a\nb"], params)[0]).startswith("a\\u000ab")
    assert model.predict([]) == []


def test_a_prompt_is_tokenized_once(model, monkeypatch, tmp_path):
    counts, encode = Counter(), Tokenizer.encode
    monkeypatch.setattr(
        Tokenizer, "encode", lambda self, text, *more: (counts.update([text]), encode(self, text, *more))[1]
    )
    asks = {
        "generate": lambda: model.generate("the cat", max_new_tokens=9, seed=1),
        "with a regex": lambda: model.generate("the cat", max_new_tokens=30, regex="( dog){2}"),
        "generate_batch": lambda: model.generate_batch(["the cat", "a", "the cat"], SamplingParams(9)),
        "beam_search": lambda: model.beam_search("the cat", BeamParams(3, 5)),
        "contrastive": lambda: list(model.contrastive("the cat", SamplingParams(5), 0.5)),
        "logprobs": lambda: model.logprobs("the cat"),
        "score_tokens": lambda: model.score_tokens("the cat"),
        "predict": lambda: model.predict(["the cat", "a", "the cat"], SamplingParams(9)),
        "generations": lambda: list(generations(model, ["the cat", "a"] * 20, SamplingParams(5), n=3)),
        "beam_generations": lambda: beam_generations(model, "the cat", BeamParams(3, 5, n=2), SamplingParams(5)),
        "a page": lambda: write_logprob_page(
            tmp_path / "p.html", model, list(generations(model, ["the cat"] * 2, SamplingParams(5), 1, 2)), "m", {}
        ),
    }
    for name, ask in asks.items():
        counts.clear()
        ask()
        assert counts["the cat"] == 1, name


@pytest.mark.parametrize("regex", [None, "( the| cat| dog){2,9}[.]"])
def test_eight_threads_generate_what_one_does(model, regex, monkeypatch):
    """With caches so small that every thread empties them for the others, and threads that change at every step."""
    monkeypatch.setattr(grammar, "MAX_CACHED_STATES", 2)
    monkeypatch.setattr(grammar, "MAX_CACHED_PREFIXES", 3)
    jobs = [(("the", "a dog", "the cat sat")[i % 3], SamplingParams(5 + i % 7, seed=i, regex=regex)) for i in range(12)]
    alone = [model.generate(*job) for job in jobs]
    grammar._grammar.cache_clear()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = [pool.submit(lambda: [model.generate(*job) for job in jobs]) for _ in range(8)]
            assert all(one.result() == alone for one in found)
    finally:
        sys.setswitchinterval(interval)


def test_seeds_decide(model):
    texts = {model.generate("the", SamplingParams(max_new_tokens=20, seed=seed, temperature=2.0)) for seed in range(5)}
    assert len(texts) > 2
    assert model.generate("the", max_new_tokens=20, seed=1) == model.generate("the", max_new_tokens=20, seed=1)


def test_text_ends_before_a_stop_text_that_no_token_is(model):
    whole = model.generate("the", max_new_tokens=30, temperature=0)
    assert len(whole) > 6
    stop = whole[3:6]
    assert "".join(model.stream("the", max_new_tokens=30, temperature=0, stop=(stop,))) == whole[: whole.index(stop)]


def test_pieces_are_whole_characters():
    model = trained("gpt", characters(["abc"], max_size=270))
    ids = model.tokenizer.encode("a—b")  # the dash is three bytes
    assert len(ids) == 5
    assert list(model.text([Token(0, i)] for i in ids)) == ["a", "—", "b"]
    words_model = trained("lstm", words(TEXTS))
    assert words_model.generate("the cat", max_new_tokens=1, temperature=0).startswith(" ")


@pytest.mark.parametrize("pattern", ["[a-z ]{5,9}[.]", "(cat|dog) (ran|sat)", "é+"])
def test_a_pattern_is_kept(model, pattern):
    found = [model.generate("the ", SamplingParams(regex=pattern, max_new_tokens=50, seed=seed)) for seed in range(5)]
    assert all(re.fullmatch(pattern, text) for text in found), found


def test_a_schema_is_kept(model):
    schema = {"type": "object", "properties": {"a": {"enum": ["cat", "dog"]}, "n": {"type": "integer"}}}
    schema["required"] = ["a", "n"]
    found = json.loads(model.generate("x", SamplingParams(json_schema=schema, max_new_tokens=60)))
    assert found["a"] in ("cat", "dog")
    assert isinstance(found["n"], int)


def test_beams_are_scored_as_the_model_scores(model):
    if isinstance(model.model, LSTM):
        pytest.skip("one kind is enough")
    texts = model.beam_search("the cat", BeamParams(4, 6, n=3, length_penalty=0.0))
    assert [s for *_, s in texts] == sorted((s for *_, s in texts), reverse=True)
    text, logprob, _ = texts[0]
    ids = model.encode("the cat")
    with torch.no_grad():
        logs = model.model(torch.tensor([model.tokenizer.encode("the cat" + text)]))[0].log_softmax(-1)
    following = model.tokenizer.encode("the cat" + text)[len(ids) :]
    own = sum(float(logs[len(ids) - 1 + i, token]) for i, token in enumerate(following))
    assert logprob <= own + 1e-3  # an end may have been counted too


def test_a_draft_changes_no_greedy_text(model):
    if isinstance(model.model, LSTM):
        with pytest.raises(UserError, match="cannot undo tokens"):
            list(
                model.speculative(
                    "the", SamplingParams(max_new_tokens=20, seed=1), trained("gpt", model.tokenizer, seed=2)
                )
            )
        return
    draft, acceptance = trained("gpt", model.tokenizer, seed=2), Acceptance()
    params = SamplingParams(max_new_tokens=25, temperature=0)
    assert "".join(model.text(model.speculative("the dog", params, draft, acceptance))) == model.generate(
        "the dog", params
    )
    assert 0 < acceptance.accepted <= acceptance.drafted
    with pytest.raises(UserError, match="another vocabulary"):
        list(model.speculative("the", params, trained("gpt", characters(TEXTS, max_size=270))))


def test_scores_are_log_probabilities(model):
    text = "the cat sat"
    found = model.logprobs(text)
    ids = [0, *model.tokenizer.encode(text)]
    with torch.no_grad():
        logs = model.model(torch.tensor([ids]))[0].log_softmax(-1)
    for (token, logprob), place in zip(found, range(len(ids) - 1), strict=True):
        assert token == model.tokenizer.vocab.token(ids[place + 1])
        assert math.isclose(logprob, float(logs[place, ids[place + 1]]), abs_tol=1e-4)


def test_a_bundle_writes_the_same(model, tmp_path):
    save_bundle(model, "gpt" if isinstance(model.model, GPT) else "lstm", tmp_path / "b", {"arguments": {"seed": 1}})
    again = lingon.load(tmp_path / "b")
    assert again.generate("the", max_new_tokens=20) == model.generate("the", max_new_tokens=20)
    assert "language model" in (tmp_path / "b" / "README.md").read_text()
    config = json.loads((tmp_path / "b" / "config.json").read_text())
    for change, message in [
        ({"eos_ids": [-1]}, "key 'eos_ids'"),
        ({"labels": ["a", "b"]}, "unknown key 'labels'"),
        ({"task": "classify"}, "unknown key '(chat_template|eos_ids)'"),
    ]:
        (tmp_path / "b" / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(DataError, match=message):
            lingon.load(tmp_path / "b")


def test_what_cannot_be_written(model):
    with pytest.raises(UserError, match="max_new_tokens is 0, expected a whole number from 1 to"):
        SamplingParams(max_new_tokens=0)
    with pytest.raises(UserError, match="stop string is empty"):
        SamplingParams(stop=("",))
    with pytest.raises(UserError, match="cannot be combined"):
        SamplingParams(regex="a", json_schema={})
    with pytest.raises(UserError, match="has no tokens to score"):
        model.logprobs("")
    with pytest.raises(UserError, match="they do not belong"):
        LanguageModel(GPT(7, 20, 1, 2), model.tokenizer)
    if isinstance(model.model, GPT):
        with pytest.raises(UserError, match=r"the prompt has .* tokens, the model sees 64"):
            model.generate("the cat " * 100)
        new = [*model.contrastive("the cat", SamplingParams(max_new_tokens=500, logit_bias={0: -1e9}), 0.5)]
        assert len(new) + len(model.encode("the cat")) == 64


def test_broken_weights_are_told(model):
    broken = trained("gpt", model.tokenizer)
    with torch.no_grad():
        broken.model.output.weight[5] = math.nan
    with pytest.raises(Exception, match="NaN or infinite; its weights are broken"):
        broken.generate("the", max_new_tokens=3)


def test_what_is_kept_of_a_vocabulary_may_meet_logits_with_gradients():
    tokenizer = characters(["abc"])
    model = LanguageModel(GPT(len(tokenizer.vocab), 8, 1, 2, context_length=8), tokenizer)
    with torch.inference_mode():
        suppress(model.suppressed_ids)(torch.zeros(1, len(tokenizer.vocab)))
    suppress(model.suppressed_ids)(torch.zeros(1, len(tokenizer.vocab), requires_grad=True) * 2)
