"""The task chat: the loss on answers alone, DPO by hand, conversations past the context, training, the command."""

import copy
import io
import json
import math
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.checkpoints.adapter import load_adapter
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import main
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.conversations import Conversation, Message, Preference
from lingon.data.load_conversations import load_conversation_splits
from lingon.data.tokenizers import bpe
from lingon.decoding.sampling_params import SamplingParams
from lingon.layers.lora import LoRA, adapters_in, add_lora, merge_lora
from lingon.models.registry import build
from lingon.tasks.chat import ChatModel
from lingon.tasks.chat.columns import chat_columns, chat_loader, encode_chats
from lingon.tasks.chat.objective import AnswerObjective, answer_logprobs, answer_loss
from lingon.tasks.chat.preference import DPO, dpo_loss, encode_preferences, preference_evaluator, preference_loader
from lingon.tasks.chat.scoring import last_answer
from lingon.tasks.chat.session import ChatSession
from lingon.tasks.chat.settings import Settings
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.pretrained import Pretrained

CITIES = {"France": "Paris", "Spain": "Madrid", "Peru": "Lima", "Cuba": "Havana", "Kenya": "Nairobi", "Iran": "Teheran"}
ROWS = [{"prompt": f"Where is {place} ruled?", "completion": f"In {city}."} for place, city in CITIES.items()]
TEXTS = [f"{row['prompt']}\nUser:\nAssistant:\nSystem:\n{row['completion']}" for row in ROWS] * 3
GREEDY = SamplingParams(6, temperature=0)


def language_model(kind="gpt", context=64, seed=0):
    torch.manual_seed(seed)
    tokenizer = bpe(TEXTS, 330)
    sizes = {"width": 24, "depth": 2, "heads": 4, "context_length": context}
    if kind == "lstm":
        sizes = {"width": 19, "hidden": 29, "depth": 1, "dropout": 0.0}
    model = build(kind, {"vocab_size": len(tokenizer.vocab), **sizes})
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.15)
    return LanguageModel(model.eval(), tokenizer)


@pytest.fixture(scope="module")
def chat():
    return ChatModel(language_model())


def said(*texts):
    roles = ["user", "assistant"] * len(texts)
    return Conversation(tuple(Message(role, text) for role, text in zip(roles, texts, strict=False)))


CHATS = [said("Where?", "In Lima."), said("Is Paris in France?", "Yes.", "And Lima?", "No, it is in Peru.")]
OTHERS = ("No", "Yes, it is.")
PREFERENCES = [Preference(c.messages[:-1], c.messages[-1].content, o) for c, o in zip(CHATS, OTHERS, strict=True)]


def by_hand(model, row):
    """Log-probability of the tokens of answers, each after all before it, of a conversation read alone."""
    with torch.no_grad():
        logs = model(torch.tensor([row.ids]))[0].log_softmax(-1)
    return [float(logs[i - 1, row.ids[i]]) for i in range(1, len(row.ids)) if row.answer[i]]


@pytest.mark.parametrize("training", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("kind", ["gpt", "decoder", "lstm"])
def test_the_loss_is_of_the_answers_alone_whatever_else_is_in_the_batch(kind, training, monkeypatch):
    monkeypatch.setattr("lingon.layers.packing.PACKS", training)
    chat = ChatModel(language_model(kind))
    rows = encode_chats(chat.encoder, CHATS, 64).rows
    (batch,) = chat_loader(chat_columns(rows, 0), chat_columns(rows, 0)["texts"].lengths(), {"max_tokens": 999})
    objective = AnswerObjective(chat.model).train()
    loss, wanted = answer_loss(objective, batch), [by_hand(chat.model, row) for row in rows]
    assert loss.count == sum(map(len, wanted))
    assert loss.total.item() == pytest.approx(-sum(map(sum, wanted)), rel=1e-5)
    found = answer_logprobs(chat.model, batch.ids, batch.mask, batch.answer).tolist()
    assert found == pytest.approx([sum(wanted[i]) for i in batch.index.tolist()], rel=1e-5)
    # What nobody answers is not learned: no gradient reaches the output for a token that only the user says.
    chat.model.zero_grad()
    loss.total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in chat.model.parameters())


