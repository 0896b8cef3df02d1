"""The page of what was written: its numbers against the model's own, its text in a real browser, and hostile tokens."""

import html
import json
import math
import re
import shutil
import subprocess

import pytest
import torch

from lingon.data.tokenizers import characters, spaces
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.sampling_params import SamplingParams
from lingon.models.gpt import GPT
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.language_model.generation import beam_generations, generations, perplexity
from lingon.tasks.language_model.page import token_texts, write_logprob_page

HOSTILE = "</script><script>window.harmed=1</script><img src=x onerror=window.harmed=1>"


@pytest.fixture(scope="module")
def model():
    """Random weights, and tokens that are whole pieces of markup."""
    torch.manual_seed(0)
    tokenizer = spaces([HOSTILE, "naïve — &amp; ' \" $x` some words more that are of no harm"])
    assert HOSTILE.split()[0] in tokenizer.vocab
    gpt = GPT(len(tokenizer.vocab), 24, 1, 3, context_length=61)
    torch.nn.init.normal_(gpt.embedding.weight, std=0.7)
    return LanguageModel(gpt.eval(), tokenizer)


def written(model, prompts, top_logprobs=5, **params):
    params = SamplingParams(**params)
    return list(generations(model, prompts, params, top_logprobs=top_logprobs))


