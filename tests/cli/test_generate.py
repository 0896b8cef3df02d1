"""lingon generate: several texts, searches, biases, JSON, pages, and flags that cannot be combined."""

import json
import math
import warnings
from collections import Counter

import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import main
from lingon.core.errors import UserError
from lingon.core.terminal import printable
from lingon.data.tokenizers import Tokenizer, bpe
from lingon.decoding.beam_params import BeamParams, heuristic_stopping
from lingon.decoding.sampling_params import SamplingParams
from lingon.models.gpt import GPT
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.language_model.generation import BATCH_SIZE

TEXTS = ["the cat sat on the mat. the dog sat on the cat.", "a dog ran; a cat ran."] * 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A bundle of a small model that has learned a little."""
    torch.manual_seed(0)
    tokenizer = bpe(TEXTS, 300)
    model = GPT(len(tokenizer.vocab), 20, 2, 2, context_length=32)
    ids = torch.tensor([0, *tokenizer.encode(" ".join(TEXTS[:2])), 0])[None, :32]
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(20):
        F.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:]).backward()
        optimizer.step(), optimizer.zero_grad()
    return save_bundle(LanguageModel(model.eval(), tokenizer), "gpt", tmp_path_factory.mktemp("g") / "toy", {})


@pytest.fixture(scope="module")
def model(folder):
    return lingon.load(folder)


@pytest.fixture
def said(folder, capsys):
    def run(*words):
        with pytest.raises(SystemExit) as stopped:
            main(["generate", str(folder), *map(str, words)])
        out, err = capsys.readouterr()
        return stopped.value.code, out, err

    return run


def rows(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_several_texts_of_a_prompt_are_those_of_a_batch(said, model):
    code, out, _ = said("--prompt", "the cat", "--n", 3, "--max-new-tokens", 9, "--seed", 2, "--json")
    assert code == 0
    wanted = model.generate_batch(["the cat"] * 3, SamplingParams(9, seed=2))
    assert [row["text"] for row in rows(out)] == wanted
    assert len(set(wanted)) > 1
    for row in rows(out):
        ids = [model.tokenizer.vocab[token["token"]] for token in row["tokens"]]
        with torch.no_grad():
            logs = model.model(torch.tensor([[*model.encode("the cat"), *ids]]))[0].log_softmax(-1)
        own = sum(float(logs[len(model.encode("the cat")) - 1 + i, token]) for i, token in enumerate(ids))
        assert row["logprob"] == pytest.approx(own, abs=1e-3)
    _, plain, _ = said("--prompt", "the cat", "--n", 3, "--max-new-tokens", 9, "--seed", 2)
    assert plain == "".join(f"[{i}] the cat{text}\n\n" for i, text in enumerate(wanted, 1))


def test_prompts_of_a_file_are_written_like_those_given(said, model, tmp_path):
    (tmp_path / "p.txt").write_text("the cat\n\na dog ran; a cat ran. a dog\n", encoding="utf-8")
    _, out, _ = said("--prompt-file", tmp_path / "p.txt", "--prompt", "a", "--json", "--max-new-tokens", 20)
    assert [row["prompt"] for row in rows(out)] == ["a", "the cat", "a dog ran; a cat ran. a dog"]
    assert [row["text"] for row in rows(out)] == [
        model.generate(row["prompt"], SamplingParams(20)) for row in rows(out)
    ]
    (tmp_path / "p.txt").write_text("\n")
    assert "has no prompt; write one a line" in said("--prompt-file", tmp_path / "p.txt")[2]


@pytest.mark.parametrize("n", [1, 3])
def test_many_prompts_go_through_a_running_batch_in_their_order(said, model, tmp_path, n):
    """Of all lengths, some to the end of the context; each text is the one of its prompt alone, or of its n copies."""
    long = "a dog ran; a cat ran. a dog sat on"
    prompts = [f"{word} {long[:i]}" for i, word in enumerate(["the", "a", "the cat", "a dog ran", "on"] * 5)]
    assert len(prompts) > BATCH_SIZE
    (tmp_path / "p.txt").write_text("\n".join(prompts), encoding="utf-8")
    flags = ("--prompt-file", tmp_path / "p.txt", "--max-new-tokens", 25, "--n", n)
    found = rows(said(*flags, "--json")[1])
    params = SamplingParams(25)
    wanted = [text for prompt in prompts for text in model.generate_batch([prompt] * n, params)]
    assert [row["prompt"] for row in found] == [prompt for prompt in prompts for _ in range(n)]
    assert [row["text"] for row in found] == wanted
    assert {row["finish_reason"] for row in found} >= {"eos_token", "length"}


def test_a_prompt_that_is_given_twice_gets_two_texts_in_every_format(said):
    flags = ("--prompt", "the", "--prompt", "the", "--max-new-tokens", 9)
    out, lines = said(*flags)[1], rows(said(*flags, "--json")[1])
    assert out == "".join(f"the{row['text']}\n" for row in lines)
    assert lines[0]["text"] != lines[1]["text"]


PAGE, DRAFT = ("--page", "{}/p.html"), ("--draft-model", "{bundle}")
FULL = ("--max-new-tokens", 99, "--logit-bias", "[pad]=-inf")
ASKED = {
    "text": (),
    "JSON": ("--json",),
    "two texts": ("--n", 2),
    "a page": ("--n", 2, *PAGE),
    "beams": ("--beams", 3),
    "a page of beams": ("--beams", 3, "--n", 2, *PAGE),
    "contrastive": ("--contrastive", 0.5),
    "contrastive, JSON": ("--contrastive", 0.5, "--json"),
    "a draft": DRAFT,
    "a draft, JSON": (*DRAFT, "--json"),
    "past a full context": FULL,
    "past a full context, JSON": (*FULL, "--json"),
    "a full context of beams": ("--beams", 2, *FULL),
    "a regex": ("--regex", "( cat| dog)+"),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_prompt_is_tokenized_once(said, folder, tmp_path, monkeypatch, recwarn, name):
    """Whatever is made of it, its finish reason, the warning of a full context and the page among them."""
    counts, encode = Counter(), Tokenizer.encode
    counting = lambda self, text, *more: (counts.update([text]), encode(self, text, *more))[1]
    monkeypatch.setattr(Tokenizer, "encode", counting)
    words = [str(word).format(tmp_path, bundle=folder) for word in ASKED[name]]
    code, _, err = said("--prompt", "the cat", "--prompt", "a dog", "--max-new-tokens", 7, *words)
    assert code == 0
    told = [err, *(str(warning.message) for warning in recwarn)]
    assert any("is full" in line for line in told) == ("full" in name)
    assert (counts["the cat"], counts["a dog"]) == (1, 1)


def test_a_full_context_is_told_after_the_text_and_not_inside_of_it(said, model, monkeypatch):
    text = printable(model.generate("the cat", SamplingParams(99, logit_bias={0: -math.inf})), lines=True)
    monkeypatch.setattr(warnings, "showwarning", lambda message, *where: print(f"[{message}]"))
    _, out, _ = said("--prompt", "the cat", *FULL)
    assert out.startswith(f"the cat{text}\n[the context of 32 tokens is full")
    assert out.count("\n") == text.count("\n") + 2


def test_beams_give_the_best_first(said, model):
    _, out, _ = said(
        "--prompt", "the", "--beams", 4, "--n", 3, "--max-new-tokens", 6, "--json", "--length-penalty", 1.5
    )
    wanted = model.beam_search("the", BeamParams(4, 6, 1.5, n=3))
    assert [(row["text"], row["score"]) for row in rows(out)] == [
        (text, pytest.approx(score)) for text, _, score in wanted
    ]
    _, out, _ = said(
        "--prompt", "the", "--beams", 4, "--max-new-tokens", 6, "--beam-groups", 2, "--early-stopping", "heuristic"
    )
    diverse = model.beam_search(
        "the", BeamParams(4, 6, beam_groups=2, diversity_penalty=0.5, early_stopping=heuristic_stopping)
    )
    assert out.startswith(f"the{diverse[0][0]}\n[log-probability {diverse[0][1]:.3f}, score {diverse[0][2]:.3f}]")


def test_beams_end_before_a_stop_text(said):
    flags = ("--prompt", "the", "--beams", 4, "--n", 4, "--max-new-tokens", 8, "--logit-bias", "[pad]=-inf", "--json")
    best = rows(said(*flags)[1])[0]["text"]
    stop = best[3:5]
    found = rows(said(*flags, "--stop", stop)[1])
    assert any(row["finish_reason"] == "stop_sequence" for row in found)
    assert not any(stop in row["text"] for row in found)


def test_contrastive_search_without_contrast_is_greedy(said, model):
    greedy = model.generate("the", max_new_tokens=8, temperature=0)
    assert said("--prompt", "the", "--contrastive", 0, "--max-new-tokens", 8)[1] == f"the{greedy}\n"
    _, out, _ = said("--prompt", "the", "--contrastive", 0.9, "--top-k", 5, "--max-new-tokens", 8, "--json")
    assert rows(out)[0]["text"] != greedy
    # The context has room for 32 tokens, and the last of them is judged as well.
    full = rows(said("--contrastive", 0.5, "--max-new-tokens", 99, "--logit-bias", "[pad]=-inf", "--json")[1])[0]
    assert (full["finish_reason"], len(full["tokens"])) == ("context_length", 31)


def test_a_draft_and_eight_bits_write_too(said, folder, model):
    greedy = model.generate("the dog", max_new_tokens=8, temperature=0)
    assert (
        said("--prompt", "the dog", "--draft-model", folder, "--temperature", 0, "--max-new-tokens", 8)[1]
        == f"the dog{greedy}\n"
    )
    (row,) = rows(said("--prompt", "the dog", "--int8", "--temperature", 0, "--max-new-tokens", 8, "--json")[1])
    ids = [model.tokenizer.vocab[token["token"]] for token in row["tokens"]]
    exact = [token.logprob for token in model.score_tokens("the dog", ids)]
    assert [token["logprob"] for token in row["tokens"]] == pytest.approx(exact, abs=0.1)


def test_a_bias_is_for_a_token_exactly(said):
    assert said("--prompt", "the", "--logit-bias", " cat=99", "--max-new-tokens", 3)[1] == "the cat cat cat\n"
    assert (
        "cat" not in said("--prompt", "the", "--logit-bias", " cat=-inf", "--max-new-tokens", 20, "--temperature", 0)[1]
    )


def test_a_page_is_written_beside_the_text(said, tmp_path):
    code, out, err = said(
        "--prompt", "the", "--n", 2, "--max-new-tokens", 4, "--page", tmp_path / "g.html", "--top-logprobs", 3
    )
    assert (code, err) == (0, f"wrote {tmp_path / 'g.html'}\n")
    assert out.startswith("[1] the")
    assert "--top-logprobs 3" in (tmp_path / "g.html").read_text()


WRONG = {
    "--beams 3 --temperature 0.5": "--beams and --temperature cannot be combined: beam search looks for",
    "--beams 3 --draft-model x": "--beams and --draft-model cannot be combined",
    "--beams 3 --contrastive 0.5": "--beams and --contrastive cannot be combined",
    "--contrastive 0.5 --temperature 0.5": "--contrastive and --temperature cannot be combined",
    "--contrastive 0.5 --n 2": "--contrastive and --n cannot be combined: contrastive search samples nothing",
    "--draft-model x --n 2": "--draft-model and --n cannot be combined",
    "--regex a --json-schema b": "--regex and --json-schema cannot be combined",
    "--length-penalty 1": "--length-penalty has no effect without --beams",
    "--diversity-penalty 1 --beams 4": "--diversity-penalty has no effect without --beam-groups",
    "--top-logprobs 3": "has no effect without --page",
    "--n 0": "--n is 0, expected 1 or more texts, 1,000,000 at most",
    "--n 2 --temperature 0": "would give the same text every time",
    "--beams 2 --n 3": "the 3 best texts are wanted of 2 beams; search with more beams",
    "--beams 3 --beam-groups 2": "3 beams cannot be divided into 2 groups",
    "--beams 3 --early-stopping firstt": "did you mean 'first'",
    "--contrastive 2": "2.0, expected a number from 0 to 1",
    "--logit-bias cat": "expected a token and a number, as 'word=-5'",
    "--logit-bias cat=much": "expected a token and a number",
    "--logit-bias zebra=1": "'zebra' is not a single token of this model, which splits it into ",
    "--logit-bias =1": "'' is not a single token of this model, which splits it into nothing",
    "--page g.pdf": "--page 'g.pdf' ends in '.pdf', expected .html",
    "--page g.html --top-logprobs 0": "--top-logprobs is 0",
    "--prompt-file none.txt": "there is no file 'none.txt'",
    "--temperature -1": "temperature is -1",
    "--top-p 2": "top_p is 2",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_ends_in_one_line(said, words):
    code, out, err = said(*words.split())
    assert (code, out) == (2, "")
    assert WRONG[words] in err
    assert err.count("\n") == 1


def test_the_probability_of_no_text_is_none(folder, model, capsys):
    for text, what in {"": "the text '' has no tokens to score", " ": None}.items():
        with pytest.raises(SystemExit) as stopped:
            main(["logprob", str(folder), text])
        assert stopped.value.code == (2 if what else 0)
        assert (what or "") in capsys.readouterr().err
    without_end = LanguageModel(model.model, model.tokenizer, ())
    with pytest.raises(UserError, match="the text 't' is one token, before which this model has none"):
        without_end.logprobs("t")
    assert len(without_end.logprobs("the cat")) == len(model.logprobs("the cat")) - 1
