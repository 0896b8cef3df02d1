"""Chat templates of checkpoints: read from folders, kept, written, and those of transformers to the last token."""

import json
import random

import pytest
import tokenizers

import lingon
from lingon.checkpoints.huggingface.chat_template import read_chat_template, write_chat_template
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import DataError
from lingon.data.conversations import Conversation, messages_of
from lingon.data.tokenizers import Tokenizer, bpe
from lingon.data.tokenizers.chat_template import ChatTemplate
from lingon.models.registry import build
from lingon.tasks.chat import ChatModel
from lingon.tasks.language_model import LanguageModel
from tests.data.test_chat_template import CHATML, TAGGED

TEXTS = ["Hello there, how are you? I am fine, thanks. user assistant system é 你好 0123456789"] * 5
NAMES = {"eos_token": "<|im_end|>", "bos_token": "<|im_start|>"}
WORDS = ["Hello", "there", "how are you?", "fine,", "é", "你好", "\n", "  ", "123", "🙂", "<|im_", "|>", "user\n"]


def model_with(template):
    library = tokenizers.Tokenizer.from_str(bpe(TEXTS, 320).library.to_str())
    library.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer = Tokenizer(library)
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2, "depth": 1, "context_length": 64}
    end = library.token_to_id("<|im_end|>")
    return LanguageModel(build("gpt", sizes).eval(), tokenizer, (end,), ChatTemplate(template, NAMES))


def saved(language, folder):
    return save_hub(
        language.model, folder, language.tokenizer, eos_ids=language.eos_ids, chat_template=language.chat_template
    )


def test_a_folder_gives_back_the_template_that_was_saved(tmp_path):
    language = model_with(CHATML)
    again = lingon.load(saved(language, tmp_path / "m"))
    assert again.chat_template.source == language.chat_template.source
    assert again.chat_template.special_tokens == NAMES | {"pad_token": "[pad]"}
    messages = [{"role": "user", "content": "Hello there"}]
    params = {"max_new_tokens": 5, "temperature": 0}
    assert again.chat(messages, **params) == language.chat(messages, **params)
    assert ChatModel(again).language.eos_ids == language.eos_ids


FORMS = {
    "a text": ({"chat_template": CHATML, "eos_token": {"content": "</s>", "lstrip": False}}, CHATML),
    "several": ({"chat_template": [{"name": "rag", "template": "x"}, {"name": "default", "template": CHATML}]}, CHATML),
    "none by default": ({"chat_template": [{"name": "rag", "template": "x"}]}, None),
    "none": ({"eos_token": "</s>"}, None),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_template_stands_in_tokenizer_config_in_any_of_its_forms(name, tmp_path):
    config, wanted = FORMS[name]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    found = read_chat_template(tmp_path)
    assert (found and found.source) == wanted
    if name == "a text":
        assert found.special_tokens == {"eos_token": "</s>"}
    (tmp_path / "chat_template.jinja").write_text("{{ 'own' }}")
    assert read_chat_template(tmp_path).source == "{{ 'own' }}"


def test_special_tokens_of_older_folders_and_of_a_models_own_are_those_of_transformers(tmp_path):
    """special_tokens_map.json counts where tokenizer_config.json lists no added tokens, as in transformers 5."""
    config = {"chat_template": CHATML, "eos_token": "</s>", "image_token": "<image>", "add_bos_token": True}
    config["extra_special_tokens"] = {"think_start": "<think>", "messages": "?"}
    older = {"bos_token": {"content": "<s>"}, "eos_token": "<|im_end|>", "additional_special_tokens": ["<a>"]}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(older))
    for listed, kept in ({}, older), ({"added_tokens_decoder": {}}, {}):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | listed))
        wanted = {"eos_token": "</s>", "image_token": "<image>", "think_start": "<think>", "messages": "?"}
        wanted |= {"bos_token": "<s>", "eos_token": "<|im_end|>"} if kept else {}
        found = read_chat_template(tmp_path)
        assert found.special_tokens == wanted
        assert found.render([{"role": "user", "content": "a"}]) == "<|im_start|>user\na<|im_end|>\n"
        write_chat_template(tmp_path, found)
        assert read_chat_template(tmp_path).special_tokens == wanted


def test_what_is_no_template_is_told(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": 3}')
    with pytest.raises(DataError, match=r"tokenizer_config\.json: key 'chat_template' is '3', expected text"):
        read_chat_template(tmp_path)
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"chat_template\.jinja: not UTF-8 text"):
        read_chat_template(tmp_path)


def random_chats(count):
    draw, chats = random.Random(7), []
    for _ in range(count):
        roles = [*(["system"] if draw.random() < 0.3 else []), *["user", "assistant"] * draw.randint(1, 4)]
        say = lambda: "".join(draw.choices(WORDS, k=draw.randint(1, 8))) + draw.choice(["a", "é", ".", "🙂"])
        chats.append([{"role": role, "content": say()} for role in roles])
    return chats


@pytest.mark.long
@pytest.mark.parametrize("source", [CHATML, TAGGED], ids=["prefixes", "generation blocks"])
def test_ids_and_answers_of_200_random_chats_are_those_of_transformers(source, peer, tmp_path):
    """Their masks come from {% generation %} blocks; ours from these, and from prefixes of a template without any."""
    chats, ours = random_chats(200), model_with(source)
    (tmp_path / "chats.json").write_text(json.dumps(chats), encoding="utf-8")
    asked = {"folder": str(saved(model_with(TAGGED), tmp_path / "m")), "chats": str(tmp_path / "chats.json")}
    theirs, encoder = peer.ask("answer_masks", asked), ChatModel(ours).encoder
    for messages, ids, mask in zip(chats, theirs["ids"], theirs["masks"], strict=True):
        (found,) = encoder.encode(Conversation(messages_of(messages)))
        assert found.ids == ids, messages
        assert [int(own) for own in found.answer] == mask, messages
    prompts = [messages[:-1] for messages in chats]
    (tmp_path / "chats.json").write_text(json.dumps(prompts), encoding="utf-8")
    wanted = peer.ask("prompt_ids", asked)["ids"]
    assert [encoder.prompt_ids(messages_of(prompt)) for prompt in prompts] == wanted
