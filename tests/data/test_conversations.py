"""Conversations: roles in order, rows of files, and a division in which no question is on both sides."""

import json

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.conversations import Conversation, Message, Preference, messages_of
from lingon.data.files.chat_rows import dialogue_of, read_chat_rows
from lingon.data.load_conversations import load_conversation_splits, load_conversations


def says(*pairs):
    return [{"role": role, "content": content} for role, content in pairs]


HI = says(("user", "Hi"), ("assistant", "Hello."))

WRONG = {
    "an answer first": (
        says(("assistant", "a")),
        "message 1 \\(assistant\\) comes first; assistant comes after user or tool",
    ),
    "two questions": (
        says(("user", "a"), ("user", "b")),
        "message 2 \\(user\\) follows user; user comes first, or after system or assistant",
    ),
    "a late system": (says(("user", "a"), ("system", "b")), "message 2 \\(system\\) follows user; system comes first"),
    "an unknown role": (says(("humen", "a")), "message 1 has an unknown role 'humen'"),
    "no message": ([], "the conversation has no messages"),
    "one text": ("hello", "messages are str, expected a list of objects"),
    "no content": ([{"role": "user"}], "message 1 has no 'content'; it has role"),
    "a number": (says(("user", 3)), r"message 1 \(user\): its content is a int, expected text"),
    "a picture": (says(("user", [{"type": "image"}])), "its content is a list, expected text"),
    "nothing said": (says(("user", None)), "its content is nothing, expected text"),
    "blank": (says(("user", " \n")), r"message 1 \(user\) is empty"),
    "half a character": (says(("user", "a\ud800")), "half a character"),
    "a call": ([{"role": "user", "content": "a", "tool_calls": [1]}], "has tool_calls, which are not supported"),
    "a thought": (
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_content": "c"}],
        "message 2 has reasoning_content, which is not supported; write it into the text",
    ),
    "a weight": (
        [{"role": "user", "content": "a", "weight": 0}],
        "message 1 has weight 0, and every answer is learned",
    ),
    "a text in the list": (["hello"], "message 1 is 'hello', expected an object"),
}


@pytest.mark.parametrize("name", WRONG)
def test_messages_that_are_no_conversation_are_refused(name):
    given, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        messages_of(given)


def test_keys_beside_the_text_that_say_nothing_are_no_mistake():
    more = {"tool_calls": None, "reasoning_content": "", "weight": 1, "name": "Ann"}
    assert messages_of([{"role": "user", "content": "a", **more}]) == (Message("user", "a"),)


def test_messages_are_kept_as_they_are():
    given = says(("system", ""), ("user", "a"), ("assistant", "b"), ("tool", "c"), ("assistant", "d"), ("user", "e"))
    found = messages_of(given, answer_next=True)
    assert [message.row() for message in found] == given
    assert messages_of(found) == found
    with pytest.raises(UserError, match="the last message is from 'assistant'; expected one from the user"):
        messages_of(given[:3], answer_next=True)
    with pytest.raises(UserError, match="the conversation ends with user, expected an answer"):
        Conversation(found)