def test_scores_are_those_of_the_answers(chat):
    rows = encode_chats(chat.encoder, CHATS, 64).rows
    nats = [value for row in rows for value in by_hand(chat.model, row)]
    found = chat.evaluate(CHATS)
    assert found["loss"] == pytest.approx(-sum(nats) / len(nats), rel=1e-5)
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))
    both = [one.conversation(text) for one in PREFERENCES for text in (one.chosen, one.rejected)]
    likely = [sum(by_hand(chat.model, last_answer(chat, one, 64))) for one in both]
    right = [likely[i] > likely[i + 1] for i in (0, 2)]
    assert chat.evaluate(PREFERENCES)["preference_accuracy"] == sum(right) / 2
    with pytest.raises(UserError, match="there are no conversations to evaluate on"):
        chat.evaluate([])


def test_broken_weights_give_no_scores(chat):
    broken = ChatModel(language_model())
    broken.model.norm.weight.data.fill_(math.nan)
    with pytest.raises(NotFinite, match="the model gave log-probabilities"):
        broken.evaluate(CHATS)


def test_conversations_are_cut_or_left_out_and_counted(chat, capsys):
    found = encode_chats(chat.encoder, [said("Hi", "Yes. " * 20), said("Hi " * 40, "Yes."), said("Hi", "Yes.")], 30)
    assert (len(found.rows), found.cut, found.left_out) == (2, 1, 1)
    assert max(len(row.ids) for row in found.rows) == 30
    assert found.facts()["answer_tokens"] == sum(sum(row.answer) for row in found.rows)
    found.tell(30)
    assert "2 conversations are longer than 30 tokens: 1 cut, 1 left out" in capsys.readouterr().err
    with pytest.raises(DataError, match="no answer begins within 8 tokens of its conversation; raise --max-length"):
        encode_chats(chat.encoder, [said("Hi " * 9, "Yes.")], 8)


@pytest.mark.parametrize("lora", [False, True], ids=["a frozen copy", "LoRA off"])
def test_dpo_is_the_formula_of_the_paper_against_a_reference(lora):
    """-log sigmoid(beta * ((log p - log p_ref)(chosen) - (log p - log p_ref)(rejected))), each term by hand."""
    chat = ChatModel(language_model())
    reference = copy.deepcopy(chat.model)
    if lora:
        add_lora(chat.model, LoRA(2, 4))
        for adapter in adapters_in(chat.model).values():  # before it is asked what it said at first
            torch.nn.init.normal_(adapter.B, std=0.6)
    encoded = encode_preferences(chat, PREFERENCES, 64)
    if not lora:
        for p in chat.model.parameters():
            p.data += 0.02 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1))
    margins = []
    for chosen, rejected in zip(encoded.chosen, encoded.rejected, strict=True):
        rewards = [sum(by_hand(chat.model, row)) - sum(by_hand(reference, row)) for row in (chosen, rejected)]
        margins.append(0.3 * (rewards[0] - rewards[1]))
    (batch,) = preference_loader(encoded, 0, {"max_tokens": 999})
    loss = dpo_loss(DPO(chat.model, 0.3), batch)
    assert max(map(abs, margins)) > 0.01
    assert loss.total.item() == pytest.approx(sum(math.log1p(math.exp(-m)) for m in margins), rel=1e-4)
    assert (loss.count, loss.logs["reward_accuracy"]) == (2, sum(m > 0 for m in margins))
    assert loss.logs["reward_margin"] == pytest.approx(sum(margins), rel=1e-3)
    found = preference_evaluator(encoded, 0)(DPO(chat.model, 0.3))
    assert found["loss"] == pytest.approx(loss.total.item() / 2, rel=1e-5)