def data_in(page) -> dict:
    (found,) = re.findall(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    return json.loads(found)


def test_every_number_is_the_models(model, tmp_path):
    prompt, settings = "naïve", {"temperature": 0.5, "top_k": 7}
    texts = written(model, [prompt, prompt], max_new_tokens=9, **settings)
    data = data_in(write_logprob_page(tmp_path / "g.html", model, texts, "toy", settings, top_logprobs=5))
    ids = [0, *model.encode(prompt)]
    for text in data["texts"]:
        new = [row[0] for row in text["tokens"]]
        with torch.no_grad():
            # The prompt is judged from the start of a document, the rest as it was written, without that.
            given = model.model(torch.tensor([ids]))[0].double().log_softmax(-1)
            logits = model.model(torch.tensor([[*ids[1:], *new]]))[0].double()[len(ids) - 2 :]
        for i, (token, _, logprob, chance, _, _) in enumerate(data["prompts"][0]["tokens"]):
            assert token == ids[i + 1]
            assert logprob == pytest.approx(float(given[i, token]), abs=1e-3)
            assert chance == pytest.approx(math.exp(logprob), abs=1e-3)
        for row, scores in zip(text["tokens"], logits, strict=False):
            token, _, logprob, chance, entropy, others = row
            logs = scores.log_softmax(-1)
            assert logprob == pytest.approx(float(logs[token]), abs=1e-3)
            assert entropy == pytest.approx(float(torch.distributions.Categorical(logits=scores).entropy()), abs=1e-3)
            # [unk] has a probability by the model, and none after the rules.
            can = scores.index_fill(0, torch.tensor([1]), -math.inf)
            seven = can.topk(7)
            after = dict(zip(seven.indices.tolist(), (seven.values / 0.5).softmax(0).tolist(), strict=True))
            assert chance == pytest.approx(after[token], abs=1e-3)
            assert {i for i, *_ in others} >= set(logs.topk(5).indices.tolist()) | set(seven.indices[:5].tolist())
            for other, before, later in others:
                assert before == pytest.approx(float(logs[other]), abs=1e-3)
                assert later == pytest.approx(after.get(other, 0), abs=1e-3)
        logprobs = [row[2] for row in text["tokens"]]
        assert text["logprob"] == pytest.approx(sum(logprobs), abs=1e-2)
        assert text["perplexity"] == pytest.approx(math.exp(-sum(logprobs) / len(logprobs)), rel=1e-3)


def test_beams_have_the_numbers_of_their_tokens(model, tmp_path):
    texts = beam_generations(model, "naïve", BeamParams(5, 4, n=3), SamplingParams(max_new_tokens=4), top_logprobs=2)
    assert [text.score for text in texts] == sorted((text.score for text in texts), reverse=True)
    for text, hypothesis in zip(texts, model.hypotheses("naïve", BeamParams(5, 4, n=3)), strict=True):
        assert tuple(token.id for token in text.tokens) == hypothesis.ids
        assert text.logprob == pytest.approx(hypothesis.logprob, abs=1e-4)
    data = data_in(write_logprob_page(tmp_path / "g.html", model, texts, "toy", {"--beams": 5}))
    assert [text["score"] for text in data["texts"]] == pytest.approx([text.score for text in texts], rel=1e-4)


def test_how_a_text_ended_is_told(model):
    context = 61
    never, word = {0: -math.inf}, model.encode("words")[0]
    assert [text.finish_reason for text in written(model, ["some"], max_new_tokens=3, logit_bias=never)] == ["length"]
    with pytest.warns(UserWarning, match=f"the context of {context} tokens is full"):
        assert [text.finish_reason for text in written(model, ["some"], max_new_tokens=99, logit_bias=never)] == [
            "length"
        ]
    assert [text.finish_reason for text in written(model, ["some"], logit_bias={0: 99})] == ["eos_token"]
    assert [text.finish_reason for text in written(model, ["some"], regex="( words){3}")] == ["grammar"]
    (stopped,) = written(model, ["some"], max_new_tokens=context, stop=(" word",), logit_bias={word: 99})
    assert (stopped.finish_reason, stopped.text) == ("stop_sequence", "")
    assert math.isnan(perplexity([]))


def test_near_the_end_of_the_context_a_pattern_leaves_what_it_left_when_the_text_was_written(model):
    prompt = " some" * next(n for n in range(99) if len(model.encode(" some" * n)) > 50)
    room = 61 - len(model.encode(prompt))
    params = SamplingParams(max_new_tokens=room, regex="( some| words){0,30} words", seed=3)
    taken = [step[0] for step in model.sample([prompt], params, top_logprobs=0)]
    told = model.score_tokens(prompt, [token.id for token in taken], params)
    assert [token.probability for token in told] == pytest.approx([token.probability for token in taken], abs=1e-4)
    assert len(taken) > 1


def test_characters_of_several_tokens_are_shown_once():
    tokenizer = characters(["abc"], max_size=270)
    model = LanguageModel(GPT(len(tokenizer.vocab), 20, 1, 2), tokenizer)
    ids = tokenizer.encode("a—b")
    assert token_texts(model.pieces, ids) == ["a", "", "", "—", "b"]
    assert token_texts(model.pieces, ids[:2]) == ["a", "\ufffd"]


def browsed(page, script: str, width: int = 1200) -> dict:
    """What a script finds at the end of a page, in a headless Chromium."""
    if not (chromium := shutil.which("chromium")):
        pytest.skip("there is no chromium on this machine")
    listening = "<script>window.broken=[];addEventListener('error',e=>broken.push(e.message))</script>"
    tell = "document.body.append(Object.assign(document.createElement('pre'), {id: 'found', textContent: "
    telling = f"<script>{tell}JSON.stringify({script})}}))</script>"
    text = (
        page.read_text(encoding="utf-8").replace("<body>", f"<body>{listening}").replace("</body>", f"{telling}</body>")
    )
    copy = page.with_name("browsed.html")
    copy.write_text(text, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += [f"--user-data-dir={page.parent / 'browser'}", f"--window-size={width},900", "--dump-dom"]
    done = subprocess.run([chromium, *flags, copy.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    return json.loads(html.unescape(found))


WALK = """(() => {
  const all = [...document.querySelectorAll(".token")], panel = document.getElementById("panel");
  const key = name => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
  const steps = [], look = () => steps.push([all.indexOf(document.activeElement), panel.textContent]);
  const stops = all.filter(token => token.tabIndex === 0).length;
  const heat = () => all.map(t => t.style.getPropertyValue("--t"));
  document.querySelector('.token[tabindex="0"]').focus(); look();
  key("ArrowRight"); look(); key("Home"); look(); key("Enter");
  all[1].dispatchEvent(new MouseEvent("mouseenter")); look();
  key("Escape"); all[1].dispatchEvent(new MouseEvent("mouseenter")); look();
  const before = heat(); document.querySelector('[value="4"]').click();
  return {steps, stops, texts: [...document.querySelectorAll(".text")].map(e => e.textContent), broken: window.broken,
    harmed: window.harmed || 0, images: document.images.length, changed: heat().some((t, i) => t !== before[i]),
    names: all.map(t => t.getAttribute("aria-label")), wide: document.documentElement.scrollWidth, window: innerWidth};
})()"""


def test_a_browser_shows_hostile_text_as_text_and_is_walked_by_keys(model, tmp_path):
    texts = written(model, [HOSTILE] * 2, max_new_tokens=20, seed=3)
    page = write_logprob_page(tmp_path / "g.html", model, texts, HOSTILE, {"--stop": [HOSTILE]})
    source = page.read_text(encoding="utf-8")
    assert "http" not in source.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert source.count("<script") == source.count("</script>") == 2
    found = browsed(page, WALK, width=500)
    assert (found["broken"], found["harmed"], found["images"]) == ([], 0, 0)
    given = len(model.encode(HOSTILE))
    assert found["stops"] == 2  # of the Tab key: one for each text
    places, panels = zip(*found["steps"], strict=True)
    assert places == (given, given + 1, 0, 0, 0)
    assert panels[2] == panels[3] != panels[4]  # held, then let go
    assert f"token 1 of {len(texts[0].tokens)}, id {texts[0].tokens[0].id}" in panels[0]
    assert f"of the prompt: token 2 of {given}" in panels[4]
    assert found["changed"]
    assert found["wide"] <= found["window"]
    for text, one in zip(found["texts"], texts, strict=True):
        assert text.startswith(HOSTILE)
        assert len(one.tokens) > 3