ROWS = {
    "messages": ({"messages": HI}, HI),
    "texts": ({"prompt": "Hi", "completion": "Hello."}, HI),
    "lists": ({"prompt": HI[:1], "completion": HI[1:], "score": 3}, HI),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_a_conversation_in_any_of_its_layouts(name):
    row, expected = ROWS[name]
    assert [message.row() for message in dialogue_of(row).messages] == expected


PAIRS = {
    "texts": {"prompt": "Hi", "chosen": "Hello.", "rejected": "No."},
    "lists": {"prompt": HI[:1], "chosen": HI[1:], "rejected": says(("assistant", "No."))},
    "no prompt": {"chosen": HI, "rejected": [*HI[:1], *says(("assistant", "No."))]},
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_row_is_a_preference_in_any_of_its_layouts(name):
    found = dialogue_of(PAIRS[name])
    assert found == Preference((Message("user", "Hi"),), "Hello.", "No.")
    assert found.conversation(found.rejected).messages[-1] == Message("assistant", "No.")


BROKEN = {
    "neither": ({"text": "a"}, "it has text; expected 'messages', or 'prompt' with 'completion'"),
    "no completion": ({"prompt": "a", "completion": None}, "'completion' is missing, expected text or a list"),
    "the same": ({"prompt": "a", "chosen": "b", "rejected": "b"}, "chosen and rejected are the same answer, 'b'"),
    "empty": ({"prompt": "a", "chosen": " ", "rejected": "b"}, "the chosen answer is empty"),
    "no question": ({"chosen": HI[1:], "rejected": HI[1:]}, "there is no 'prompt', and chosen and rejected do not"),
    "two answers": ({"prompt": "a", "chosen": HI, "rejected": "b"}, "chosen is not a single answer"),
    "tools": ({"messages": HI, "tools": [{"type": "function"}]}, "it has 'tools', which are not supported"),
    "a call that is chosen": (
        {"prompt": "a", "chosen": [HI[1] | {"tool_calls": [1]}], "rejected": "b"},
        "the chosen answer has tool_calls, which are not supported",
    ),
    "a question last": ({"messages": HI[:1]}, "the conversation ends with user"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_told_with_its_line_or_left_out(name, tmp_path, capsys):
    row, message = BROKEN[name]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, [{"messages": HI}, row])))
    with pytest.raises(DataError, match=rf"a\.jsonl:2: {message}"):
        read_chat_rows(path)
    assert read_chat_rows(path, "skip") == ([Conversation(messages_of(HI))], 1)
    assert len(load_conversations(path, on_bad_row="skip")) == 1
    assert "1 row is left out" in capsys.readouterr().err


def test_broken_json_two_kinds_and_no_file_are_told(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"messages": HI}) + '\n{"messages": [')
    with pytest.raises(DataError, match=r"a\.jsonl:2: not JSON"):
        read_chat_rows(path)
    path.write_text("\n".join(map(json.dumps, [{"messages": HI}, PAIRS["texts"]])))
    with pytest.raises(DataError, match=r"a\.jsonl:2: some rows are preferences"):
        read_chat_rows(path)
    path.write_text("[]")
    with pytest.raises(DataError, match="a list, expected an object"):
        read_chat_rows(path)
    with pytest.raises(UserError, match=r"there is no file 'b\.jsonl'"):
        load_conversations("b.jsonl")


def written(path, numbers):
    rows = [{"prompt": f"Question {n}?", "completion": f"Answer {k}."} for n in numbers for k in (0, 1)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_no_question_is_on_both_sides_and_the_cut_stays(tmp_path):
    found = load_conversation_splits(written(tmp_path / "a.jsonl", range(30)))
    asked = {part: {one.question for one in getattr(found, part)} for part in ("train", "valid", "test")}
    assert [len(asked[part]) for part in asked] == [24, 3, 3]
    assert len(set.union(*asked.values())) == 30
    again = load_conversation_splits(written(tmp_path / "b.jsonl", [*range(29, -1, -1)]))
    assert {one.question for one in again.test} == asked["test"]
    assert list(load_conversations(tmp_path / "a.jsonl", "test")) == list(found.test)
    assert found.source["test"] == 6
    assert not found.preferences
    with pytest.raises(DataError, match="no different questions are left for the valid part"):
        load_conversation_splits(written(tmp_path / "c.jsonl", range(2)))


def test_files_of_their_own_for_validation_and_test(tmp_path, capsys):
    names = {part: written(tmp_path / f"{part}.jsonl", n) for part, n in (("valid", [1, 2]), ("test", [2, 9]))}
    found = load_conversation_splits(written(tmp_path / "a.jsonl", range(5)), **names)
    assert [len(found.train), len(found.valid), len(found.test)] == [10, 4, 4]
    said = capsys.readouterr().err
    assert "4 of 4 valid questions (100%) are also in training" in said
    assert "2 of 4 test questions (50%) are also in training" in said
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps(PAIRS["texts"]))
    with pytest.raises(DataError, match="preferences and conversations are different data"):
        load_conversation_splits(tmp_path / "a.jsonl", test=pairs)