def test_the_gradient_of_dpo_is_that_of_whole_logits():
    """Logits are made in parts, and again for the gradient; autograd over all of them at once gives the same."""
    chat = ChatModel(language_model())
    encoded = encode_preferences(chat, PREFERENCES, 64)
    (batch,) = preference_loader(encoded, 0, {"max_tokens": 999})
    dpo_loss(DPO(chat.model, 0.3), batch).total.backward()
    found = {name: p.grad.clone() for name, p in chat.model.named_parameters()}
    chat.model.zero_grad()
    total = torch.zeros(())
    for chosen, rejected, before in zip(encoded.chosen, encoded.rejected, encoded.reference, strict=True):
        sums = []
        for row in (chosen, rejected):
            logs = chat.model(torch.tensor([row.ids]))[0].log_softmax(-1)
            sums.append(sum(logs[i - 1, row.ids[i]] for i in range(1, len(row.ids)) if row.answer[i]))
        total = total - F.logsigmoid(0.3 * ((sums[0] - before[0]) - (sums[1] - before[1])))
    total.backward()
    for name, p in chat.model.named_parameters():
        torch.testing.assert_close(found[name], p.grad, atol=1e-5, rtol=1e-4)


def test_a_preference_is_its_last_answer_alone_and_must_fit(chat):
    row = last_answer(chat, CHATS[1], 64)
    learned = [i for i, own in zip(*row, strict=True) if own]
    assert chat.tokenizer.decode(learned) == "No, it is in Peru."
    with pytest.raises(DataError, match="preference 1: its prompt fills --max-length 9"):
        encode_preferences(chat, PREFERENCES, 9)


def test_an_answer_is_that_of_the_language_model_after_the_template(chat):
    messages = [{"role": "user", "content": "Where is Lima?"}]
    prompt = "User:\nWhere is Lima?\n\nAssistant:\n"
    assert chat.encoder.prompt_ids((Message("user", "Where is Lima?"),)) == chat.tokenizer.encode(prompt)
    wanted = chat.language.generate(prompt, GREEDY)
    assert chat.chat(messages, GREEDY) == wanted
    assert chat.language.chat(messages, GREEDY) == wanted
    (found, again) = chat.predict(["Where is Lima?", "Where is Lima?"], GREEDY)
    assert (found.answer, found) == (wanted, again)
    assert found.row()["prompt"] == "Where is Lima?"


def test_the_oldest_turns_are_left_out_and_that_is_said(chat):
    old = [Message("system", "Be kind."), *said("one two three four five", "six", "seven", "eight").messages]
    room = 64 - len(chat.encoder.prompt_ids((old[0], *old[3:], Message("user", "nine"))))
    kept, dropped = chat.within_context([*old, Message("user", "nine")], room)
    assert dropped == 2
    assert kept == (old[0], *old[3:], Message("user", "nine"))
    with pytest.warns(UserWarning, match="longer than the context of 64 tokens; its 2 oldest messages are left out"):
        chat.chat([*old, Message("user", "nine")], SamplingParams(room, temperature=0))
    with pytest.raises(UserError, match=r"the question has \d+ tokens, the model sees 64 at most; shorten it"):
        chat.chat([Message("user", "word " * 99)])
    assert chat.within_context([Message("user", "word " * 9)], 60)[1] == 0


def test_messages_out_of_order_are_refused(chat):
    with pytest.raises(UserError, match=r"message 2 \(user\) follows user"):
        chat.chat([Message("user", "a"), Message("user", "b")])
    with pytest.raises(UserError, match="the last message is from 'assistant'"):
        chat.chat(said("a", "b").messages)


