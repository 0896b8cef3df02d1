"""Decoding with a cache that sees only so many tokens back, against the whole text read anew for every token."""

import pytest
import torch

from lingon.data.tokenizers import bpe
from lingon.decoding.sampling_params import SamplingParams
from lingon.models.decoder import decoder
from lingon.models.gpt import GPT
from lingon.tasks.language_model import LanguageModel

TEXTS = ["the cat sat on the mat. the dog sat on the cat.", "a dog ran; a cat ran."] * 5
PROMPTS = ["the", "a dog ran; a cat ran. the dog", "", "the cat sat on the mat", "the"]


@pytest.fixture(scope="module", params=[0, 1, 3])
def model(request):
    torch.manual_seed(0)
    tokenizer = bpe(TEXTS, 290)
    made = decoder(len(tokenizer.vocab), 24, 3, 6, 3, context_length=40, window=request.param)
    for weight in made.parameters():  # far from even, so that greedy texts differ
        weight.data *= 3
    return LanguageModel(made.eval(), tokenizer)


def anew(model, prompt, most):
    """Greedy, without any state."""
    ids = model.encode(prompt)
    start = len(ids)
    while len(ids) < start + most and (len(ids) == start or ids[-1] not in model.eos_ids):
        with torch.no_grad():
            logits = model.model(torch.tensor([ids]))[0, -1]
        logits[1] = -torch.inf  # [unk] is no text
        ids.append(int(logits.argmax()))
    return ids[start:]


def test_a_batch_of_unequal_prompts_is_what_each_gives_read_anew(model):
    found = [[] for _ in PROMPTS]
    for step in model.sample(PROMPTS, SamplingParams(13, temperature=0)):
        for token in step:
            found[token.row].append(token.id)
    assert found == [anew(model, prompt, 13) for prompt in PROMPTS]
    assert len(set(map(tuple, found))) > 2


def test_a_draft_of_another_size_and_kind_changes_no_greedy_text(model):
    torch.manual_seed(1)
    draft = LanguageModel(GPT(len(model.tokenizer.vocab), 12, 1, 3, context_length=40).eval(), model.tokenizer)
    for prompt in PROMPTS[:2]:
        for helper in (draft, model):
            found = [step[0].id for step in model.speculative(prompt, SamplingParams(13, temperature=0), helper)]
            assert found == anew(model, prompt, 13)