def test_a_session_keeps_what_was_said(chat):
    session = ChatSession(chat, GREEDY, "Be kind.")
    first = "".join(session.ask("Where is Lima?"))
    assert session.messages[0] == Message("user", "Where is Lima?")
    assert [m.role for m in session.messages] == ["user", "assistant"] if first.strip() else []
    assert any("cut off after 6 tokens; see --max-new-tokens" in note for note in session.notes)
    session.messages = list(said("Where?", "There.").messages)
    second = "".join(session.ask("And Paris?"))
    asked = [Message("system", "Be kind."), *said("Where?", "There.").messages, Message("user", "And Paris?")]
    assert second == chat.chat(asked, GREEDY)
    with pytest.raises(UserError, match="shorten it"):
        list(session.ask("word " * 99))
    assert len(session.messages) == 4
    session.reset()
    assert (session.messages, session.system) == ([], "Be kind.")


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A folder with a language model, conversations and preferences, where training takes place."""
    monkeypatch.chdir(tmp_path)
    save_bundle(language_model(), "gpt", tmp_path / "base", {})
    (tmp_path / "chat.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS * 2))
    pairs = [{"prompt": r["prompt"], "chosen": r["completion"], "rejected": "In the sea."} for r in ROWS]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    return tmp_path


def train(out, data="chat.jsonl", from_="base", **settings):
    return lingon.train("chat", data, from_=from_, out=out, settings={"device": "cpu", "evals": 1} | settings)


def facts(out):
    return json.loads((Path(out) / "run.json").read_text())


def test_it_is_trained_resumed_and_used(base, capsys):
    found = train("run", steps=60, lr=5e-3)
    before, after = lingon.load("base"), found
    held_out = [said(row["prompt"], row["completion"]) for row in ROWS]
    assert after.evaluate(held_out)["loss"] < 0.7 * ChatModel(before).evaluate(held_out)["loss"]
    assert facts("run")["arguments"]["max_length"] == 64
    assert found.language.chat_template.source == lingon.load("run").language.chat_template.source
    assert len(found.chat([{"role": "user", "content": ROWS[0]["prompt"]}], GREEDY)) > 0
    out = capsys.readouterr().out
    assert "answered: " in out
    assert "try next: lingon chat run" in out


@pytest.mark.parametrize("quantize", [pytest.param(None, marks=pytest.mark.long), "int8"])
def test_lora_trains_little_and_is_merged_into_the_bundle(base, quantize):
    found = train("run", steps=8, lr=2e-2, tuning="lora", lora_rank=2, quantize=quantize)
    counts = facts("run")["parameters"]
    assert counts["trained"] == 2 * 2 * 2 * (24 + 24)
    model, tuned = lingon.load("base").model, found.model.state_dict()
    assert tuned.keys() == model.state_dict().keys()
    merge_lora(load_adapter(model, "run/adapter"))
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, tuned[name])
    plain = lingon.load("base").model.state_dict()
    changed = {name for name in plain if not torch.equal(plain[name], tuned[name])}
    assert {name.partition("attention.")[2] for name in changed} >= {"qkv.weight"}
    assert ("blocks.0.feed_forward.up.weight" in changed) == (quantize is not None)
    other = language_model(seed=5).model
    with pytest.raises(UserError, match="the adapter was trained on other weights"):
        load_adapter(other, "run/adapter")
    assert not adapters_in(other)


def test_preferences_are_tuned_by_dpo(base):
    found = train("run", "pairs.jsonl", steps=12, lr=2e-3)
    test = facts("run")["test"]
    assert set(test) == {"loss", "reward_accuracy", "reward_margin", "preference_accuracy"}
    assert test["loss"] < math.log(2)
    assert test["reward_margin"] > 0
    assert facts("run")["arguments"]["beta"] == 0.1
    pairs = [Preference((Message("user", r["prompt"]),), r["completion"], "In the sea.") for r in ROWS]
    assert 0 <= found.evaluate(pairs)["preference_accuracy"] <= 1


@pytest.mark.parametrize(("tuning", "data", "rate"), [("full", 0, 5e-4), ("lora", 0, 2e-3), ("lora", 1, 2e-4)])
def test_the_learning_rate_follows_the_weights_what_is_trained_and_the_data(tuning, data, rate, base):
    pretrained = Pretrained("base", lambda: lingon.load("base"))
    some = load_conversation_splits(["chat.jsonl", "pairs.jsonl"][data])
    settings = Settings(from_="base", tuning=tuning).checked().started(pretrained)
    assert settings.filled(some).lr == pytest.approx(rate)
    assert replace(settings, lr=0.5).filled(some).lr == 0.5


WRONG = {
    "no weights": ({"from_": None}, "--from is missing: the language model to tune"),
    "a beta for answers": ({"beta": 0.2}, "--beta is 0.2, which applies only to preferences"),
    "a beta": ({"beta": -1.0}, "--beta is -1.0; expected more than 0"),
    "a head": ({"tuning": "frozen"}, "--tuning is frozen, which is for an encoder with a head; choose full or lora"),
    "too long": ({"max_length": 65}, "--max-length is 65, but base sees 64 tokens at most"),
    "too short": ({"max_length": 3}, "--max-length is 3; expected 8 or more"),
    "8 bits alone": ({"quantize": "int8"}, "--quantize is int8, which applies only with --tuning lora"),
    "4 bits": ({"quantize": "int4", "tuning": "lora"}, "unknown quantization 'int4'; did you mean 'int8'"),
    "another model": ({"width": 3}, "--width is 3, but --from base brings its model"),
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_cannot_be_are_refused_before_the_folder_is_touched(name, base):
    settings, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        train("run", **settings)
    assert not (base / "run").exists()


def test_a_checkpoint_of_another_family_is_refused(base):
    from lingon.tasks.embed import Embedder

    tokenizer = bpe(TEXTS, 330)
    encoder = build("bert", {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "context_length": 7})
    save_bundle(Embedder(encoder.eval(), tokenizer), "bert", base / "encoder", {})
    with pytest.raises(UserError, match="--from encoder is an encoder; expected a language model"):
        train("run", from_="encoder")


def test_weights_that_become_nan_are_told_and_the_run_stays(base):
    with pytest.raises(NotFinite, match="step"):
        train("run", steps=30, lr=1e11, max_grad_norm=None, warmup=0.0)
    assert not (base / "run" / "bundle").exists()


@pytest.mark.long
def test_running_text_goes_on_from_a_chat_model_and_keeps_its_template(base):
    train("run", steps=1)
    assert train("further", from_="run", steps=1).config() == lingon.load("run").config()
    (base / "text.txt").write_text("\n".join(TEXTS * 4))
    settings = {"device": "cpu", "steps": 1, "batch_size": 2, "context_length": 8}
    found = lingon.train("language-model", ["text.txt"], from_="run", out="more", settings=settings)
    assert type(found) is LanguageModel
    assert found.chat_template == lingon.load("run").language.chat_template


@pytest.fixture
def typed(base, monkeypatch, capsys):
    def run(lines, *words):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        with pytest.raises(SystemExit) as stopped:
            main(["chat", "base", "--temperature", "0", "--max-new-tokens", "6", *words])
        out, err = capsys.readouterr()
        return stopped.value.code, out.splitlines(), err

    return run


def test_the_command_answers_lines_and_obeys(typed):
    model = ChatModel(lingon.load("base"))
    ask = lambda *messages: model.chat(messages, GREEDY).splitlines()
    first, second = Message("user", "Where is Lima?"), Message("user", "And Paris?")
    code, out, err = typed("Where is Lima?\n\n/reset\nAnd Paris?\n/system Be kind.\n/reset\nAnd Paris?\n/quit\nmore\n")
    assert code == 0
    assert out == ask(first) + ask(second) + ask(Message("system", "Be kind."), second)
    assert "new conversation" in err
    assert "the answer was cut off after 6 tokens; see --max-new-tokens" in err
    _, out, _ = typed("And Paris?\n", "--system", "Be kind.")
    assert out == ask(Message("system", "Be kind."), second)


def test_a_full_context_is_told_after_the_answer(typed, monkeypatch):
    text = ChatModel(lingon.load("base")).chat([Message("user", "Where is Lima?")], SamplingParams(99, temperature=0))
    monkeypatch.setattr(warnings, "showwarning", lambda message, *where: print(f"[{message}]"))
    _, out, _ = typed("Where is Lima?\n", "--max-new-tokens", "99")
    assert out[: len(text.splitlines())] == text.splitlines()
    assert out[-1].startswith("[the context of ")


def test_the_command_says_what_is_wrong(typed):
    code, _, err = typed("/restart\n")
    assert (code, err.count("\n")) == (2, 1)
    assert "unknown command '/restart'; did you mean '/reset'?" in err
    code, _, err = typed("word " * 99)
    assert code == 2
    assert "the question has" in err
